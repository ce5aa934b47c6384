// edge: no Deno, Bun, node: or cloudflare: names
import { isActive, isTerminal, nextStatus, type TaskTransition } from "../../protocol/task_states.ts";
import type { TaskError, TaskEventBody } from "../../protocol/tasks.ts";
import type { Core } from "../core.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { TaskEvents } from "./events.ts";
import type { Because, Life, Retry } from "./life.ts";
import type { Moments } from "./moments.ts";
import { clipped, type TaskState } from "./record.ts";
import type { Register } from "./register.ts";
import { Relation } from "./relation.ts";
import { retryDelayMs } from "./retry.ts";
import { liveTask, type Task } from "./task.ts";
import type { Leases } from "./leases.ts";
import type { Waits } from "./waits.ts";

const NO_REASON: Because = {};

/** The lives of tasks: what leads to what, and what follows when one is over. */
export class Lives implements Life {
  readonly #core: Core;
  readonly #register: Register;
  readonly #events: TaskEvents;
  readonly #moments: Moments;
  #leases!: Leases;
  #waits!: Waits;
  #dispatcher!: Dispatcher;
  /** By the task they are a part of. */
  readonly #children = new Relation();
  readonly #onOver: ((state: TaskState, task: Task) => void)[] = [];
  /** Tasks that are over, while what follows from it is not done. */
  readonly #ended: Task[] = [];
  #isEnding = false;

  constructor(core: Core, register: Register, events: TaskEvents, moments: Moments) {
    this.#core = core;
    this.#register = register;
    this.#events = events;
    this.#moments = moments;
  }

  /** Who else has a part in it. */
  connect(leases: Leases, waits: Waits): void {
    this.#leases = leases;
    this.#waits = waits;
    this.#dispatcher = leases.dispatcher;
  }

  /** Hears of every task that is over. */
  onOver(heard: (state: TaskState, task: Task) => void): void {
    this.#onOver.push(heard);
  }

  /** A task waits for one principal, which does not take it now; set by the part that launches. */
  onUnserved: (state: TaskState) => void = () => {};

  /** A schedule's moment has come; set by the part that makes tasks. */
  onCron: (task: Task) => void = () => {};

  alarm(at: number, run: () => void): void {
    this.#moments.alarm(at, run);
  }

  watch(task: Task): void {
    this.#moments.watch(task);
  }

  touch(task: Task): void {
    this.#register.touch(task);
  }

  // ---- begin ----------------------------------------------------------------------------------------------------

  /** A task is made. */
  add(state: TaskState): Task {
    const task = this.enter(state);
    this.#core.counters.tasks++;
    this.touch(task);
    this.#events.changed(state, NO_REASON);
    this.#tellParent(state);
    this.#start(task);
    return task;
  }

  /** It is among the living. */
  enter(state: TaskState): Task {
    const task = liveTask(state);
    this.#register.add(task);
    if (state.parent !== undefined) this.#children.add(state.parent, task);
    return task;
  }

  /** It was there when the gateway went, and goes on as it was. */
  revive(task: Task): void {
    const { status } = task.state;
    if (status === "pending") this.ready(task);
    else if (isActive(status)) this.#leases.revive(task);
    else this.#waits.revive(task);
    this.watch(task);
  }

