// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../../errors.ts";
import {
  isTerminal,
  nextStatus,
  type RevokeKind,
  type TaskError,
  type TaskEventBody,
  type TaskOutcome,
  type TaskStatus,
  type TaskTransition,
  type TaskWait,
} from "../../protocol/tasks.ts";
import type { Core } from "../core.ts";
import type { Session } from "../session.ts";
import type { MaybePromise } from "../../store/store.ts";
import { then } from "../soon.ts";
import { Alarms } from "./alarms.ts";
import { Dependencies } from "./dependencies.ts";
import { type Announcement, Dispatcher } from "./dispatcher.ts";
import { TaskEvents } from "./events.ts";
import { infoOf, retryDelayMs, type TaskState } from "./record.ts";
import { TaskShelf } from "./shelf.ts";
import { liveTask, type Task } from "./task.ts";
import type { Worker } from "./worker.ts";

/** Times a task may lose its worker before it is taken for the cause. */
const LOSSES = 10;
/** How much later than its worker the gateway ends an attempt that takes too long, in ms: the worker's own word is better. */
const SLACK_MS = 500;
/** How long a worker may keep a slot with an attempt that was taken from it, in ms. */
const LET_GO_MS = 15_000;
/** How long an assigned task waits for its worker after the gateway itself was away, in ms; as the older system had it. */
const GRACE_MS = { interactive: 30_000, batch: 300_000, background: 600_000 } as const;
const SLICE = 500;

/** Who hears of tasks that are over. */
export type OnOver = (state: TaskState) => void;

/**
 * The task engine. Everything that happens to a task goes through `#go`, which asks the transition table; an attempt's
 * number names its lease, so that what an older attempt says changes nothing. What has changed is kept at the end of the
 * turn, before any frame of it leaves.
 */
export class TaskEngine {
  readonly #core: Core;
  readonly #live = new Map<string, Task>();
  readonly #dirty = new Set<Task>();
  /** Tasks that are over and not kept yet. */
  readonly #lately = new Map<string, TaskState>();
  /** Tasks that hibernate until an event. */
  readonly #sleepers = new Set<Task>();
  readonly #alarms = new Alarms();
  readonly #dispatcher: Dispatcher;
  readonly #dependencies: Dependencies;
  readonly events: TaskEvents;
  readonly shelf: TaskShelf;
  /** Running attempts with an end, looked through when the soonest is due. */
  readonly #timed = new Set<Task>();
  readonly #onOver: OnOver[] = [];

