// edge: no Deno, Bun, node: or cloudflare: names
import { isActive } from "../../protocol/task_states.ts";
import type { RevokeKind, TaskError } from "../../protocol/tasks.ts";
import type { Core } from "../core.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";
import { noticeOf } from "./assignment.ts";
import { type Announcement, Dispatcher } from "./dispatcher.ts";
import type { Life } from "./life.ts";
import type { TaskState } from "./record.ts";
import { Relation } from "./relation.ts";
import type { TaskShelf } from "./shelf.ts";
import type { Task } from "./task.ts";
import type { Worker } from "./worker.ts";

/** Times a task may lose its worker before it is taken for the cause. */
const LOSSES = 10;
/** How much later than its worker the gateway ends an attempt that takes too long, in ms: the worker's own word is better. */
const SLACK_MS = 500;
/** How long a worker may keep a slot with an attempt that was taken from it, in ms. */
const LET_GO_MS = 15_000;
/** How long an assigned task waits for its worker after the gateway itself was away, in ms; as the older system had it. */
const GRACE_MS = { interactive: 30_000, batch: 300_000, background: 600_000 } as const;

/** An attempt as its worker names it. */
export interface AttemptName {
  taskId: string;
  attempt: number;
}

/**
 * Who works on what. An attempt's number names its lease: it grows with every assignment, and what is said under an older
 * one changes nothing.
 */
export class Leases {
  readonly #core: Core;
  readonly #life: Life;
  readonly #shelf: TaskShelf;
  readonly #find: (id: string) => Task | undefined;
  readonly dispatcher: Dispatcher;
  /** Tasks whose worker is away, by its client object. */
  readonly #away = new Relation();

  constructor(core: Core, life: Life, shelf: TaskShelf, find: (id: string) => Task | undefined) {
    this.#core = core;
    this.#life = life;
    this.#shelf = shelf;
    this.#find = find;
    this.dispatcher = new Dispatcher(
      core,
      (task, worker) => this.#give(task, worker),
      (at, run) => life.alarm(at, run),
    );
  }

  // ---- given ----------------------------------------------------------------------------------------------------

