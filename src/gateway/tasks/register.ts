// edge: no Deno, Bun, node: or cloudflare: names
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { TaskState } from "./record.ts";
import type { TaskShelf } from "./shelf.ts";
import type { Task } from "./task.ts";

/** The live tasks, and what of this turn is to be kept: each record once, however often it has changed. */
export class Register {
  readonly #core: Core;
  readonly #shelf: TaskShelf;
  readonly #live = new Map<string, Task>();
  readonly #dirty = new Set<Task>();
  /** Tasks that are over and not kept yet. */
  readonly #lately = new Map<string, TaskState>();

  constructor(core: Core, shelf: TaskShelf) {
    this.#core = core;
    this.#shelf = shelf;
    core.beforeCommit(() => this.#keep());
  }

  /** A live task. */
  live(id: string): Task | undefined {
    return this.#live.get(id);
  }

  /** A task that the store does not know as it is. */
  now(id: string): TaskState | undefined {
    return this.#live.get(id)?.state ?? this.#lately.get(id);
  }

  /** How many there are. */
  get size(): number {
    return this.#live.size;
  }

  /** A task, alive or over. */
  find(id: string): MaybePromise<TaskState | undefined> {
    return this.now(id) ?? this.#shelf.get(id);
  }

  /** It lives. */
  add(task: Task): void {
    this.#live.set(task.state.id, task);
    this.#lately.delete(task.state.id);
  }

  /** It is over. */
  remove({ state }: Task): void {
    this.#live.delete(state.id);
    this.#lately.set(state.id, state);
  }

  /** Its record is not what is kept. */
  touch(task: Task): void {
    if (task.isDirty) return;
    task.isDirty = true;
    this.#dirty.add(task);
    this.#core.commitSoon();
  }

  #keep(): void {
    if (this.#dirty.size === 0) return;
    for (const task of this.#dirty) {
      task.isDirty = false;
      this.#shelf.keep(task);
    }
    this.#dirty.clear();
    this.#lately.clear();
  }

  /** Forgets all. */
  clear(): void {
    this.#live.clear();
    this.#dirty.clear();
    this.#lately.clear();
  }
}
