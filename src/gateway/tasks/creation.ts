// edge: no Deno, Bun, node: or cloudflare: names
import { Cron } from "croner";
import { InvalidArgumentError, NotFoundError } from "../../errors.ts";
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { isTerminal, type NewTask, TaskAssignmentMode, TaskPriority } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { then } from "../soon.ts";
import type { TaskEngine } from "./engine.ts";
import { newTaskId, type TaskState } from "./record.ts";
import type { Task } from "./task.ts";

const IDEMPOTENCY_MS = 24 * 3600_000;
/** Keys that name tasks: idempotency, singleton, throttle, debounce. */
const KEYS = "ti";

/** What came of it. */
export interface Made {
  state: TaskState;
  isNew: boolean;
}

/** Makes tasks, or finds the one that a key names already. */
export class TaskCreation {
  readonly #core: Core;
  readonly #engine: TaskEngine;

  constructor(core: Core, engine: TaskEngine) {
    this.#core = core;
    this.#engine = engine;
    engine.onCron = (task) => this.#fire(task);
  }

  /** @param creator topic of who asks; `workspace` is where, checked by the caller */
  create(input: NewTask, creator: string, workspace: string): MaybePromise<Made> {
    const now = this.#core.clock.now();
    if (input.cron) input = { ...input, runAt: nextRun(input.cron, now) };
    return then(this.#named(input, workspace, now), (known): MaybePromise<Made> => {
      if (known) return { state: this.#join(known, input), isNew: false };
      return then(this.#parent(input.parentTaskId), (parent) =>
        then(this.#requireKnown(input.dependsOn ?? []), () => {
          const state = this.#state(input, creator, workspace, parent, now);
          this.#engine.shelf.setPayload(state, input.payload);
          this.#name(input, state, now);
          this.#engine.add(state);
          return { state, isNew: true };
        }));
    });
  }

  #state(input: NewTask, creator: string, workspace: string, parent: TaskState | undefined, now: number): TaskState {
    const { implementation = input.type, mode = TaskAssignmentMode.Pool } = input;
    const id = newTaskId(this.#core.random, now);
    const state: TaskState = {
      id,
      type: input.type,
      workspace,
      implementation,
      mode,
      target: targetOf(input, creator, workspace, implementation, mode),
      creator,
      createdAt: now,
      priority: input.priority || TaskPriority.Normal,
      weight: input.weight ?? 1,
      retry: input.retry ?? {},
      root: parent?.root ?? id,
      parent: parent?.id,
      deadlineAt: input.deadlineMs === undefined ? undefined : now + input.deadlineMs,
      timeoutMs: input.timeoutMs,
      concurrency: input.concurrency,
      rateLimit: input.rateLimit,
      idempotencyKey: input.idempotencyKey,
      singleton: input.singleton,
      correlationId: input.correlationId,
      taskClass: input.taskClass,
      onDependencyFailure: input.onDependencyFailure,
      completionEvent: input.completionEvent,
      launchParams: input.launchParams,
      cron: input.cron,
      metadata: input.metadata ?? {},
      status: "pending",
      attempt: 0,
      failures: 0,
      losses: 0,
      dependsOn: input.dependsOn ?? [],
      runAt: input.debounce ? now + input.debounce.ms : input.runAt,
      isStructured: input.isStructured,
      events: 0,
      history: [],
    };
    return state;
  }

  #parent(id: string | undefined): MaybePromise<TaskState | undefined> {
    if (id === undefined) return undefined;
    return then(this.#engine.find(id), (parent) => {
      if (!parent) throw new NotFoundError(`Cannot make a part of task ${id}: there is none`);
      if (isTerminal(parent.status)) {
        throw new InvalidArgumentError(`Cannot make a part of task ${id}: it is ${parent.status}`, "parentTaskId");
      }
      return parent;
    });
  }

  #requireKnown(ids: readonly string[]): MaybePromise<void> {
    const [id, ...rest] = ids;
    if (id === undefined) return;
    return then(this.#engine.find(id), (found) => {
      if (!found) throw new NotFoundError(`Cannot depend on task ${id}: there is none`);
      return this.#requireKnown(rest);
    });
  }

  // ---- keys -----------------------------------------------------------------------------------------------------

  /** The task that one of the keys names, as far as that key still counts. */
  #named(input: NewTask, workspace: string, now: number): MaybePromise<TaskState | undefined> {
    const keys = keysOf(input, workspace);
    const look = (at: number): MaybePromise<TaskState | undefined> => {
      if (at === keys.length) return undefined;
      return then(this.#core.store.kv.get(KEYS, keys[at].name, now), (record) => {
        if (!record) return look(at + 1);
        return then(this.#engine.find(fromUtf8(record.value)), (state) => {
          const counts = state && (keys[at].lasts === "window" || !isTerminal(state.status)) &&
            (keys[at].lasts !== "pending" || state.status === "pending");
          return counts ? state : look(at + 1);
        });
      });
    };
    return look(0);
  }

  #name(input: NewTask, state: TaskState, now: number): void {
    for (const { name, ms } of keysOf(input, state.workspace)) {
      const expiresAt = ms === undefined ? 0 : now + ms;
      this.#core.store.kv.put(KEYS, name, utf8(state.id), { now, expiresAt });
      if (expiresAt > 0) this.#core.wakeAt(expiresAt);
    }
  }

  /** A key that lasts as long as its task goes with it. */
  over(state: TaskState): void {
    if (state.singleton !== undefined) {
      this.#core.store.kv.purge(KEYS, keyName("s", state.workspace, state.type, state.singleton));
    }
  }

  /** Debounced calls are joined: the last payload counts, and the wait begins anew. */
  #join(state: TaskState, { debounce, payload, isStructured }: NewTask): TaskState {
    const task = debounce && state.status === "pending" ? this.#engine.live(state.id) : undefined;
    if (!task) return state;
    this.#engine.shelf.setPayload(state, payload);
    state.isStructured = isStructured;
    this.#engine.reschedule(task, this.#core.clock.now() + debounce!.ms);
    return state;
  }

  // ---- schedules ------------------------------------------------------------------------------------------------

  /** A schedule's moment has come: a task is made, and the next moment set. One that was missed is made up for once. */
  #fire(schedule: Task): void {
    const { state } = schedule;
    const now = this.#core.clock.now();
    const made = this.#payload(state, (payload) => {
      const { type, implementation, mode, target, priority, weight, retry, timeoutMs } = state;
      const { concurrency, rateLimit, taskClass, metadata, correlationId, completionEvent, isStructured } = state;
      const input: NewTask = {
        ...{
          type,
          implementation,
          mode,
          target,
          priority,
          weight,
          retry,
          timeoutMs,
          concurrency,
          rateLimit,
          taskClass,
        },
        ...{ metadata, correlationId, completionEvent, isStructured, payload },
        parentTaskId: state.id,
        idempotencyKey: `${state.id}@${state.runAt}`,
      };
      return then(this.create(input, state.creator, state.workspace), () => {
        this.#engine.reschedule(schedule, nextRun(state.cron!, now));
      });
    });
    if (made instanceof Promise) {
      made.catch((error) => this.#core.logger("error", "task.cron", { task: state.id, error: String(error) }));
    }
  }

  #payload(state: TaskState, use: (payload: Uint8Array) => MaybePromise<void>): MaybePromise<void> {
    return then(state.payload ?? this.#engine.shelf.payload(state.id), use);
  }
}

