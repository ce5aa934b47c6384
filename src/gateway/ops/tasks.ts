// edge: no Deno, Bun, node: or cloudflare: names
import { ConflictError, InvalidArgumentError, NotFoundError, PermissionDeniedError } from "../../errors.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import type { ProgressReport } from "../../protocol/progress.ts";
import { isTerminal } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import { serveFault, taskFault, workspaceFault } from "../access.ts";
import type { Core } from "../core.ts";
import { profilePool } from "../launches.ts";
import type { OpGroup } from "../ops.ts";
import { poll } from "../poll.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";
import type { TaskCreation } from "../tasks/creation.ts";
import type { TaskEngine } from "../tasks/engine.ts";
import { queryTasks } from "../tasks/query.ts";
import { infoOf, type TaskState } from "../tasks/record.ts";
import type { Task } from "../tasks/task.ts";
import type { TaskProgress } from "./progress.ts";
import * as schemas from "./task_schemas.ts";

const PAGE = 100;

/** Tasks: what creators, workers and onlookers may ask for. Whoever may not see a task hears that there is none. */
export class TaskOps implements OpGroup, TaskProgress {
  readonly #core: Core;
  readonly #engine: TaskEngine;
  readonly #creation: TaskCreation;

  constructor(core: Core, engine: TaskEngine, creation: TaskCreation) {
    this.#core = core;
    this.#engine = engine;
    this.#creation = creation;
    engine.onOver((state) => this.#creation.over(state));
  }

  readonly ops: OpGroup["ops"] = {
    "task.create": { check: schemas.create, run: (session, input) => this.#create(session, input) },
    "task.serve": { check: schemas.serve, run: (session, input) => this.#serve(session, input) },
    "task.settle": { check: schemas.settle, run: (session, input) => this.#settle(session, input) },
    "task.emit": { check: schemas.emit, run: (session, input) => this.#emit(session, input) },
    "task.act": { check: schemas.act, run: (session, input) => this.#act(session, input) },
    "task.get": {
      check: schemas.byId,
      run: (session, { taskId }) =>
        then(
          this.#engine.find(taskId),
          (state) => (state && !taskFault(session, state) ? { task: infoOf(state) } : {}),
        ),
    },
    "task.query": { check: schemas.query, run: (session, input) => this.#query(session, input) },
    "task.result": {
      check: schemas.byId,
      run: (session, { taskId }, waiting) => this.#result(session, taskId, waiting),
    },
    "task.events": { check: schemas.events, run: (session, input, waiting) => this.#events(session, input, waiting) },
    "task.bulk": { check: schemas.bulk, run: (session, input) => this.#bulk(session, input) },
    "task.pool": { check: schemas.pool, run: (session, input) => this.#pool(session, input) },
  };

  #workspaceOf(session: Session, asked: string | undefined, what: string): string {
    const workspace = asked ?? session.workspace;
    if (workspace === undefined) {
      throw new InvalidArgumentError(`Cannot ${what} without a workspace: say which, or switch to one`, "workspace");
    }
    const fault = workspaceFault(session, workspace);
    if (fault) throw new PermissionDeniedError(`Cannot ${what}: ${fault}`);
    return workspace;
  }

  /** A task the caller may see. */
  #find(session: Session, id: string): MaybePromise<TaskState> {
    return then(this.#engine.find(id), (state) => {
      if (!state || taskFault(session, state)) throw new NotFoundError(`There is no task ${id}`);
      return state;
    });
  }

  #create(session: Session, input: OpInput<"task.create">): MaybePromise<OpOutput<"task.create">> {
    const workspace = this.#workspaceOf(session, input.workspace, "make a task");
    return then(this.#creation.create(input, session.topic, workspace), ({ state, isNew }) => ({
      taskId: state.id,
      status: state.status,
      isNew,
    }));
  }

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
    return { lost: this.#engine.announce(session, { ...input, implementation, workspace }, input.running ?? []) };
  }

  /** An orchestrator takes launches of all its profiles. */
  #launch(session: Session, profiles: string[], input: OpInput<"task.serve">): OpOutput<"task.serve"> {
    let lost = input.running ?? [];
    for (const profile of profiles) {
      lost = this.#engine.announce(session, { ...input, workspace: "", implementation: profilePool(profile) }, lost);
    }
    return { lost };
  }

  #settle(session: Session, input: OpInput<"task.settle">): MaybePromise<OpOutput<"task.settle">> {
    const { taskId, attempt, outcome } = input;
    const { isAccepted, status } = this.#engine.settle(session, taskId, attempt, outcome);
    if (status !== undefined) return { isAccepted, status };
    return then(this.#find(session, taskId), (state) => ({ isAccepted, status: state.status }));
  }

  #emit(session: Session, { taskId, attempt, events }: OpInput<"task.emit">): null {
    const task = this.#held(session, taskId, attempt);
    for (const event of events) this.#engine.emit(task, event);
    return null;
  }

  #held(session: Session, taskId: string, attempt: number | undefined): Task {
    const task = this.#engine.live(taskId);
    if (!task || !this.#engine.holds(session, task, attempt)) {
      throw new ConflictError(`Task ${taskId} is not this worker's, or not any more`);
    }
    return task;
  }

  reportFault(session: Session, taskId: string): string | undefined {
    const task = this.#engine.live(taskId);
    if (!task) return undefined;
    return this.#engine.holds(session, task, undefined) ? undefined : `task ${taskId} is not its own`;
  }

  reported(taskId: string, report: ProgressReport): void {
    const task = this.#engine.live(taskId);
    if (!task) return;
    this.#engine.start(task);
    this.#engine.emit(task, { type: "progress", report });
  }

  #act(session: Session, input: OpInput<"task.act">): MaybePromise<OpOutput<"task.act">> {
    const { taskId, action, reason } = input;
    return then(this.#find(session, taskId), (state) => {
      const task = this.#engine.live(taskId);
      if (action === "retry") {
        const again = task ? undefined : this.#engine.redrive(state, input);
        if (!again) throw this.#impossible(action, state);
        return { task: infoOf(again.state) };
      }
      const done = task && this.#perform(session, task, input, reason);
      // To cancel what is cancelled, and the like, is no fault: the call may have come twice.
      if (!done && !(action === "cancel" && state.status === "cancelled")) throw this.#impossible(action, state);
      return { task: infoOf(state) };
    });
  }

  #perform(session: Session, task: Task, input: OpInput<"task.act">, reason: string | undefined): boolean {
    switch (input.action) {
      case "cancel":
        return this.#engine.cancel(task, reason ?? `cancelled by ${session.topic}`);
      case "pause":
        return this.#engine.pause(task, input.wait ?? { for: "input", reason });
      case "resume":
        return this.#engine.resume(task, input.input, reason);
      case "reject":
        return this.#engine.reject(task, reason);
      case "start":
        return this.#engine.holds(session, task, undefined) && this.#engine.start(task);
      default:
        return false;
    }
  }

  #impossible(action: string, { id, status }: TaskState): ConflictError {
    return new ConflictError(`Cannot ${action} task ${id}: it is ${status}`, { details: { status }, retryable: false });
  }

  #query(
    session: Session,
    { filter = {}, limit = PAGE, cursor }: OpInput<"task.query">,
  ): MaybePromise<OpOutput<"task.query">> {
    const own = { workspace: session.workspace, ...filter };
    const page = queryTasks(this.#engine, own, (state) => !taskFault(session, state), limit, cursor);
    return then(page, ({ states, nextCursor }) => {
      const tasks = states.map(infoOf);
      return nextCursor === undefined ? { tasks } : { tasks, nextCursor };
    });
  }

  #result(session: Session, id: string, waiting: () => AbortSignal): MaybePromise<OpOutput<"task.result">> {
    const answer = (state: TaskState): MaybePromise<OpOutput<"task.result">> =>
      then(this.#engine.shelf.result(state), (result) => {
        const output: OpOutput<"task.result"> = { task: infoOf(state) };
        if (result) Object.assign(output, { result, isStructured: state.isResultStructured ?? false });
        return output;
      });
    return then(this.#find(session, id), (state) => {
      if (isTerminal(state.status)) return answer(state);
      const read = (): MaybePromise<OpOutput<"task.result"> | undefined> =>
        isTerminal(state.status) ? answer(state) : undefined;
      return poll(read, (heard) => this.#engine.events.listen(id, heard), waiting());
    });
  }

  #events(
    session: Session,
    { taskId, after, limit }: OpInput<"task.events">,
    waiting: () => AbortSignal,
  ): MaybePromise<OpOutput<"task.events">> {
    type Page = OpOutput<"task.events">;
    const { events } = this.#engine;
    return then(this.#find(session, taskId), (state) => {
      const read = (): MaybePromise<Page | undefined> =>
        then(
          events.read(this.#engine.live(taskId)?.state ?? state, after, limit),
          (page) => page.events.length > 0 || page.isOver || page.gap ? page : undefined,
        );
      return then(read(), (page) => page ?? poll(read, (heard) => events.listen(taskId, heard), waiting()));
    });
  }

  async #bulk(session: Session, { filter, action, reason }: OpInput<"task.bulk">): Promise<OpOutput<"task.bulk">> {
    const own = { workspace: session.workspace, ...filter };
    let count = 0;
    let cursor: string | undefined;
    for (;;) {
      const page = await queryTasks(this.#engine, own, (state) => !taskFault(session, state), PAGE, cursor);
      for (const state of page.states) {
        const task = this.#engine.live(state.id);
        if (action === "cancel" && task && this.#engine.cancel(task, reason ?? `cancelled by ${session.topic}`)) {
          count++;
        }
        if (action === "retry" && !task && state.status !== "completed") {
          this.#engine.redrive(state, {});
          count++;
        }
      }
      if (page.nextCursor === undefined) return { count };
      cursor = page.nextCursor;
    }
  }

  #pool(session: Session, { implementation, workspace, action }: OpInput<"task.pool">): OpOutput<"task.pool"> {
    const where = this.#workspaceOf(session, workspace, "look at a pool");
    const { dispatcher } = this.#engine;
    if (action !== "get") dispatcher.pause(where, implementation, action === "pause");
    return { pool: dispatcher.info(where, implementation) };
  }
}
