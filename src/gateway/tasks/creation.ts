// edge: no Deno, Bun, node: or cloudflare: names
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../errors.ts";
import { isTerminal } from "../../protocol/task_states.ts";
import { type NewTask, TaskAssignmentMode, TaskPriority } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { each, then } from "../soon.ts";
import type { Redrive, TaskEngine } from "./engine.ts";
import { type Name, namesOf, TaskNames } from "./names.ts";
import type { TaskState } from "./record.ts";
import { nextRun, taskOf } from "./schedule.ts";
import type { Task } from "./task.ts";
import { TaskIds } from "./task_ids.ts";

/** What came of it. */
export interface Made {
  state: TaskState;
  isNew: boolean;
}

/** Whether a caller may know of a task. */
export type May = (state: TaskState) => boolean;

/** Makes tasks, or finds the one that a key names already. */
export class TaskCreation {
  readonly #core: Core;
  readonly #engine: TaskEngine;
  readonly #names: TaskNames;
  readonly #ids: TaskIds;

  constructor(core: Core, engine: TaskEngine) {
    this.#core = core;
    this.#engine = engine;
    this.#names = new TaskNames(core, (id) => engine.find(id));
    this.#ids = new TaskIds(core.random);
    engine.lives.onCron = (task) => this.#fire(task);
    engine.onOver((state) => {
      const gone = this.#names.over(state);
      if (gone instanceof Promise) gone.catch((error) => this.#failed("task.names", state, error));
    });
  }

  /**
   * Makes a task, or finds it.
   * @param creator topic of who asks; `workspace` is where, checked by the caller
   * @param may whether who asks may know of a task that this one depends on, or is a part of
   * @throws {NotFoundError} when there is none such
   */
  create(input: NewTask, creator: string, workspace: string, may: May = () => true): MaybePromise<Made> {
    const names = namesOf(input, workspace);
    // Most have nothing that must be looked for.
    if (names.length === 0 && !input.dependsOn && input.parentTaskId === undefined) {
      return { state: this.#make(input, names, creator, workspace, undefined), isNew: true };
    }
    return this.#names.inTurn(names, () =>
      then(this.#names.find(names), (known): MaybePromise<Made> => {
        if (known) return { state: this.#join(known.state, known.by, input, names), isNew: false };
        return then(this.requireKnown(input.dependsOn, may), () =>
          then(this.#parent(input.parentTaskId, may), (parent) => ({
            state: this.#make(input, names, creator, workspace, parent),
            isNew: true,
          })));
      }));
  }

  /** Makes sure that tasks are there. @throws {NotFoundError} when one is not, or the caller must not know of it */
  requireKnown(ids: readonly string[] = [], may: May): MaybePromise<void> {
    return each(ids, (id) =>
      then(this.#engine.find(id), (found) => {
        if (!found || !may(found)) throw new NotFoundError(`Cannot depend on task ${id}: there is none`);
      }));
  }

  #parent(id: string | undefined, may: May): MaybePromise<TaskState | undefined> {
    if (id === undefined) return undefined;
    return then(this.#engine.find(id), (parent) => {
      if (!parent || !may(parent)) throw new NotFoundError(`Cannot make a part of task ${id}: there is none`);
      if (isTerminal(parent.status)) {
        throw new InvalidArgumentError(`Cannot make a part of task ${id}: it is ${parent.status}`, "parentTaskId");
      }
      return parent;
    });
  }

  #make(
    input: NewTask,
    names: readonly Name[],
    creator: string,
    workspace: string,
    parent: TaskState | undefined,
  ): TaskState {
    const now = this.#core.clock.now();
    const { implementation = input.type, mode = TaskAssignmentMode.Pool } = input;
    const id = this.#ids.next(now);
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
      names: names.length === 0 ? undefined : names.filter(({ ms }) => ms === undefined).map(({ name }) => name),
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
      runAt: firstRun(input, now),
      isStructured: input.isStructured,
      events: 0,
      history: [],
      // Also what comes later: states of one shape are read and encoded faster.
      startedAt: undefined,
      completedAt: undefined,
      assignedTo: undefined,
      producer: undefined,
      error: undefined,
      reason: undefined,
      progress: undefined,
      wait: undefined,
      input: undefined,
      payload: undefined,
      isPayloadApart: undefined,
      result: undefined,
      isResultStructured: undefined,
    };
    this.#engine.shelf.setPayload(state, input.payload);
    this.#names.give(names, id);
    this.#engine.lives.add(state);
    return state;
  }

  /** The call found a task. Debounced ones are joined: the last payload counts, and the wait begins anew. */
  #join(state: TaskState, by: Name, input: NewTask, names: readonly Name[]): TaskState {
    // Made again, it finds that task by its idempotency key, whatever it was found by now.
    if (by.kind !== "idempotency") this.#names.give(names.filter(({ kind }) => kind === "idempotency"), state.id);
    const isDebounced = names.some(({ kind, name }) => kind === "debounce" && state.names?.includes(name));
    const task = isDebounced && state.attempt === 0 ? this.#engine.live(state.id) : undefined;
    if (!task) return state;
    this.#engine.shelf.setPayload(state, input.payload);
    state.isStructured = input.isStructured;
    task.isMade = false;
    this.#engine.lives.reschedule(task, this.#core.clock.now() + input.debounce!.ms);
    return state;
  }

  /**
   * A task that is over, and not completed, begins again.
   * @throws {ConflictError} when another one has taken its singleton or dedupe key, or it lives already
   */
  redrive(state: TaskState, change: Redrive): MaybePromise<Task> {
    return then(this.#names.retake(state), (holder) => {
      if (holder) {
        throw new ConflictError(`Cannot retry task ${state.id}: task ${holder.id} has its key now`, {
          details: { taskId: holder.id },
          retryable: false,
        });
      }
      return then(this.#engine.shelf.fetch(state), () => {
        // Somebody else was faster.
        const task = this.#engine.live(state.id);
        if (task) {
          throw new ConflictError(`Cannot retry task ${state.id}: it is ${task.state.status}`, {
            details: { taskId: state.id, status: task.state.status },
            retryable: false,
          });
        }
        return this.#engine.redrive(state, change);
      });
    });
  }

  // ---- schedules ------------------------------------------------------------------------------------------------

  /** A schedule's moment has come: a task is made, and the next moment set. One that was missed is made up for once. */
  #fire(schedule: Task): void {
    const { state } = schedule;
    const made = (): void => this.#next(schedule);
    const failed = (error: unknown): void => {
      this.#failed("task.cron", state, error);
      this.#next(schedule);
    };
    try {
      const making = then(
        this.#engine.shelf.payload(state),
        (payload) => then(this.create(taskOf(state, payload), state.creator, state.workspace), made),
      );
      if (making instanceof Promise) making.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #next(schedule: Task): void {
    const next = nextRun(schedule.state.cron!, this.#core.clock.now());
    if (next === undefined) this.#engine.lives.go(schedule, "finish", { reason: "its schedule has no further moment" });
    else this.#engine.lives.reschedule(schedule, next);
  }

  #failed(what: string, { id }: TaskState, error: unknown): void {
    this.#core.logger("error", what, { task: id, error: String(error) });
  }
}

/** When it may begin. @throws {InvalidArgumentError} for a schedule without a moment */
function firstRun({ cron, debounce, runAt }: NewTask, now: number): number | undefined {
  if (!cron) return debounce ? now + debounce.ms : runAt;
  const first = nextRun(cron, now);
  if (first === undefined) {
    throw new InvalidArgumentError(`Cannot use schedule "${cron.expression}": it never comes`, "cron");
  }
  return first;
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