  #give(task: Task, worker: Worker): void {
    const { state } = task;
    const now = this.#core.clock.now();
    task.worker = worker;
    state.attempt++;
    state.startedAt = now;
    state.assignedTo = worker.session.topic;
    state.producer = worker.session.producer;
    worker.take(task);
    this.#timeAttempt(task);
    this.#life.go(task, "assign");
    if (worker.isAutoStart) this.#life.go(task, "start");
    if (state.payload) return worker.session.notify({ name: "assignment", body: noticeOf(state, state.payload) });
    const { attempt } = state;
    const told = then(this.#shelf.payload(state), (payload) => {
      if (state.attempt !== attempt || task.worker !== worker) return;
      worker.session.notify({ name: "assignment", body: noticeOf(state, payload) });
    });
    if (told instanceof Promise) told.catch((error) => worker.session.fail(error));
  }

  #timeAttempt(task: Task): void {
    const { timeoutMs, startedAt } = task.state;
    if (timeoutMs !== undefined) task.dueAt = startedAt! + timeoutMs + SLACK_MS;
  }

  /** A session says what it takes and, when it is a new one, which attempts it has. Returns those that are not its own. */
  announce(session: Session, said: Announcement, running: readonly AttemptName[] | undefined): AttemptName[] {
    const worker = this.dispatcher.announce(session, said);
    const lost = running?.filter(({ taskId, attempt }) => !this.#reclaim(worker, taskId, attempt)) ?? [];
    if (running) {
      // What was on its way to a former session and never came.
      for (const task of this.#away.of(session.producer)) {
        if (isIts(worker, task.state)) this.#lose(task, "its worker has come back without it");
      }
    }
    this.dispatcher.freed(worker);
    return lost;
  }

  /** The same client object, over another session perhaps, goes on with an attempt that is still its own. */
  #reclaim(worker: Worker, id: string, attempt: number): boolean {
    const task = this.#find(id);
    if (!task || task.state.attempt !== attempt || !isActive(task.state.status)) return false;
    if (task.worker !== worker) {
      if (!isIts(worker, task.state)) return false;
      task.worker?.free(id, attempt);
      task.worker = worker;
      task.state.assignedTo = worker.session.topic;
      worker.take(task);
      this.#life.touch(task);
      this.#timeAttempt(task);
    }
    this.#isBack(task);
    return true;
  }

  // ---- held -----------------------------------------------------------------------------------------------------

  /** Whether a session has the valid attempt of a task. */
  holds(session: Session, { state, worker }: Task, attempt: number | undefined): boolean {
    if (!isActive(state.status) || (attempt !== undefined && attempt !== state.attempt)) return false;
    // Its client may speak over another session before it has announced what it has.
    return worker && !worker.session.ended ? worker.session === session : isSame(session, state);
  }

  /** A session does not work on an attempt any more; on any of the task when it does not say which. */
  letGo(session: Session, id: string, attempt: number | undefined): void {
    for (const worker of this.dispatcher.workersOf(session)) {
      const number = attempt ?? worker.leases.find(({ task }) => task.state.id === id)?.attempt;
      if (number !== undefined && worker.free(id, number)) this.dispatcher.freed(worker);
    }
  }

  /** Nobody works on it any more. */
  left(task: Task): void {
    this.#away.delete(task.state.producer!, task);
    task.worker = undefined;
    task.graceUntil = task.dueAt = Infinity;
    this.dispatcher.leave(task);
  }

  /** It was running when the gateway went, and waits for its worker now. */
  revive(task: Task): void {
    this.dispatcher.count(task);
    const { taskClass } = task.state;
    this.#isAway(task, taskClass ? GRACE_MS[taskClass] : this.#core.limits.taskGraceMs);
  }

  // ---- lost -----------------------------------------------------------------------------------------------------

  /**
   * The socket of a session has gone, or the session itself. Its tasks go to others at once, unless their worker has asked
   * for some time to come back and did not leave on purpose.
   */
  lost(session: Session, isDeliberate: boolean): void {
    for (const worker of this.dispatcher.workersOf(session)) {
      for (const { task, attempt } of worker.leases) {
        if (task.worker !== worker || task.state.attempt !== attempt) continue;
        if (worker.graceMs === 0 || isDeliberate) this.#lose(task, "the connection of its worker is gone");
        else if (task.graceUntil === Infinity) this.#isAway(task, worker.graceMs);
      }
    }
    if (session.ended) this.dispatcher.remove(session);
  }

  /** Its socket is back. */
  found(session: Session): void {
    for (const worker of this.dispatcher.workersOf(session)) {
      for (const { task, attempt } of worker.leases) {
        if (task.worker === worker && task.state.attempt === attempt) this.#isBack(task);
      }
      this.dispatcher.freed(worker);
    }
  }

  #isAway(task: Task, ms: number): void {
    task.graceUntil = this.#core.clock.now() + ms;
    this.#away.add(task.state.producer!, task);
    this.#life.watch(task);
  }

  #isBack(task: Task): void {
    task.graceUntil = Infinity;
    this.#away.delete(task.state.producer!, task);
    this.#life.watch(task);
  }

  /** Its worker has had the time it asked for. */
  graceOver(task: Task): void {
    this.#lose(task, "its worker did not come back");
  }

  #lose(task: Task, reason: string): void {
    const { state } = task;
    this.revoke(task, "lease_lost", reason);
    if (++state.losses > LOSSES) {
      const error: TaskError = { name: "WorkerLostError", message: `It lost its worker ${state.losses} times` };
      this.#life.go(task, "die", { error, reason });
    } else this.release(task, reason);
  }

  /** Back to the front of the queue, without blame. */
  release(task: Task, reason: string): void {
    if (this.#life.go(task, "release", { reason })) this.#life.ready(task, true);
  }

  /** Forgets all. */
  clear(): void {
    this.dispatcher.clear();
    this.#away.clear();
  }

  // ---- taken ----------------------------------------------------------------------------------------------------

  /** Its worker must stop. Until it says that it has, its slot is in use, though not for ever. */
  revoke({ worker, state }: Task, kind: RevokeKind, reason: string): void {
    if (!worker || worker.session.ended) return;
    const { attempt, id } = state;
    worker.session.notify({ name: "revoke", body: { taskId: id, attempt, kind, reason } });
    this.#life.alarm(this.#core.clock.now() + LET_GO_MS, () => this.letGo(worker.session, id, attempt));
  }

  /** An attempt has had all its time. */
  tookTooLong(task: Task): void {
    const { state } = task;
    const message = `An attempt may take ${state.timeoutMs} ms`;
    const error: TaskError = { name: "TimeoutError", message, code: "DEADLINE_EXCEEDED" };
    this.revoke(task, "timeout", message);
    if (state.failures + 1 < (state.retry.maxAttempts ?? 1)) return this.#life.failed(task, error);
    state.failures++;
    this.#life.go(task, "time_out", { error, reason: message });
  }
}

/** Whether a task is of a client object that is the same as a session's, and acts as the same principal or pool. */
export function isSame({ producer, topic, identity }: Session, state: TaskState): boolean {
  if (state.producer !== producer || state.assignedTo === undefined) return false;
  if (state.assignedTo === topic) return true;
  // A pool's worker gets a new id with every session.
  return identity.type === "non_unique_task" && poolOf(topic) === poolOf(state.assignedTo);
}

function poolOf(topic: string): string {
  return topic.slice(0, topic.lastIndexOf("::"));
}

/** Whether a task was given to a former session of a worker's client, for the work that this one does. */
function isIts(worker: Worker, state: TaskState): boolean {
  if (!isSame(worker.session, state)) return false;
  const { workspace, implementation, target } = state;
  return worker.pools.some((pool) =>
    target === undefined
      ? pool.workspace === workspace && pool.implementation === implementation
      : pool.workspace === "" && pool.implementation === target
  );
}
