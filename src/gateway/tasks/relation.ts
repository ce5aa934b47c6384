// edge: no Deno, Bun, node: or cloudflare: names
import type { Task } from "./task.ts";

/** Live tasks by what they have in common: whose part they are, what they wait for. A name without tasks is forgotten. */
export class Relation {
  readonly #tasks = new Map<string, Set<Task>>();

  /** Joins a task to a name. */
  add(name: string, task: Task): void {
    const tasks = this.#tasks.get(name);
    if (tasks) tasks.add(task);
    else this.#tasks.set(name, new Set([task]));
  }

  /** The opposite. */
  delete(name: string, task: Task): void {
    const tasks = this.#tasks.get(name);
    tasks?.delete(task);
    if (tasks?.size === 0) this.#tasks.delete(name);
  }

  /** Those of a name as they are now, whatever becomes of them while they are walked through. */
  of(name: string): readonly Task[] {
    const tasks = this.#tasks.get(name);
    return tasks ? [...tasks] : NONE;
  }

  /** How many names have tasks. */
  get size(): number {
    return this.#tasks.size;
  }

  /** Forgets all. */
  clear(): void {
    this.#tasks.clear();
  }
}

const NONE: readonly Task[] = [];
