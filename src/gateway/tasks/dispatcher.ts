// edge: no Deno, Bun, node: or cloudflare: names
import type { PoolInfo } from "../../protocol/tasks.ts";
import type { Core } from "../core.ts";
import type { Session } from "../session.ts";
import { type Give, Pool, type TaskLine } from "./pool.ts";
import type { TaskState } from "./record.ts";
import type { Task } from "./task.ts";
import { Worker } from "./worker.ts";

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
  readonly #pools = new Map<string, Pool>();
  readonly #workers = new Map<Session, Map<string, Worker>>();
  /** A worker whose own line must be looked at: it is served last, once, however often it was freed. */
  readonly #waiting = new Set<Worker>();

  constructor(core: Core, give: Give) {
    this.#core = core;
    this.#give = give;
  }

  /** The pool a task waits in: that of its implementation, or that of the one principal it is meant for. */
  #poolOf({ target, workspace, implementation }: TaskState): Pool {
    return target === undefined ? this.#pool(workspace, implementation) : this.#pool("", target);
  }

  #pool(workspace: string, implementation: string): Pool {
    const key = `${workspace}\0${implementation}`;
    let pool = this.#pools.get(key);
    if (!pool) this.#pools.set(key, pool = new Pool(workspace, implementation));
    return pool;
  }

  #line(state: TaskState): TaskLine {
    return this.#poolOf(state).line(state.type);
  }

  /** A task waits from now on; `isFirst` for one that has waited before. */
  enqueue(task: Task, isFirst = false): void {
    const pool = this.#poolOf(task.state);
    const line = pool.line(task.state.type);
    line.queue.push(task, isFirst);
    this.#pump(pool, line);
  }

  /** A task does not wait any more. */
  dequeue(task: Task): void {
    if (task.ticket === 0) return;
    task.ticket = 0;
    this.#line(task.state).queue.gone();
  }

  /** A task runs that was not given out here: the gateway was away meanwhile. */
  count({ state }: Task): void {
    this.#line(state).limiter.enter(state, this.#core.clock.now());
  }

  /** An attempt is over as far as limits are concerned; its worker's slot is another matter. */
  leave({ state }: Task): void {
    const pool = this.#poolOf(state);
    const line = pool.line(state.type);
    line.limiter.leave(state);
    line.queue.release(state.concurrency?.key ?? "");
    this.#pump(pool, line);
  }

  #pump(pool: Pool, line: TaskLine): void {
    this.#again(pool.pump(line, this.#core.clock.now(), this.#give), () => this.#pump(pool, line));
  }

  #again(at: number, run: () => void): void {
    if (at < Infinity) this.onAlarm(at, run);
  }

  /** Sets an alarm; given by the engine. */
  onAlarm: (at: number, run: () => void) => void = () => {};

  /** A session says how much it takes. */
  announce(session: Session, said: Announcement): Worker {
    const pool = this.#pool(said.workspace, said.implementation);
    const key = `${said.workspace}\0${said.implementation}`;
    let mine = this.#workers.get(session);
    if (!mine) this.#workers.set(session, mine = new Map());
    let worker = mine.get(key);
    if (!worker) {
      const own = this.#pool("", session.topic);
      worker = new Worker(session, [pool, own]);
      mine.set(key, worker);
      for (const one of worker.pools) one.workers.add(worker);
    }
    worker.types = said.types ? new Set(said.types) : undefined;
    worker.slots = said.slots;
    worker.isAutoStart = said.isAutoStart ?? false;
    worker.graceMs = said.graceMs ?? 0;
    return worker;
  }

  /** The workers of a session. */
  workersOf(session: Session): Worker[] {
    return [...this.#workers.get(session)?.values() ?? []];
  }

  /** The one of a session's workers that has an attempt of a task. */
  holderOf(session: Session, id: string): Worker | undefined {
    return this.workersOf(session).find((worker) => worker.running.has(id));
  }

  /** A worker has room: what may wait for it is given to it, before this turn's frames leave. */
  freed(worker: Worker): void {
    for (const pool of worker.pools) pool.freed(worker);
    if (this.#waiting.size === 0) queueMicrotask(() => this.serve());
    this.#waiting.add(worker);
  }

  /** Gives those that have become free what they may take. */
  serve(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const worker of waiting) {
      const now = this.#core.clock.now();
      this.#again(worker.serve(now, this.#give), () => this.freed(worker));
    }
  }

  /** A session has gone: it takes nothing any more. */
  remove(session: Session): Worker[] {
    const workers = this.workersOf(session);
    this.#workers.delete(session);
    for (const worker of workers) {
      worker.slots = 0;
      for (const pool of worker.pools) pool.remove(worker);
    }
    return workers;
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
    for (const [key, pool] of this.#pools) if (pool.isEmpty) this.#pools.delete(key);
  }

  /** Forgets everything that waits; workers stay. */
  clear(): void {
    for (const pool of this.#pools.values()) pool.clear();
  }
}
