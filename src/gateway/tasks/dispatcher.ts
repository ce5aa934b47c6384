// edge: no Deno, Bun, node: or cloudflare: names
import type { PoolInfo } from "../../protocol/tasks.ts";
import type { Core } from "../core.ts";
import type { Session } from "../session.ts";
import type { TaskLine } from "./line.ts";
import { Pool, type PoolLink } from "./pool.ts";
import type { TaskState } from "./record.ts";
import type { Task } from "./task.ts";
import { type Give, Worker, type WorkPlace } from "./worker.ts";

/** What a session announces. */
export interface Announcement {
  workspace: string;
  implementation: string;
  types?: string[];
  slots: number;
  isAutoStart?: boolean;
  graceMs?: number;
}

/** Brings waiting tasks and free workers together. Knows nothing of what tasks are for. */
export class Dispatcher {
  readonly #core: Core;
  readonly #give: Give;
  readonly #link: PoolLink;
  readonly #pools = new Map<string, Pool>();
  /** By session, and then by the pool they work for. */
  readonly #workers = new Map<Session, Map<WorkPlace, Worker>>();
  /** Workers whose lines must be looked at: each is served last, once, however often it was freed. */
  readonly #waiting = new Set<Worker>();

  /** @param alarm calls back at a moment */
  constructor(core: Core, give: Give, alarm: (at: number, run: () => void) => void) {
    this.#core = core;
    this.#give = give;
    this.#link = {
      onRoom: (pool, line) => this.#pump(pool, line),
      onDelay: (pool, line, until) => alarm(until, () => this.#pump(pool, line)),
    };
  }

  /** The pool a task waits in: that of its implementation, or that of the one principal it is meant for. */
  #poolOf({ target, workspace, implementation }: TaskState): Pool {
    return target === undefined ? this.#pool(workspace, implementation) : this.#pool("", target);
  }

  #pool(workspace: string, implementation: string): Pool {
    const key = `${workspace}\0${implementation}`;
    let pool = this.#pools.get(key);
    if (!pool) this.#pools.set(key, pool = new Pool(workspace, implementation, this.#link));
    return pool;
  }

  /** A task waits from now on; `isFirst` for one that has waited before. */
  enqueue(task: Task, isFirst = false): void {
    const pool = this.#poolOf(task.state);
    const line = task.place = pool.line(task.state.type);
    if (pool.giveAtOnce(line, task, this.#core.clock.now(), this.#give)) return;
    line.queue.push(task, isFirst);
    this.#pump(pool, line);
  }

  /** A task does not wait any more. */
  dequeue(task: Task): void {
    if (task.ticket > 0) task.place!.dequeue(task);
  }

  /** A task runs that was not given out here: the gateway was away meanwhile. */
  count(task: Task): void {
    const { state } = task;
    const line = task.place = this.#poolOf(state).line(state.type);
    line.limiter.enter(state, this.#core.clock.now());
  }

  /** An attempt is over as far as limits are concerned; its worker's slot is another matter. */
  leave(task: Task): void {
    task.place!.leave(task);
  }

  #pump(pool: Pool, line: TaskLine): void {
    pool.pump(line, this.#core.clock.now(), this.#give);
  }

  /** A session says how much it takes. */
  announce(session: Session, said: Announcement): Worker {
    let mine = this.#workers.get(session);
    if (!mine) this.#workers.set(session, mine = new Map());
    const pool = this.#pool(said.workspace, said.implementation);
    let worker = mine.get(pool);
    if (!worker) mine.set(pool, worker = this.#enter(new Worker(session), pool));
    worker.types = said.types && new Set(said.types);
    worker.slots = said.slots;
    worker.isAutoStart = said.isAutoStart ?? false;
    worker.graceMs = said.graceMs ?? 0;
    return worker;
  }

  /** A worker finds its work in a pool, and in that of its own topic, and nowhere else. */
  #enter(worker: Worker, pool: Pool): Worker {
    for (const former of worker.pools) former.remove(worker);
    worker.pools = [pool, this.#pool("", worker.session.topic)];
    for (const one of worker.pools) one.add(worker);
    return worker;
  }

  /** A session is somewhere else from now on, and works there; what it has begun stays with it. */
  move(session: Session): void {
    const mine = this.#workers.get(session);
    if (!mine || session.workspace === undefined) return;
    for (const [{ implementation }, worker] of [...mine]) {
      mine.delete(worker.pools[0]);
      const pool = this.#pool(session.workspace, implementation);
      mine.set(pool, this.#enter(worker, pool));
      this.freed(worker);
    }
  }

  /** The workers of a session. */
  workersOf(session: Session): Iterable<Worker> {
    return this.#workers.get(session)?.values() ?? [];
  }

  /** A worker has room: the best of what waits for it is given to it, before this turn's frames leave. */
  freed(worker: Worker): void {
    for (const pool of worker.pools) pool.hold(worker);
    if (this.#waiting.size === 0) queueMicrotask(() => this.#serveSafely());
    this.#waiting.add(worker);
  }

  /** Nobody above would catch it; when it was the store, the turn's commit says so to everybody. */
  #serveSafely(): void {
    try {
      this.serve();
    } catch (error) {
      this.#core.logger("error", "task.engine", { error: String(error) });
    }
  }

  /** Gives those that have become free what they may take. */
  serve(): void {
    const now = this.#core.clock.now();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const worker of waiting) {
      worker.serve(now, this.#give);
      // Nothing waits for it now: what comes next may go to it without a look at the rest.
      for (const pool of worker.pools) pool.freed(worker);
    }
  }

  /** A session has gone: it takes nothing any more. */
  remove(session: Session): void {
    for (const worker of this.workersOf(session)) {
      worker.slots = 0;
      for (const pool of worker.pools) pool.remove(worker);
    }
    this.#workers.delete(session);
  }

  /** Stops a pool giving out work, or lets it go on. */
  pause(workspace: string, implementation: string, isPaused: boolean): void {
    const pool = this.#pool(workspace, implementation);
    pool.isPaused = isPaused;
    if (!isPaused) { for (const line of pool.lines()) this.#pump(pool, line); }
  }

  /** A pool and its work. */
  info(workspace: string, implementation: string): PoolInfo {
    return this.#pool(workspace, implementation).info();
  }

  /** Forgets pools in which nobody and nothing is. */
  sweep(): void {
    const now = this.#core.clock.now();
    for (const [key, pool] of this.#pools) if (pool.sweep(now)) this.#pools.delete(key);
  }

  /** How many pools there are. */
  get size(): number {
    return this.#pools.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#pools.clear();
    this.#workers.clear();
    this.#waiting.clear();
  }
}
