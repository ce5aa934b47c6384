// edge: no Deno, Bun, node: or cloudflare: names
import { NotFoundError } from "../../errors.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import { isTerminal } from "../../protocol/task_states.ts";
import type { MaybePromise } from "../../store/store.ts";
import { taskFault } from "../access.ts";
import type { OpGroup } from "../ops.ts";
import { poll } from "../poll.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";
import type { TaskEngine } from "../tasks/engine.ts";
import { queryTasks } from "../tasks/query.ts";
import { infoOf, type TaskState } from "../tasks/record.ts";
import * as schemas from "./task_schemas.ts";

const PAGE = 100;

/** A task the caller may see. @throws {NotFoundError} also when there is one that it may not */
export function findTask(engine: TaskEngine, session: Session, id: string): MaybePromise<TaskState> {
  return then(engine.find(id), (state) => {
    if (!state || taskFault(session, state)) throw new NotFoundError(`There is no task ${id}`);
    return state;
  });
}

/** Tasks as they are, what came of them, and what happens to them. */
export class TaskReads implements OpGroup {
  readonly #engine: TaskEngine;

  constructor(engine: TaskEngine) {
    this.#engine = engine;
  }

  readonly ops = {
    "task.get": { check: schemas.get, run: (session, input) => this.#get(session, input) },
    "task.query": { check: schemas.query, run: (session, input) => this.#query(session, input) },
    "task.result": {
      check: schemas.result,
      run: (session, { taskId }, waiting) => this.#result(session, taskId, waiting),
    },
    "task.events": { check: schemas.events, run: (session, input, waiting) => this.#events(session, input, waiting) },
  } satisfies OpGroup["ops"];

  #get(session: Session, { taskId, withPayload }: OpInput<"task.get">): MaybePromise<OpOutput<"task.get">> {
    return then(this.#engine.find(taskId), (state): MaybePromise<OpOutput<"task.get">> => {
      if (!state || taskFault(session, state)) return {};
      const task = infoOf(state);
      if (!withPayload) return { task };
      return then(
        this.#engine.shelf.payload(state),
        (payload) => ({ task, payload, isStructured: state.isStructured }),
      );
    });
  }

  #query(
    session: Session,
    { filter = {}, limit = PAGE, cursor }: OpInput<"task.query">,
  ): MaybePromise<OpOutput<"task.query">> {
    const own = { workspace: session.workspace, ...filter };
    const page = queryTasks(this.#engine, own, (state) => !taskFault(session, state), limit, cursor);
    return then(page, ({ states, nextCursor }) => ({ tasks: states.map(infoOf), nextCursor }));
  }

  #result(session: Session, id: string, waiting: () => AbortSignal): MaybePromise<OpOutput<"task.result">> {
    const answer = (state: TaskState): MaybePromise<OpOutput<"task.result">> => {
      if (state.status !== "completed") return { task: infoOf(state) };
      const { isResultStructured: isStructured } = state;
      return then(this.#engine.shelf.result(state), (result) => ({ result, isStructured }));
    };
    return then(findTask(this.#engine, session, id), (state) => {
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
    return then(findTask(this.#engine, session, taskId), (state) => {
      const read = (): MaybePromise<Page | undefined> =>
        then(
          events.read(this.#engine.live(taskId)?.state ?? state, after, limit),
          (page) => page.events.length > 0 || page.isOver || page.gap ? page : undefined,
        );
      return then(read(), (page) => page ?? poll(read, (heard) => events.listen(taskId, heard), waiting()));
    });
  }
}
