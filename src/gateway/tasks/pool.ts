// edge: no Deno, Bun, node: or cloudflare: names
import type { PoolInfo } from "../../protocol/tasks.ts";
import { Limiter } from "./limiter.ts";
import { TaskQueue } from "./queue.ts";
import type { Task } from "./task.ts";
import type { Worker } from "./worker.ts";

/** Tasks of one type in a pool: who waits, and what holds them back. */
export interface TaskLine {
  readonly type: string;
  readonly limiter: Limiter;
  readonly queue: TaskQueue;
}

/** Gives a task to a worker. */
export type Give = (task: Task, worker: Worker) => void;

/** Workers and waiting tasks of one kind in one workspace, or of one named principal. */
export class Pool {
  readonly workspace: string;
  readonly implementation: string;
  readonly #lines = new Map<string, TaskLine>();
  readonly workers = new Set<Worker>();
  /** Those that may have room, in the order of their turns: looking for one costs nothing when all are busy. */
  readonly #free = new Set<Worker>();
  isPaused = false;

  constructor(workspace: string, implementation: string) {
    this.workspace = workspace;
    this.implementation = implementation;
  }

  /** The line of a type, made when it is not there. */
  line(type: string): TaskLine {
    let line = this.#lines.get(type);
    if (!line) {
      const limiter = new Limiter();
      this.#lines.set(type, line = { type, limiter, queue: new TaskQueue(limiter) });
    }
    return line;
  }

  /** All its lines. */
  lines(): Iterable<TaskLine> {
    return this.#lines.values();
  }

  /** Its lines of some types. */
  *linesFor(types: ReadonlySet<string> | undefined): Iterable<TaskLine> {
    if (!types) return yield* this.#lines.values();
    for (const type of types) {
      const line = this.#lines.get(type);
      if (line) yield line;
    }
  }

  /** Gives what waits in one line to whoever is free. Returns when to try again; Infinity when only a change will help. */
  pump(line: TaskLine, now: number, give: Give): number {
    if (this.isPaused) return Infinity;
    for (let task = line.queue.peek(now); task; task = line.queue.peek(now)) {
      const worker = this.#pick(task);
      if (!worker) break;
      line.queue.shift();
      line.limiter.enter(task.state, now);
      give(task, worker);
    }
    return line.queue.nextAt;
  }

  /** A worker with room for a task, the one whose turn it is; it goes to the end of the turns. */
  #pick({ state: { type, weight } }: Task): Worker | undefined {
    for (const worker of this.#free) {
      if (!worker.hasRoom) this.#free.delete(worker);
      if (!worker.canTake(type, weight)) continue;
      this.#free.delete(worker);
      this.#free.add(worker);
      return worker;
    }
    return undefined;
  }

  /** A worker may have room. */
  freed(worker: Worker): void {
    if (worker.hasRoom) this.#free.add(worker);
  }

  /** A worker is gone. */
  remove(worker: Worker): void {
    this.workers.delete(worker);
    this.#free.delete(worker);
  }

  /** Whether nobody and nothing is in it. */
  get isEmpty(): boolean {
    if (this.workers.size > 0 || this.isPaused) return false;
    for (const { queue, limiter } of this.#lines.values()) if (queue.size > 0 || limiter.running > 0) return false;
    return true;
  }

  /** As others see it. */
  info(): PoolInfo {
    const { workspace, implementation, isPaused } = this;
    let [slots, busy, queued] = [0, 0, 0];
    for (const worker of this.workers) {
      slots += worker.slots;
      busy += worker.busy;
    }
    for (const { queue } of this.#lines.values()) queued += queue.size;
    return { workspace, implementation, isPaused, workers: this.workers.size, slots, busy, queued };
  }

  /** Forgets what waits and what runs. */
  clear(): void {
    this.#lines.clear();
  }
}
