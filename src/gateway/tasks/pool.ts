// edge: no Deno, Bun, node: or cloudflare: names
import type { PoolInfo } from "../../protocol/tasks.ts";
import { take, TaskLine } from "./line.ts";
import type { Task } from "./task.ts";
import type { Give, Worker, WorkPlace } from "./worker.ts";

/** What a pool asks of those above. */
export interface PoolLink {
  /** Another task of a line may begin. */
  onRoom(pool: Pool, line: TaskLine): void;
  /** One may at a moment. */
  onDelay(pool: Pool, line: TaskLine, until: number): void;
}

/** Workers and waiting tasks of one kind in one workspace, or of one named principal. */
export class Pool implements WorkPlace {
  readonly workspace: string;
  readonly implementation: string;
  readonly #lines = new Map<string, TaskLine>();
  readonly workers = new Set<Worker>();
  /** Those that may have room, in the order of their turns: looking for one costs nothing when all are busy. */
  readonly #free = new Set<Worker>();
  isPaused = false;
  readonly #link: PoolLink;

  constructor(workspace: string, implementation: string, link: PoolLink) {
    this.workspace = workspace;
    this.implementation = implementation;
    this.#link = link;
  }

  /** The line of a type, made when it is not there. */
  line(type: string): TaskLine {
    return this.#lines.get(type) ?? this.#open(type);
  }

  #open(type: string): TaskLine {
    const { onRoom, onDelay } = this.#link;
    const line = new TaskLine(type, (line) => onRoom(this, line), (line, until) => onDelay(this, line, until));
    this.#lines.set(type, line);
    return line;
  }

  *lines(types?: ReadonlySet<string>): Iterable<TaskLine> {
    if (!types) return yield* this.#lines.values();
    for (const type of types) {
      const line = this.#lines.get(type);
      if (line) yield line;
    }
  }

  /** Gives what waits in one line to whoever is free. */
  pump(line: TaskLine, now: number, give: Give): void {
    if (this.isPaused || this.#free.size === 0) return;
    for (let task = line.queue.peek(now); task; task = line.queue.peek(now)) {
      const worker = this.#pick(task);
      if (!worker) return;
      take(line, task, now);
      give(task, worker);
    }
  }

  /** Gives a task that nobody waits before to a worker, if it may begin and somebody is free: it needs no place in the line. */
  giveAtOnce({ queue, limiter }: TaskLine, task: Task, now: number, give: Give): boolean {
    if (queue.size > 0 || this.isPaused || this.#free.size === 0 || limiter.blocked(task.state, now)) return false;
    const worker = this.#pick(task);
    if (!worker) return false;
    limiter.enter(task.state, now);
    give(task, worker);
    return true;
  }

  /** A worker with room for a task, the one whose turn it is; it goes to the end of the turns. */
  #pick({ state: { type, weight } }: Task): Worker | undefined {
    for (const worker of this.#free) {
      if (!worker.hasRoom) this.#free.delete(worker);
      if (!worker.canTake(type, weight)) continue;
      if (this.#free.size > 1) {
        this.#free.delete(worker);
        this.#free.add(worker);
      }
      return worker;
    }
    return undefined;
  }

  hold(worker: Worker): void {
    this.#free.delete(worker);
  }

  freed(worker: Worker): void {
    if (worker.hasRoom) this.#free.add(worker);
  }

  remove(worker: Worker): void {
    this.workers.delete(worker);
    this.#free.delete(worker);
  }

  add(worker: Worker): void {
    this.workers.add(worker);
  }

  /** Forgets types of which nothing waits or runs, and whose rates are not used up. True when nobody and nothing is left. */
  sweep(now: number): boolean {
    for (const [type, { queue, limiter }] of this.#lines) {
      if (limiter.sweep(now) && queue.size === 0) this.#lines.delete(type);
    }
    return this.workers.size === 0 && !this.isPaused && this.#lines.size === 0;
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
}
