// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { TaskOutcome } from "../protocol/tasks.ts";

/** Crashes of isolates in which nothing else ran, before a task is taken for their cause: one may come from outside. */
const CRASHES = 3;
/** Tasks whose crashes are remembered. */
const REMEMBERED = 1_000;

/**
 * Which tasks were running when an isolate crashed. Who is to blame cannot be told when there were several: they are all
 * handed back, and each of them runs alone from then on, until it is over or has crashed an isolate of its own too often.
 */
export class Crashes {
  /** How often each was alone in an isolate that crashed. */
  readonly #suspects = new Map<string, number>();

  /** Whether a task is to run alone. */
  isSuspect({ taskId }: TaskAssignment): boolean {
    return this.#suspects.has(taskId);
  }

  /** A task's attempt has ended without a crash. */
  clear({ taskId }: TaskAssignment): void {
    this.#suspects.delete(taskId);
  }

  /**
   * How an attempt ended whose isolate has gone.
   * @param isAlone whether nothing else ran in it
   */
  outcomeOf({ taskId }: TaskAssignment, how: string, isAlone: boolean): TaskOutcome {
    const count = (this.#suspects.get(taskId) ?? 0) + (isAlone ? 1 : 0);
    this.#suspects.delete(taskId);
    const words = `its isolate has gone: ${how}`;
    if (count >= CRASHES) {
      const error = { name: "IsolateCrashedError", message: `${words}, ${count} times` };
      return { kind: "failed", error, isRetryable: false };
    }
    this.#suspects.set(taskId, count);
    if (this.#suspects.size > REMEMBERED) this.#suspects.delete(this.#suspects.keys().next().value!);
    return { kind: "released", reason: words };
  }
}
