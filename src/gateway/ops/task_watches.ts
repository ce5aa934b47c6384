// edge: no Deno, Bun, node: or cloudflare: names
import { QuotaError } from "../../errors.ts";
import { isTerminal } from "../../protocol/task_states.ts";
import type { Session } from "../session.ts";
import type { TaskEngine } from "../tasks/engine.ts";
import { infoOf, type TaskState } from "../tasks/record.ts";

/** Larger results are asked for: their creator may never want to know. */
const MOST_BYTES = 4096;

interface Watch {
  readonly session: Session;
  readonly id: number;
}

/** Creators who hear what became of their task as soon as it is over, by a reply they have named when they made it. */
export class TaskWatches {
  /** By task: only its maker may watch it. */
  readonly #watches = new Map<string, Watch>();

  constructor(engine: TaskEngine) {
    engine.onOver((state) => this.#over(state));
  }

  /** Notes one. False when there are too many, or nothing to wait for. */
  add(session: Session, id: number, { id: taskId, status }: TaskState): boolean {
    if (isTerminal(status) || session.calls.watches >= session.core.limits.pendingRequests) return false;
    session.calls.watch(id, () => this.#watches.delete(taskId));
    this.#watches.set(taskId, { session, id });
    return true;
  }

  #over(state: TaskState): void {
    const watch = this.#watches.get(state.id);
    if (!watch) return;
    this.#watches.delete(state.id);
    const { session: { calls }, id } = watch;
    const { status, result, isResultStructured: isStructured } = state;
    if (status !== "completed") calls.answer(id, { task: infoOf(state) });
    else if (!result || result.length <= MOST_BYTES) calls.answer(id, { result, isStructured });
    else calls.refuse(id, new QuotaError(`A result of ${result.length} bytes has to be asked for`));
  }
}
