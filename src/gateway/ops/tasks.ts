// edge: no Deno, Bun, node: or cloudflare: names
import { ConflictError, InvalidArgumentError, PermissionDeniedError } from "../../errors.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import type { ProgressReport } from "../../protocol/progress.ts";
import { nextStatus } from "../../protocol/task_states.ts";
import { TaskAssignmentMode, type TaskWait } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import { serveFault, targetFault, taskFault, workspaceFault } from "../access.ts";
import type { Core } from "../core.ts";
import { profilePool } from "../launches.ts";
import type { OpGroup } from "../ops.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";
import type { TaskCreation } from "../tasks/creation.ts";
import type { TaskEngine } from "../tasks/engine.ts";
import { isSame } from "../tasks/leases.ts";
import { infoOf, type TaskState } from "../tasks/record.ts";
import type { Task } from "../tasks/task.ts";
import type { TaskProgress } from "./progress.ts";
import { bulkTasks } from "./task_bulk.ts";
import { findTask, TaskReads } from "./task_reads.ts";
import * as schemas from "./task_schemas.ts";
import { TaskWatches } from "./task_watches.ts";

/** Tasks: what creators, workers and onlookers may ask for. Whoever may not see a task hears that there is none. */
export class TaskOps implements OpGroup, TaskProgress {
  readonly #core: Core;
  readonly #engine: TaskEngine;
  readonly #creation: TaskCreation;
  readonly #watches: TaskWatches;
  readonly ops: OpGroup["ops"];

  constructor(core: Core, engine: TaskEngine, creation: TaskCreation) {
    this.#core = core;
    this.#engine = engine;
    this.#creation = creation;
    this.#watches = new TaskWatches(engine);
    this.ops = {
      ...new TaskReads(engine).ops,
      "task.create": { check: schemas.create, run: (session, input) => this.#create(session, input) },
      "task.serve": { check: schemas.serve, run: (session, input) => this.#serve(session, input) },
      "task.settle": { check: schemas.settle, run: (session, input) => this.#settle(session, input) },
      "task.emit": { check: schemas.emit, run: (session, input) => this.#emit(session, input) },
      "task.act": { check: schemas.act, run: (session, input) => this.#act(session, input) },
      "task.bulk": {
        check: schemas.bulk,
        run: (session, input, waiting) =>
          bulkTasks(this.#core, this.#engine, this.#creation, session, input, waiting()),
      },
      "task.pool": { check: schemas.pool, run: (session, input) => this.#pool(session, input) },
    };
  }

  #workspaceOf(session: Session, asked: string | undefined, what: string): string {
    const workspace = asked ?? session.workspace;
    if (workspace === undefined) {
      throw new InvalidArgumentError(`Cannot ${what} without a workspace: say which, or switch to one`, "workspace");
    }
    const fault = workspaceFault(session, workspace);
    if (fault) throw new PermissionDeniedError(`Cannot ${what}: ${fault}`);
    return workspace;
  }

  // ---- creators -------------------------------------------------------------------------------------------------

  #create(session: Session, input: OpInput<"task.create">): MaybePromise<OpOutput<"task.create">> {
    const workspace = this.#workspaceOf(session, input.workspace, "make a task");
    const { mode, target } = input;
    const fault = mode === TaskAssignmentMode.SelfAssign
      ? serveFault(session)
      : target?.includes("::")
      ? targetFault(session, target)
      : undefined;
    if (fault) throw new PermissionDeniedError(`Cannot make a task: ${fault}`);
    if (input.watch !== undefined) session.calls.requireNew(input.watch);
    const may = (state: TaskState): boolean => taskFault(session, state) === undefined;
    return then(this.#creation.create(input, session.topic, workspace, may), ({ state, isNew }) => {
      const { id: taskId, status } = state;
      const isWatched = isNew && input.watch !== undefined && this.#watches.add(session, input.watch, state);
      return { taskId, status, isNew, isWatched: isWatched || undefined };
    });
  }

  // ---- workers --------------------------------------------------------------------------------------------------

  #serve(session: Session, input: OpInput<"task.serve">): OpOutput<"task.serve"> {
    const { identity } = session;
    if (identity.type === "orchestrator") return this.#launch(session, identity.profiles, input);
    const implementation = input.implementation ?? ("implementation" in identity ? identity.implementation : undefined);
    if (implementation === undefined) {
      throw new InvalidArgumentError("Cannot work without a pool: say which implementation", "implementation");
    }
    const workspace = this.#workspaceOf(session, input.workspace, "work on tasks");
    const fault = serveFault(session, implementation);
    if (fault) throw new PermissionDeniedError(`Cannot work on tasks of "${implementation}": ${fault}`);
    return { lost: this.#engine.leases.announce(session, { ...input, implementation, workspace }, input.running) };
  }

  /** An orchestrator takes launches of all its profiles. */
  #launch(session: Session, profiles: string[], input: OpInput<"task.serve">): OpOutput<"task.serve"> {
    const { leases } = this.#engine;
    let lost = input.running;
    for (const profile of profiles) {
      const left = leases.announce(session, { ...input, workspace: "", implementation: profilePool(profile) }, lost);
      lost &&= left;
    }
    return { lost: lost ?? [] };
  }

  #settle(session: Session, input: OpInput<"task.settle">): MaybePromise<OpOutput<"task.settle">> {
    const { taskId, attempt, outcome } = input;
    const wait = outcome.kind === "waiting" ? outcome.wait : undefined;
    return then(this.#requireKnown(session, wait), () => {
      const task = this.#engine.live(taskId);
      const isAccepted = this.#engine.settle(session, taskId, attempt, outcome);
      if (task) return { isAccepted, status: task.state.status };
      return then(findTask(this.#engine, session, taskId), (state) => {
        const { status } = state;
        // It was accepted before, and the answer was lost.
        const isAgain = outcome.kind === "completed" && status === "completed" && state.attempt === attempt &&
          isSame(session, state);
        return { isAccepted: isAgain, status };
      });
    });
  }

  #requireKnown(session: Session, wait: TaskWait | undefined): MaybePromise<void> {
    return this.#creation.requireKnown(wait?.dependsOn, (state) => taskFault(session, state) === undefined);
  }