  constructor(core: Core) {
    this.#core = core;
    this.events = new TaskEvents(core);
    this.shelf = new TaskShelf(core);
    this.#dispatcher = new Dispatcher(core, (task, worker) => this.#give(task, worker));
    this.#dispatcher.onAlarm = (at, run) => this.alarm(at, run);
    this.#dependencies = new Dependencies((id) => this.#live.get(id));
    core.beforeCommit(() => this.#keep());
  }

  // ---- what is there --------------------------------------------------------------------------------------------

  /** Brings back what was alive when the store was last open. Attempts that were running wait for their workers. */
  async load(): Promise<void> {
    this.#live.clear();
    this.#dirty.clear();
    this.#lately.clear();
    this.#sleepers.clear();
    this.#timed.clear();
    this.#alarms.clear();
    this.#dispatcher.clear();
    this.#dependencies.clear();
    const now = this.#core.clock.now();
    // Oldest last in the store's order; they must be first in the queues.
    const states: TaskState[] = [];
    for await (const state of this.shelf.live()) states.push(state);
    for (const state of states.reverse()) {
      const task = liveTask(state);
      this.#live.set(state.id, task);
      this.#dependencies.add(task);
    }
    for (const task of this.#live.values()) this.#revive(task, now);
  }

  #revive(task: Task, now: number): void {
    const { state } = task;
    if (state.deadlineAt !== undefined) this.#watchDeadline(task);
    if (state.status === "pending") return this.#ready(task);
    if (state.status === "assigned" || state.status === "running") {
      this.#dispatcher.count(task);
      task.graceUntil = now + GRACE_MS[state.taskClass ?? "interactive"];
      this.alarm(task.graceUntil, () => this.#graceOver(task));
    } else if (state.wait) this.#watchWait(task);
    if (state.status === "waiting_dependency") this.#settleDependencies(task);
  }

  /** A live task. */
  live(id: string): Task | undefined {
    return this.#live.get(id);
  }

  /** How many are alive. */
  get size(): number {
    return this.#live.size;
  }

  /** Hears of every task that is over. */
  onOver(heard: OnOver): void {
    this.#onOver.push(heard);
  }

  /** Sets an alarm; whoever sets it looks whether it is still wanted. */
  alarm(at: number, run: () => void): void {
    this.#alarms.set(at, run);
    this.#core.wakeAt(at);
  }

  /** Does what is due. Returns when to come again. */
  run(now: number): number {
    this.#alarms.run(now, SLICE);
    let next = this.#alarms.nextAt;
    for (const task of this.#timed) {
      if (task.dueAt <= now) this.#tookTooLong(task);
      else next = Math.min(next, task.dueAt);
    }
    this.#core.commitSoon();
    return next;
  }

  /** Forgets pools that are empty. */
  sweep(): void {
    this.#dispatcher.sweep();
  }

  #keep(): void {
    if (this.#dirty.size === 0) return;
    for (const task of this.#dirty) {
      task.isDirty = false;
      this.shelf.keep(task.state);
    }
    this.#dirty.clear();
    this.#lately.clear();
  }

  /** A task, alive or over. */
  find(id: string): MaybePromise<TaskState | undefined> {
    return this.#live.get(id)?.state ?? this.#lately.get(id) ?? this.shelf.get(id);
  }

  /** The record has changed and is kept with the turn. */
  touch(task: Task): void {
    if (task.isDirty) return;
    task.isDirty = true;
    this.#dirty.add(task);
    this.#core.commitSoon();
  }

  // ---- a life ---------------------------------------------------------------------------------------------------

  /** A task is made. */
  add(state: TaskState): Task {
    const task = liveTask(state);
    this.#live.set(state.id, task);
    this.#dependencies.add(task);
    this.#core.counters.tasks++;
    this.touch(task);
    this.events.add(state, { type: "status", status: state.status, attempt: 0 });
    this.#tellParent(state);
    if (state.deadlineAt !== undefined) this.#watchDeadline(task);
    if (state.dependsOn.length > 0) this.#await(task, { for: "dependency", dependsOn: state.dependsOn });
    else this.#ready(task);
    return task;
  }

  /** The only place where a status changes. False when it cannot, from where it is. */
  #go(task: Task, transition: TaskTransition, more: { reason?: string; error?: TaskError } = {}): boolean {
    const { state } = task;
    const to = nextStatus(state.status, transition);
    if (to === undefined) return false;
    const wasActive = state.status === "assigned" || state.status === "running";
    if (state.status === "pending") this.#dispatcher.dequeue(task);
    state.status = to;
    // A reason tells of the present, not of what was.
    state.reason = more.reason;
    if (more.error) state.error = more.error;
    const event: TaskEventBody = { type: "status", status: to, attempt: state.attempt };
    if (more.reason !== undefined) event.reason = more.reason;
    if (more.error) event.error = more.error;
    this.touch(task);
    const isActive = to === "assigned" || to === "running";
    if (wasActive && !isActive) this.#left(task);
    this.events.add(state, event);
    if (isTerminal(to)) this.#over(task);
    return true;
  }

  /** Nobody works on it any more. */
  #left(task: Task): void {
    task.worker = undefined;
    task.graceUntil = 0;
    task.dueAt = Infinity;
    this.#timed.delete(task);
    this.#dispatcher.leave(task);
  }

  #over(task: Task): void {
    const { state } = task;
    state.completedAt = this.#core.clock.now();
    state.wait = undefined;
    this.#live.delete(state.id);
    this.#lately.set(state.id, state);
    this.#core.counters.tasksOver++;
    this.#tellParent(state);
    if (state.status !== "completed") {
      for (const child of this.#dependencies.childrenOf(state.id)) {
        this.cancel(child, "the task it is a part of is over");
      }
    }
    this.#dependencies.remove(task);
    for (const dependent of this.#dependencies.dependentsOf(state.id)) this.#settleDependencies(dependent);
    for (const heard of this.#onOver) heard(state);
  }

  #tellParent(state: TaskState): void {
    const parent = state.parent === undefined ? undefined : this.#live.get(state.parent);
    if (!parent) return;
    this.events.add(parent.state, { type: "child", taskId: state.id, status: state.status });
    this.touch(parent);
  }

