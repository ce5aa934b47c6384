// edge: no Deno, Bun, node: or cloudflare: names
import { isActive, nextStatus } from "../../protocol/task_states.ts";
import type { TaskOutcome, TaskWait } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { Session } from "../session.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { TaskEvents } from "./events.ts";
import { Leases } from "./leases.ts";
import { Lives } from "./lives.ts";
import { Moments } from "./moments.ts";
import { decodeTask, type TaskState } from "./record.ts";
import { Register } from "./register.ts";
import { TaskShelf } from "./shelf.ts";
import type { Task } from "./task.ts";
import { Waits } from "./waits.ts";

/** What a task that is begun anew gets in the place of what it had. */
export interface Redrive {
  payload?: Uint8Array;
  isStructured?: boolean;
  metadata?: Record<string, string>;
}

/**
 * The task engine. Everything that happens to a task goes through `go`, which asks the transition table; an attempt's number
 * names its lease, so that what an older attempt says changes nothing. What has changed is kept at the end of the turn,
 * before any frame of it leaves.
 */
export class TaskEngine {
  readonly shelf: TaskShelf;
  readonly events: TaskEvents;
  readonly lives: Lives;
  readonly leases: Leases;
  readonly waits: Waits;
  readonly dispatcher: Dispatcher;
  readonly #register: Register;
  readonly #moments: Moments;