  /** It waits for those it depends on, or for its moment and its turn. */
  #start(task: Task): void {
    const { dependsOn } = task.state;
    if (dependsOn.length > 0) this.#waits.begin(task, { for: "dependency", dependsOn });
    else this.ready(task);
    this.watch(task);
  }

  ready(task: Task, isFirst = false): void {
    const { runAt } = task.state;
    if (runAt === undefined || runAt <= this.#core.clock.now()) return this.due(task, isFirst);
    task.readyAt = runAt;
    this.watch(task);
  }

  /** Its moment has come. */
  due(task: Task, isFirst = false): void {
    task.readyAt = Infinity;
    if (task.state.cron) return this.onCron(task);
    this.#dispatcher.enqueue(task, isFirst);
    if (task.ticket > 0 && task.state.target !== undefined) this.onUnserved(task.state);
  }

  /** One that has not begun gets another moment. */
  reschedule(task: Task, runAt: number): void {
    task.state.runAt = runAt;
    this.touch(task);
    if (task.state.status !== "pending") return;
    this.#dispatcher.dequeue(task);
    this.ready(task);
  }

  /** One that is over, and not completed, begins again: what it depends on is asked for anew. */
  again(state: TaskState): Task {
    const task = this.enter(state);
    this.go(task, "redrive", { reason: "retried" });
    this.#tellParent(state);
    this.#start(task);
    return task;
  }

  // ---- change ---------------------------------------------------------------------------------------------------

  go(task: Task, transition: TaskTransition, because: Because = NO_REASON): boolean {
    const { state } = task;
    const from = state.status;
    const to = nextStatus(from, transition);
    // A task that was forgotten meanwhile changes no more.
    if (to === undefined || this.#register.live(state.id) !== task) return false;
    state.status = to;
    // A reason tells of the present, not of what was.
    state.reason = because.reason;
    if (because.error) state.error = because.error;
    this.touch(task);
    // Before it leaves, for the next one may take its place in that moment.
    this.#events.changed(state, because);
    if (from === "pending") {
      this.#dispatcher.dequeue(task);
      task.readyAt = Infinity;
    } else if (state.wait) this.#waits.left(task);
    else if (isActive(from) && !isActive(to)) this.#leases.left(task);
    this.watch(task);
    if (isTerminal(to)) this.#over(task);
    return true;
  }

  failed(task: Task, thrown: TaskError, { isRetryable = true, afterMs }: Retry = {}): void {
    const { state } = task;
    const error = clipped(thrown);
    const most = state.retry.maxAttempts ?? 1;
    state.failures++;
    if (!isRetryable || most <= 1) return void this.go(task, "fail", { error });
    if (state.failures >= most) {
      return void this.go(task, "die", { error, reason: `failed ${state.failures} times` });
    }
    const wait = afterMs ?? retryDelayMs(state.retry, state.failures, this.#core.random.next());
    state.runAt = this.#core.clock.now() + wait;
    if (this.go(task, "retry", { error, reason: `tried again in ${wait} ms` })) this.ready(task);
  }

  cancel(task: Task, reason: string): boolean {
    this.#leases.revoke(task, "cancelled", reason);
    return this.go(task, "cancel", { reason });
  }

  /** Something has happened that does not change its status. */
  emit(task: Task, body: TaskEventBody): void {
    if (body.type === "progress") task.state.progress = body.report;
    this.#events.add(task.state, body);
    this.touch(task);
  }

  // ---- end ------------------------------------------------------------------------------------------------------

  #over(task: Task): void {
    const { state } = task;
    state.completedAt = this.#core.clock.now();
    this.#register.remove(task);
    if (state.parent !== undefined) this.#children.delete(state.parent, task);
    this.#core.counters.tasksOver++;
    this.#tellParent(state);
    // What follows may end others, and so on: one after the other, however deep.
    this.#ended.push(task);
    if (this.#isEnding) return;
    this.#isEnding = true;
    for (let next = this.#ended.shift(); next; next = this.#ended.shift()) this.#moments.guard(this.#follow, next);
    this.#isEnding = false;
  }

  readonly #follow = (task: Task): void => {
    const { state } = task;
    const { id, status } = state;
    if (status !== "completed") {
      for (const child of this.#children.of(id)) this.cancel(child, "the task it is a part of is over");
    }
    this.#waits.over(id, status);
    for (const heard of this.#onOver) this.#moments.guard((state) => heard(state, task), state);
  };

  #tellParent({ id, parent: parentId, status }: TaskState): void {
    const parent = parentId === undefined ? undefined : this.#register.live(parentId);
    if (parent) this.emit(parent, { type: "child", taskId: id, status });
  }

  /** Forgets all. */
  clear(): void {
    this.#children.clear();
    this.#ended.length = 0;
    this.#isEnding = false;
  }
}