  /** It may begin, at once or at its moment. */
  #ready(task: Task, isFirst = false): void {
    const { state } = task;
    const { runAt } = state;
    if (runAt !== undefined && runAt > this.#core.clock.now()) {
      return this.alarm(runAt, () => {
        // Moved, taken or over since?
        if (state.status === "pending" && state.runAt === runAt && task.ticket === 0) this.#due(task, isFirst);
      });
    }
    this.#due(task, isFirst);
  }

  #due(task: Task, isFirst: boolean): void {
    if (this.#live.get(task.state.id) !== task) return;
    if (task.state.cron) this.onCron(task);
    else {
      this.#dispatcher.enqueue(task, isFirst);
      if (task.ticket > 0 && task.state.target !== undefined) this.onUnserved(task.state);
    }
  }

  /** A task waits for one principal, which does not take it now; set by the part that launches. */
  onUnserved: (state: TaskState) => void = () => {};

  /** A schedule's moment has come; set by the part that makes tasks. */
  onCron: (task: Task) => void = () => {};

  /** A task that waits for its moment gets another one. */
  reschedule(task: Task, runAt: number): void {
    this.#dispatcher.dequeue(task);
    task.state.runAt = runAt;
    this.touch(task);
    this.#ready(task);
  }

  #give(task: Task, worker: Worker): void {
    const { state } = task;
    const now = this.#core.clock.now();
    task.ticket = 0;
    task.worker = worker;
    state.attempt++;
    state.startedAt = now;
    state.assignedTo = worker.session.topic;
    state.producer = worker.session.producer;
    worker.take(task);
    this.#go(task, "assign");
    if (worker.isAutoStart) this.#go(task, "start");
    this.#timeAttempt(task, now);
    const { attempt } = state;
    const payload = state.payload ?? this.shelf.payload(state.id);
    const told = then(payload, (bytes) => {
      if (state.attempt !== attempt || task.worker !== worker) return;
      worker.session.notify({
        name: "assignment",
        body: {
          task: infoOf(state),
          taskId: state.id,
          taskType: state.type,
          attempt,
          payload: bytes,
          isStructured: state.isStructured ?? false,
          input: state.input,
          assignedTo: worker.session.topic,
          assignedAt: now,
          workspace: state.workspace,
          targetImplementation: state.implementation,
          specifier: state.launchParams?.specifier,
          profile: state.launchParams?.profile,
          launchParams: state.launchParams ?? {},
          metadata: state.metadata,
          timeoutMs: state.timeoutMs,
        },
      });
    });
    if (told instanceof Promise) told.catch((error) => worker.session.fail(error));
  }

  #timeAttempt(task: Task, now: number): void {
    if (task.state.timeoutMs === undefined) return;
    task.dueAt = now + task.state.timeoutMs + SLACK_MS;
    this.#timed.add(task);
    this.#core.wakeAt(task.dueAt);
  }

  // ---- what workers say -----------------------------------------------------------------------------------------

  /**
   * A session says what it takes, and which attempts it has. Those that are its own again go on; the others are lost to it.
   */
  announce(
    session: Session,
    said: Announcement,
    running: readonly { taskId: string; attempt: number }[],
  ): { taskId: string; attempt: number }[] {
    const worker = this.#dispatcher.announce(session, said);
    const lost = running.filter(({ taskId, attempt }) => !this.#reclaim(worker, taskId, attempt));
    this.#dispatcher.freed(worker);
    return lost;
  }

  /** The same client object, over another session perhaps, goes on with an attempt that is still its own. */
  #reclaim(worker: Worker, id: string, attempt: number): boolean {
    const task = this.#live.get(id);
    const { state } = task ?? {};
    if (!task || !state || state.attempt !== attempt || state.producer !== worker.session.producer) return false;
    if (task.worker === worker) return true;
    if (state.status !== "assigned" && state.status !== "running") return false;
    task.worker?.free(id, attempt);
    task.worker = worker;
    task.graceUntil = 0;
    state.assignedTo = worker.session.topic;
    worker.take(task);
    this.touch(task);
    this.#timeAttempt(task, state.startedAt ?? this.#core.clock.now());
    return true;
  }

  /** Whether a session has the valid attempt of a task. */
  holds(session: Session, task: Task, attempt: number | undefined): boolean {
    const { state } = task;
    if (state.status !== "assigned" && state.status !== "running") return false;
    if (attempt !== undefined && attempt !== state.attempt) return false;
    return task.worker ? task.worker.session === session : state.producer === session.producer;
  }

  /** An attempt is over. What is not the valid one's changes nothing, but its slot is free. */
  settle(
    session: Session,
    id: string,
    attempt: number | undefined,
    outcome: TaskOutcome,
  ): { isAccepted: boolean; status: TaskStatus | undefined } {
    const task = this.#live.get(id);
    const isAccepted = task !== undefined && this.holds(session, task, attempt);
    const holder = this.#dispatcher.holderOf(session, id);
    if (isAccepted) this.#settled(task, outcome);
    if (holder?.free(id, attempt)) this.#dispatcher.freed(holder);
    return { isAccepted, status: task?.state.status };
  }

  #settled(task: Task, outcome: TaskOutcome): void {
    const { state } = task;
    // A worker that says how it ended has begun, whether it said so or not.
    if (outcome.kind !== "released" && outcome.kind !== "rejected") this.#go(task, "start");
    switch (outcome.kind) {
      case "completed":
        state.result = outcome.result?.slice();
        state.isResultStructured = outcome.isStructured;
        state.error = undefined;
        return void this.#go(task, "complete");
      case "failed":
        return this.#failed(task, outcome.error, outcome.isRetryable ?? true, outcome.retryAfterMs);
      case "released":
        return this.#release(task, outcome.reason ?? "handed back");
      case "rejected":
        return void this.#go(task, "reject", { reason: outcome.reason });
      case "waiting":
        return this.#await(task, outcome.wait);
    }
  }

  #failed(task: Task, error: TaskError, isRetryable: boolean, retryAfterMs?: number): void {
    const { state } = task;
    const most = state.retry.maxAttempts ?? 1;
    state.failures++;
    if (!isRetryable || most <= 1) return void this.#go(task, "fail", { error });
    if (state.failures >= most) {
      return void this.#go(task, "die", { error, reason: `failed ${state.failures} times` });
    }
    const wait = retryAfterMs ?? retryDelayMs(state.retry, state.failures, this.#core.random.next());
    state.runAt = this.#core.clock.now() + wait;
    if (this.#go(task, "retry", { error, reason: `tried again in ${wait} ms` })) this.#ready(task);
  }

  /** Back to the front of the queue, without blame. */
  #release(task: Task, reason: string): void {
    if (this.#go(task, "release", { reason })) this.#ready(task, true);
  }

  /**
   * The socket of a session has gone, or the session itself. Its tasks go to others at once, unless their worker has asked
   * for some time to come back and did not leave on purpose.
   */
  lost(session: Session, isDeliberate: boolean): void {
    for (const worker of this.#dispatcher.workersOf(session)) {
      for (const { task, attempt } of [...worker.running.values()]) {
        if (worker.graceMs > 0 && !isDeliberate && task.worker === worker) this.#grace(task, worker);
        else this.#loseOne(worker, task, attempt, "the connection of its worker is gone");
      }
    }
    if (session.ended) this.#dispatcher.remove(session);
  }

  #grace(task: Task, worker: Worker): void {
    if (task.graceUntil > 0) return;
    task.graceUntil = this.#core.clock.now() + worker.graceMs;
    this.alarm(task.graceUntil, () => this.#graceOver(task));
  }

  /** The session has a socket again. */
  found(session: Session): void {
    for (const worker of this.#dispatcher.workersOf(session)) {
      for (const { task } of worker.running.values()) if (task.worker === worker) task.graceUntil = 0;
      this.#dispatcher.freed(worker);
    }
  }

  #graceOver(task: Task): void {
    if (task.graceUntil === 0 || task.graceUntil > this.#core.clock.now()) return;
    const { worker, state } = task;
    task.graceUntil = 0;
    if (worker) this.#loseOne(worker, task, state.attempt, "its worker did not come back");
    else this.#takeBack(task, "its worker did not come back");
  }

  #loseOne(worker: Worker, task: Task, attempt: number, reason: string): void {
    if (worker.free(task.state.id, attempt)) this.#dispatcher.freed(worker);
    if (task.worker !== worker || task.state.attempt !== attempt) return;
    worker.session.notify({
      name: "revoke",
      body: { taskId: task.state.id, attempt, kind: "lease_lost", reason },
    });
    this.#takeBack(task, reason);
  }

  #takeBack(task: Task, reason: string): void {
    const { state } = task;
    state.losses++;
    if (state.losses > LOSSES) {
      const error: TaskError = { name: "WorkerLostError", message: `It lost its worker ${state.losses} times` };
      return void this.#go(task, "die", { error, reason });
    }
    this.#release(task, reason);
  }

  // ---- what ends an attempt from outside ------------------------------------------------------------------------

  #revoke(task: Task, kind: RevokeKind, reason: string): void {
    const { worker, state } = task;
    if (!worker) return;
    const { attempt, id } = state;
    worker.session.notify({ name: "revoke", body: { taskId: id, attempt, kind, reason } });
    this.alarm(this.#core.clock.now() + LET_GO_MS, () => {
      if (worker.free(id, attempt)) this.#dispatcher.freed(worker);
    });
  }

  /** Cancels it, whatever it does. False when it is over. */
  cancel(task: Task, reason: string): boolean {
    this.#revoke(task, "cancelled", reason);
    return this.#go(task, "cancel", { reason });
  }

  /** Refuses it for good. */
  reject(task: Task, reason: string | undefined): boolean {
    const isPossible = nextStatus(task.state.status, "reject") !== undefined;
    if (isPossible) this.#revoke(task, "cancelled", reason ?? "rejected");
    return this.#go(task, "reject", { reason });
  }

  /** Its worker has begun. */
  start(task: Task): boolean {
    return task.state.status === "running" || this.#go(task, "start");
  }

  #watchDeadline(task: Task): void {
    const { deadlineAt } = task.state;
    this.alarm(deadlineAt!, () => {
      if (this.#live.get(task.state.id) !== task) return;
      this.#revoke(task, "deadline", "its deadline has passed");
      this.#go(task, "time_out", { reason: "its deadline has passed" });
    });
  }

  #tookTooLong(task: Task): void {
    const { state } = task;
    task.dueAt = Infinity;
    this.#timed.delete(task);
    const message = `An attempt may take ${state.timeoutMs} ms`;
    this.#revoke(task, "timeout", message);
    const error: TaskError = { name: "TimeoutError", message, code: "DEADLINE_EXCEEDED" };
    const most = state.retry.maxAttempts ?? 1;
    this.#go(task, "start");
    if (state.failures + 1 < most) return this.#failed(task, error, true);
    state.failures++;
    this.#go(task, "time_out", { error, reason: message });
  }

  // ---- waits ----------------------------------------------------------------------------------------------------

  /** Nobody works on it until something happens. False when it cannot wait now. */
  pause(task: Task, wait: TaskWait): boolean {
    if (task.state.status !== "assigned" && task.state.status !== "running") return false;
    this.#revoke(task, "paused", wait.reason ?? `it waits for ${wait.for}`);
    this.#await(task, wait);
    return true;
  }

  #await(task: Task, wait: TaskWait): void {
    const { state } = task;
    const transition = wait.for === "hibernation" ? "hibernate" : (`await_${wait.for}` as TaskTransition);
    if (!this.#go(task, transition, { reason: wait.reason })) return;
    state.wait = { ...wait, since: this.#core.clock.now() };
    state.input = undefined;
    if (wait.for === "dependency") {
      state.dependsOn = wait.dependsOn ?? [];
      this.#dependencies.add(task);
      this.#settleDependencies(task);
    }
    this.#watchWait(task);
  }

  #watchWait(task: Task): void {
    const { wait } = task.state;
    if (!wait) return;
    if (wait.wakeOnEvents) this.#sleepers.add(task);
    const isSame = (): boolean => task.state.wait === wait && this.#live.get(task.state.id) === task;
    if (wait.wakeAt !== undefined) {
      this.alarm(wait.wakeAt, () => isSame() && this.resume(task, undefined, "its time has come"));
    }
    if (wait.timeoutMs !== undefined) {
      this.alarm(wait.since + wait.timeoutMs, () => isSame() && this.#waitedTooLong(task, wait));
    }
  }

  #waitedTooLong(task: Task, wait: TaskWait): void {
    const message = `It waited ${wait.timeoutMs} ms for ${wait.for}`;
    if (wait.onTimeout === "resume" || wait.onTimeout === "retry") {
      if (wait.onTimeout === "retry") task.state.failures++;
      return void this.resume(task, undefined, message);
    }
    this.#go(task, "fail", { error: { name: "TimeoutError", message, code: "DEADLINE_EXCEEDED" } });
  }

  /** Goes on: a worker gets it again, with what was brought. False when it does not wait. */
  resume(task: Task, input: Uint8Array | undefined, reason?: string): boolean {
    if (!this.#go(task, "resume", { reason })) return false;
    task.state.wait = undefined;
    task.state.runAt = undefined;
    task.state.input = input?.slice();
    this.#dependencies.remove(task);
    this.#ready(task, true);
    return true;
  }

  /** An event was sent: tasks that hibernate until then go on. */
  wakeOn(workspace: string, names: readonly string[]): void {
    for (const task of this.#sleepers) {
      const { status, wait, workspace: own } = task.state;
      if (status !== "hibernated") this.#sleepers.delete(task);
      else if (own === workspace && wait!.wakeOnEvents!.some((name) => names.includes(name))) {
        this.resume(task, undefined, "its event has come");
      }
    }
  }

  /** Whether any task waits for an event: most gateways have none, and events are many. */
  get hasSleepers(): boolean {
    return this.#sleepers.size > 0;
  }

  /** Looks whether what a task waits for is over, and how. */
  #settleDependencies(task: Task): void {
    const ids = [...task.state.dependsOn];
    const look = (): MaybePromise<void> => {
      const { state } = task;
      if (state.status !== "waiting_dependency" || this.#live.get(state.id) !== task) return;
      const id = ids.pop();
      if (id === undefined) return void this.resume(task, undefined, "what it depends on is over");
      return then(this.find(id), (found) => {
        if (found && !isTerminal(found.status)) return; // it will say so when it is over
        if (found?.status === "completed" || state.onDependencyFailure === "continue") return look();
        const reason = `task ${id}, on which it depends, is ${found?.status ?? "not known any more"}`;
        if (state.onDependencyFailure === "cancel") this.cancel(task, reason);
        else this.#go(task, "fail", { error: { name: "DependencyError", message: reason }, reason });
      });
    };
    const looked = look();
    if (!(looked instanceof Promise)) return;
    looked.catch((error) =>
      this.#core.logger("error", "task.dependencies", { task: task.state.id, error: String(error) })
    );
  }

  // ---- a second life --------------------------------------------------------------------------------------------

  /** A task that is over, and not completed, begins again from nothing. */
  redrive(
    state: TaskState,
    change: { payload?: Uint8Array; isStructured?: boolean; metadata?: Record<string, string> },
  ): Task {
    if (nextStatus(state.status, "redrive") === undefined) {
      throw new InvalidArgumentError(`Cannot retry task ${state.id}: it is ${state.status}`, "taskId");
    }
    if (change.payload) {
      this.shelf.setPayload(state, change.payload);
      state.isStructured = change.isStructured ?? false;
    }
    if (change.metadata) state.metadata = change.metadata;
    Object.assign(state, { failures: 0, losses: 0, runAt: undefined, completedAt: undefined, deadlineAt: undefined });
    const task = liveTask(state);
    this.#live.set(state.id, task);
    this.shelf.revive(state.id);
    this.#go(task, "redrive", { reason: "retried" });
    this.#ready(task);
    return task;
  }

  /** Adds to a task's event log. */
  emit(task: Task, body: TaskEventBody): void {
    if (body.type === "progress") task.state.progress = body.report;
    this.events.add(task.state, body);
    this.touch(task);
  }

  /** A pool and its work. */
  get dispatcher(): Dispatcher {
    return this.#dispatcher;
  }
}