  #emit(session: Session, { taskId, attempt, events }: OpInput<"task.emit">): null {
    const task = this.#held(session, taskId, attempt);
    for (const event of events) this.#engine.lives.emit(task, event);
    return null;
  }

  #held(session: Session, taskId: string, attempt: number | undefined): Task {
    const task = this.#engine.live(taskId);
    if (!task || !this.#engine.leases.holds(session, task, attempt)) {
      throw new ConflictError(`Task ${taskId} is not this worker's, or not any more`, { retryable: false });
    }
    return task;
  }

  reportFault(session: Session, taskId: string): string | undefined {
    const task = this.#engine.live(taskId);
    if (!task) return undefined;
    return this.#engine.leases.holds(session, task, undefined) ? undefined : `task ${taskId} is not its own`;
  }

  reported(taskId: string, report: ProgressReport): void {
    const task = this.#engine.live(taskId);
    if (!task) return;
    this.#engine.start(task);
    this.#engine.lives.emit(task, { type: "progress", report });
  }

  // ---- anybody --------------------------------------------------------------------------------------------------

  #act(session: Session, input: OpInput<"task.act">): MaybePromise<OpOutput<"task.act">> {
    const { taskId, action } = input;
    return then(
      this.#requireKnown(session, input.wait),
      () =>
        then(findTask(this.#engine, session, taskId), (state) => {
          if (action === "retry") return this.#retry(state, input);
          const task = this.#engine.live(taskId);
          const isDone = task !== undefined && this.#perform(session, task, input);
          // To cancel what is cancelled, and the like, is no fault: the call may have come twice.
          if (!isDone && !(action === "cancel" && state.status === "cancelled")) throw impossible(action, state);
          return { task: infoOf(state) };
        }),
    );
  }

  #retry(state: TaskState, input: OpInput<"task.act">): MaybePromise<OpOutput<"task.act">> {
    if (nextStatus(state.status, "redrive") === undefined) throw impossible("retry", state);
    return then(this.#creation.redrive(state, input), (task) => ({ task: infoOf(task.state) }));
  }

  #perform(session: Session, task: Task, { action, reason, wait, input }: OpInput<"task.act">): boolean {
    switch (action) {
      case "cancel":
        return this.#engine.cancel(task, reason ?? `cancelled by ${session.topic}`);
      case "pause":
        return this.#engine.pause(task, wait ?? { for: "input", reason });
      case "resume":
        return this.#engine.waits.resume(task, input, reason);
      case "reject":
        return this.#engine.reject(task, reason);
      case "start":
        return this.#engine.leases.holds(session, task, undefined) && this.#engine.start(task);
      default:
        return false;
    }
  }

  #pool(session: Session, { implementation, workspace, action }: OpInput<"task.pool">): OpOutput<"task.pool"> {
    const where = this.#workspaceOf(session, workspace, "look at a pool");
    if (action !== "get") this.#engine.pausePool(where, implementation, action === "pause");
    return { pool: this.#engine.dispatcher.info(where, implementation) };
  }
}

function impossible(action: string, { id, status }: TaskState): ConflictError {
  return new ConflictError(`Cannot ${action} task ${id}: it is ${status}`, { details: { status }, retryable: false });
}
