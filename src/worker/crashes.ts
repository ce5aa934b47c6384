// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskAssignment, TaskOutcome } from "../protocol/tasks.ts";

/** Times a task may be there when an isolate crashes before it is taken for the cause. */
const CRASHES = 3;
/** Tasks whose crashes are remembered. */
const REMEMBERED = 1_000;

/**
 * Which tasks were running when an isolate crashed. A crash may come from outside, or from another task beside it: so an
 * attempt is handed back without blame, until its task has been there too often.
 */
export class Crashes {
  readonly #counts = new Map<string, number>();

  /**
   * How an attempt ended whose isolate has gone.
   * @param isAlone whether nothing else ran in it
   */
  outcomeOf({ taskId }: TaskAssignment, how: string, isAlone: boolean): TaskOutcome {
    const count = (this.#counts.get(taskId) ?? 0) + 1;
    this.#counts.delete(taskId);
    this.#counts.set(taskId, count);
    if (this.#counts.size > REMEMBERED) this.#counts.delete(this.#counts.keys().next().value!);
    const words = `its isolate has gone: ${how}`;
    if (count < CRASHES) return { kind: "released", reason: words };
    const error = { name: "IsolateCrashedError", message: `${words}, ${count} times` };
    return isAlone ? { kind: "failed", error, isRetryable: false } : { kind: "failed", error };
  }
}
