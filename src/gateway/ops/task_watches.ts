// edge: no Deno, Bun, node: or cloudflare: names
import { QuotaError } from "../../errors.ts";
import type { Session } from "../session.ts";
import type { TaskEngine } from "../tasks/engine.ts";
import { infoOf, type TaskState } from "../tasks/record.ts";
import type { Watcher } from "../tasks/task.ts";

/** Larger results are asked for: their creator may never want to know. */
const MOST_BYTES = 4096;

/** Creators who hear what became of their task as soon as it is over, by a reply they have named when they made it. */
export class TaskWatches {
  readonly #engine: TaskEngine;

  constructor(engine: TaskEngine) {
    this.#engine = engine;
    engine.onOver((state, { watcher }) => watcher && answer(state, watcher));
  }

  /** Notes one. False when there are too many, or nothing to wait for. */
  add(session: Session, call: number, { id }: TaskState): boolean {
    const task = this.#engine.live(id);
    if (!task || session.calls.watches >= session.core.limits.pendingRequests) return false;
    session.calls.watch(call, () => task.watcher = undefined);
    task.watcher = { session, call };
    return true;
  }
}

function answer(state: TaskState, { session: { calls }, call }: Watcher): void {
  const { status, result, isResultStructured: isStructured } = state;
  if (status !== "completed") calls.answer(call, { task: infoOf(state) });
  else if (!result || result.length <= MOST_BYTES) calls.answer(call, { result, isStructured });
  else calls.refuse(call, new QuotaError(`A result of ${result.length} bytes has to be asked for`));
}
