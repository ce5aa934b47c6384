// edge: no Deno, Bun, node: or cloudflare: names
import { ChurnMap } from "../../base/churn_map.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { TaskState } from "./record.ts";
import type { TaskShelf } from "./shelf.ts";
import type { Task } from "./task.ts";

/** The live tasks, and what of this turn is to be kept: each record once, however often it has changed. */
export class Register {
  readonly #core: Core;
  readonly #shelf: TaskShelf;
  /** Those that are over stay here until they are kept. */
  readonly #tasks = new ChurnMap<string, Task>();
  #dirty: Task[] = [];
  #over: Task[] = [];

  constructor(core: Core, shelf: TaskShelf) {
    this.#core = core;
    this.#shelf = shelf;
    core.beforeCommit(() => this.keep());
  }

  /** A live task. */
  live(id: string): Task | undefined {
    const task = this.#tasks.get(id);
    return task?.isOver ? undefined : task;
  }

  /** A task that the store does not know as it is. */
  now(id: string): TaskState | undefined {
    return this.#tasks.get(id)?.state;
  }

  /** How many are alive. */
  get size(): number {
    return this.#tasks.size - this.#over.length;
  }

  /** A task, alive or over. */
  find(id: string): MaybePromise<TaskState | undefined> {
    return this.now(id) ?? this.#shelf.get(id);
  }

  /** It lives. */
  add(task: Task): void {
    const { id } = task.state;
    const former = this.#tasks.get(id);
    if (former?.isOver) this.#over.splice(this.#over.indexOf(former), 1);
    this.#tasks.set(id, task);
  }

  /** It is over. */
  remove(task: Task): void {
    task.isOver = true;
    this.#over.push(task);
  }

  /** Its record is not what is kept. */
  touch(task: Task): void {
    if (task.isDirty) return;
    task.isDirty = true;
    this.#dirty.push(task);
    this.#core.commitSoon();
  }

  /** Keeps what has changed. */
  keep(): void {
    if (this.#dirty.length === 0) return;
    const [dirty, over] = [this.#dirty, this.#over];
    this.#dirty = [];
    this.#over = [];
    for (const task of dirty) {
      task.isDirty = false;
      // One that was over and lives again in this turn is kept as what it is now.
      if (this.#tasks.get(task.state.id) === task) this.#shelf.keep(task);
    }
    for (const { state: { id } } of over) this.#tasks.delete(id);
  }

  /** Forgets all. */
  clear(): void {
    this.#tasks.clear();
    this.#dirty = [];
    this.#over = [];
  }
}
