// edge: no Deno, Bun, node: or cloudflare: names
import { Cron } from "croner";
import { InvalidArgumentError } from "../../errors.ts";
import type { NewTask } from "../../protocol/tasks.ts";
import type { TaskState } from "./record.ts";

/**
 * The next moment of a schedule after another, ms since epoch; undefined when there is none. Where the clocks are put forward,
 * a moment that is left out comes at once after the gap; where they are put back, one that comes twice counts once.
 * @throws {InvalidArgumentError} when it cannot be read
 */
export function nextRun(
  { expression, timeZone = "UTC" }: NonNullable<NewTask["cron"]>,
  after: number,
): number | undefined {
  try {
    return new Cron(expression, { paused: true, timezone: timeZone }).nextRun(new Date(after))?.getTime();
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`Cannot use schedule "${expression}" (${timeZone}): ${words}`, "cron", { cause });
  }
}

/** The task that a schedule makes at its moment: the same every time, and made once for each moment. */
export function taskOf(schedule: TaskState, payload: Uint8Array): NewTask {
  const { type, implementation, mode, target, priority, weight, retry, timeoutMs, concurrency, rateLimit } = schedule;
  const { taskClass, metadata, correlationId, completionEvent, launchParams, isStructured, id, runAt } = schedule;
  return {
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
    metadata,
    correlationId,
    completionEvent,
    launchParams,
    isStructured,
    payload,
    parentTaskId: id,
    idempotencyKey: `${id}@${runAt}`,
  };
}