  constructor(core: Core) {
    this.shelf = new TaskShelf(core);
    this.events = new TaskEvents(core);
    this.#register = new Register(core, this.shelf);
    this.#moments = new Moments(core, (task, now) => this.#isTime(task, now));
    this.lives = new Lives(core, this.#register, this.events, this.#moments);
    this.leases = new Leases(core, this.lives, this.shelf, (id) => this.live(id));
    this.dispatcher = this.leases.dispatcher;
    this.waits = new Waits(core, this.lives, this.#register);
    this.lives.connect(this.leases, this.waits);
  }

  // ---- what is there --------------------------------------------------------------------------------------------

  /** Brings back what was alive when the store was last open. Attempts that were running wait for their workers. */
  async load(): Promise<void> {
    const paused = await this.shelf.paused();
    const alive = await this.shelf.alive();
    this.forget();
    for (const [workspace, implementation] of paused) this.dispatcher.pause(workspace, implementation, true);
    const tasks: Task[] = [];
    for (const record of alive) tasks.push(this.lives.enter(decodeTask(record)));
    for (const task of tasks) this.lives.revive(task);
  }

  /** Forgets all: what was remembered of the store may not be so. */
  forget(): void {
    for (const part of [this.#register, this.lives, this.leases, this.waits, this.#moments]) part.clear();
  }

  /** A live task. */
  live(id: string): Task | undefined {
    return this.#register.live(id);
  }

  /** A task that the store does not know as it is. */
  now(id: string): TaskState | undefined {
    return this.#register.now(id);
  }

  /** A task, alive or over. */
  find(id: string): MaybePromise<TaskState | undefined> {
    return this.#register.find(id);
  }

  /** How many are alive. */
  get size(): number {
    return this.#register.size;
  }

  /** How many alarms are set. */
  get alarms(): number {
    return this.#moments.size;
  }

  /** Hears of every task that is over. */
  onOver(heard: (state: TaskState, task: Task) => void): void {
    this.lives.onOver(heard);
  }

  /** Drops some of those that have been over for long enough, and what belongs to them. Returns how many. */
  expire(limit: number): number {
    // First what lives again: it is not what is dropped.
    this.#register.keep();
    const gone = this.shelf.expire(limit);
    for (const id of gone) this.events.forget(id);
    return gone.length;
  }

  // ---- time -----------------------------------------------------------------------------------------------------

  /** Calls back at a moment; whoever asks looks whether it is still wanted. */
  alarm(at: number, run: () => void): void {
    this.#moments.alarm(at, run);
  }

  /** Does what is due. Returns when to come again. */
  run(now: number): number {
    return this.#moments.run(now);
  }

  #isTime(task: Task, now: number): void {
    if ((task.state.deadlineAt ?? Infinity) <= now) this.#timeOut(task);
    else if (task.dueAt <= now) this.leases.tookTooLong(task);
    else if (task.graceUntil <= now) this.leases.graceOver(task);
    else if (task.wakeAt <= now) this.waits.isTime(task);
    else if (task.readyAt <= now) this.lives.due(task);
  }

  #timeOut(task: Task): void {
    const reason = "its deadline has passed";
    this.leases.revoke(task, "deadline", reason);
    this.lives.go(task, "time_out", { reason });
  }

  /** Forgets pools that are empty. */
  sweep(): void {
    this.dispatcher.sweep();
  }

  // ---- what workers say -----------------------------------------------------------------------------------------

  /** Its worker has begun. */
  start(task: Task): boolean {
    return task.state.status === "running" || this.lives.go(task, "start");
  }

  /** An attempt is over. What is not the valid one's changes nothing, but its slot is free. */
  settle(session: Session, id: string, attempt: number | undefined, outcome: TaskOutcome): boolean {
    const task = this.live(id);
    const isAccepted = task !== undefined && this.leases.holds(session, task, attempt);
    if (isAccepted && outcome.kind === "waiting") this.waits.requireEnd(task, outcome.wait);
    const number = attempt ?? (isAccepted ? task.state.attempt : undefined);
    if (isAccepted) this.#settled(task, outcome);
    // The slot last: it is for the best of all that wait for this worker, not for the next of the same type.
    this.leases.letGo(session, id, number);
    return isAccepted;
  }

  #settled(task: Task, outcome: TaskOutcome): void {
    const { state } = task;
    if (outcome.kind === "released") return this.leases.release(task, outcome.reason ?? "handed back");
    if (outcome.kind === "rejected") return void this.lives.go(task, "reject", { reason: outcome.reason });
    // A worker that says how it ended has begun, whether it said so or not.
    this.start(task);
    switch (outcome.kind) {
      case "completed":
        // Kept or let go of with this turn: no copy of what came in with a message is needed.
        state.result = outcome.result;
        state.isResultStructured = outcome.isStructured;
        state.error = undefined;
        return void this.lives.go(task, "complete");
      case "failed":
        return this.lives.failed(task, outcome.error, {
          isRetryable: outcome.isRetryable,
          afterMs: outcome.retryAfterMs,
        });
      case "waiting":
        return this.waits.begin(task, outcome.wait);
    }
  }

  /** The socket of a session has gone, or the session itself. */
  lost(session: Session, isDeliberate: boolean): void {
    this.#moments.guard(() => this.leases.lost(session, isDeliberate), undefined);
  }

  /** The session has a socket again. */
  found(session: Session): void {
    this.#moments.guard(() => this.leases.found(session), undefined);
  }

  /** The session is in another workspace. */
  moved(session: Session): void {
    this.dispatcher.move(session);
  }

  // ---- what others say ------------------------------------------------------------------------------------------

  /** Cancels it, whatever it does. False when it is over. */
  cancel(task: Task, reason: string): boolean {
    return this.lives.cancel(task, reason);
  }

  /** Refuses it for good. False when it cannot be refused where it is. */
  reject(task: Task, reason: string | undefined): boolean {
    if (nextStatus(task.state.status, "reject") === undefined) return false;
    this.leases.revoke(task, "cancelled", reason ?? "rejected");
    return this.lives.go(task, "reject", { reason });
  }

  /**
   * Takes it from its worker: nobody works on it until something happens. False when nobody does now.
   * @throws {InvalidArgumentError} when it would wait for itself
   */
  pause(task: Task, wait: TaskWait): boolean {
    if (!isActive(task.state.status)) return false;
    this.waits.requireEnd(task, wait);
    this.leases.revoke(task, "paused", wait.reason ?? `it waits for ${wait.for}`);
    this.waits.begin(task, wait);
    return true;
  }

  /** Stops a pool giving out work, or lets it go on; also for the next gateway over the same store. */
  pausePool(workspace: string, implementation: string, isPaused: boolean): void {
    this.shelf.pause(workspace, implementation, isPaused);
    this.dispatcher.pause(workspace, implementation, isPaused);
  }

  /** A task that is over, and not completed, begins again: what it depends on is asked for anew. */
  redrive(state: TaskState, { payload, isStructured = false, metadata }: Redrive): Task {
    if (payload) {
      this.shelf.setPayload(state, payload);
      state.isStructured = isStructured;
    }
    if (metadata) state.metadata = metadata;
    state.failures = state.losses = 0;
    state.runAt =
      state.completedAt =
      state.deadlineAt =
      state.input =
        undefined;
    return this.lives.again(state);
  }
}