interface Key {
  readonly name: string;
  /** How long it is kept, in ms; undefined as long as its task. */
  readonly ms: number | undefined;
  /** For how long it counts: all that time, while its task is not over, or only while that waits. */
  readonly lasts: "window" | "task" | "pending";
}

function keysOf(input: NewTask, workspace: string): Key[] {
  const { idempotencyKey, idempotencyTtlMs = IDEMPOTENCY_MS, singleton, throttle, debounce, type } = input;
  const keys: Key[] = [];
  if (idempotencyKey !== undefined) {
    keys.push({ name: keyName("i", workspace, "", idempotencyKey), ms: idempotencyTtlMs, lasts: "window" });
  }
  if (singleton !== undefined) {
    keys.push({ name: keyName("s", workspace, type, singleton), ms: undefined, lasts: "task" });
  }
  if (throttle) keys.push({ name: keyName("t", workspace, type, throttle.key), ms: throttle.ms, lasts: "window" });
  // Kept a little longer than the wait: whether the task still waits decides.
  if (debounce) keys.push({ name: keyName("d", workspace, type, debounce.key), ms: IDEMPOTENCY_MS, lasts: "pending" });
  return keys;
}

function keyName(kind: string, workspace: string, type: string, key: string): string {
  return [kind, workspace, type, key].join("\0");
}

function targetOf(
  { target }: NewTask,
  creator: string,
  workspace: string,
  implementation: string,
  mode: number,
): string | undefined {
  if (mode === TaskAssignmentMode.SelfAssign) return creator;
  if (mode !== TaskAssignmentMode.Targeted) return undefined;
  if (target === undefined) {
    throw new InvalidArgumentError(
      "Cannot target nobody: give targetAgentId, a topic or an agent's specifier",
      "target",
    );
  }
  return target.includes("::") ? target : `ag::${workspace}::${implementation}::${target}`;
}

/** The next moment of a schedule. @throws {InvalidArgumentError} when it cannot be read or has none */
export function nextRun({ expression, timeZone }: NonNullable<NewTask["cron"]>, after: number): number {
  let next: Date | null;
  try {
    next = new Cron(expression, { paused: true, timezone: timeZone }).nextRun(new Date(after));
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`Cannot use schedule "${expression}" (${timeZone ?? "UTC"}): ${words}`, "cron", {
      cause,
    });
  }
  if (!next) throw new InvalidArgumentError(`Cannot use schedule "${expression}": it never comes`, "cron");
  return next.getTime();
}
