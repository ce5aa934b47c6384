// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, type AetherErrorOptions, NotFoundError, TaskFailedError, TimeoutError } from "../errors.ts";
import type { OpOutput } from "../protocol/ops.ts";
import type { TaskEvent, TaskInfo } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import { ask, follow, insist } from "./follow.ts";
import { decodeValue } from "./task_values.ts";

/** What happened to a task, with what was streamed decoded. */
export type TaskHandleEvent<Chunk = unknown> =
  | Exclude<TaskEvent, { type: "chunk" }>
  | { sequence: number; at: number; type: "chunk"; data: Chunk };

/** What became of a task. */
export type Outcome = OpOutput<"task.result">;

/** What a handle has from its making. */
export interface Told {
  /** Its result is asked for. */
  onAsk(): void;
  /** What the gateway tells unasked; undefined when it must be asked. */
  outcome?: Promise<Outcome>;
}

/** Makes a {@link Told}. */
export function toldOf(onAsk: () => void, outcome?: Promise<Outcome>): Told {
  const told: Told = { onAsk, outcome };
  const forget = (): void => told.outcome = undefined;
  // What is not completed may begin again: whoever asks later asks the gateway.
  outcome?.then(({ task }) => task && forget(), forget);
  return told;
}

/** What a worker made of a task; waits until it is over. */
export async function taskResult(
  link: Link,
  taskId: string,
  told?: Told,
  { signal }: { signal?: AbortSignal } = {},
): Promise<unknown> {
  told?.onAsk();
  // A wait that may be given up is a call of its own.
  const known = signal ? undefined : await told?.outcome?.catch(() => undefined);
  const { task, result, isStructured } = known ?? await insist(link, "task.result", { taskId }, signal);
  if (task) throw whyNot(task);
  return decodeValue(result, isStructured);
}

/** What happens to a task. */
export function taskEvents<Chunk>(
  link: Link,
  taskId: string,
  options: { after?: number; signal?: AbortSignal } = {},
): AsyncIterableIterator<TaskHandleEvent<Chunk>> {
  let { after = 0 } = options;
  return follow(async (signal) => {
    const { events, next, isOver, gap } = await insist(link, "task.events", { taskId, after }, signal);
    if (gap) link.onNotice.emit({ name: "gap", body: { topic: `task ${taskId}`, reason: "trimmed" } });
    after = next;
    const items = events.map((event) =>
      event.type === "chunk" ? { ...event, data: decodeValue(event.data, event.isStructured) as Chunk } : event
    );
    return { items, isOver };
  }, options.signal);
}

/** A task as it is now. */
export function taskInfo(link: Link, taskId: string): Promise<TaskInfo> {
  return ask(link, "task.get", () => ({ taskId }), {}, ({ task }) => {
    if (!task) throw new NotFoundError(`There is no task "${taskId}"`);
    return task;
  });
}

/** Cancels a task. */
export function taskCancel(link: Link, taskId: string, reason?: string): Promise<TaskInfo> {
  return ask(link, "task.act", () => ({ taskId, action: "cancel", reason }), {}, ({ task }) => task);
}

/** The error that says why a task is not completed. */
function whyNot(task: TaskInfo): AetherError {
  const { taskId, status, error, reason } = task;
  const message = `Task "${taskId}" ${status}: ${error ? `${error.name}: ${error.message}` : reason}`;
  const options: AetherErrorOptions = { details: { ...task }, retryable: false };
  if (status === "timed_out") return new TimeoutError(message, options);
  return new TaskFailedError(message, status === "cancelled" ? "CANCELLED" : "ABORTED", options);
}
