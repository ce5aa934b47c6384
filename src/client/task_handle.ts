// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, type AetherErrorOptions, NotFoundError, TaskFailedError, TimeoutError } from "../errors.ts";
import { decodeStructured } from "../protocol/structured.ts";
import type { OpOutput } from "../protocol/ops.ts";
import type { TaskEvent, TaskInfo } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import { ask, follow, insist } from "./follow.ts";

/** What happened to a task, with what was streamed decoded. */
export type TaskHandleEvent<Chunk = unknown> =
  | Exclude<TaskEvent, { type: "chunk" }>
  | { sequence: number; at: number; type: "chunk"; data: Chunk };

/** A value as it travelled: plain data, or bytes of the user's own. */
export function decodeValue(bytes: Uint8Array | undefined, isStructured: boolean | undefined): unknown {
  return isStructured ? decodeStructured(bytes!) : bytes;
}

/** What became of a task. */
export type Outcome = OpOutput<"task.result">;

/** A task that was created: what comes of it, and a way to stop it. */
export class TaskHandle<Output = unknown, Chunk = unknown> {
  readonly #link: Link;
  /** Its id. */
  readonly taskId: string;
  /** Whether it was made by this call; false when a key named one that was there already. */
  readonly isNew: boolean;
  /** What the gateway tells unasked; undefined when it must be asked. */
  #outcome: Promise<Outcome> | undefined;
  readonly #onAsk: (() => void) | undefined;

  /** Made by `client.createTask()` and `client.taskHandle()`. */
  constructor(link: Link, taskId: string, isNew = false, outcome?: Promise<Outcome>, onAsk?: () => void) {
    this.#link = link;
    this.taskId = taskId;
    this.isNew = isNew;
    this.#outcome = outcome;
    this.#onAsk = onAsk;
    const forget = (): void => this.#outcome = undefined;
    // What is not completed may begin again: whoever asks later asks the gateway.
    outcome?.then(({ task }) => task && forget(), forget);
  }

  /**
   * What the worker made of it; waits until it is over, over reconnects too. Aborting ends the wait and not the task.
   * @throws {TaskFailedError} it failed, was cancelled (code CANCELLED) or rejected
   * @throws {TimeoutError} it took longer than it may
   */
  async result(options: { signal?: AbortSignal } = {}): Promise<Output> {
    this.#onAsk?.();
    const { signal } = options;
    // A wait that may be given up is a call of its own.
    const told = signal ? undefined : await this.#outcome?.catch(() => undefined);
    const { task, result, isStructured } = told ??
      await insist(this.#link, "task.result", { taskId: this.taskId }, signal);
    if (task) throw whyNot(task);
    return decodeValue(result, isStructured) as Output;
  }

  /**
   * What happened to it, from its beginning or after a sequence, and what happens from now on. Ends after its last status.
   * `onGap` hears when so much has happened that the oldest events are gone.
   */
  events(options: { after?: number; signal?: AbortSignal } = {}): AsyncIterableIterator<TaskHandleEvent<Chunk>> {
    const { taskId } = this;
    let { after = 0 } = options;
    return follow(async (signal) => {
      const { events, next, isOver, gap } = await insist(this.#link, "task.events", { taskId, after }, signal);
      if (gap) this.#link.onNotice.emit({ name: "gap", body: { topic: `task ${taskId}`, reason: "trimmed" } });
      after = next;
      const items = events.map((event) =>
        event.type === "chunk" ? { ...event, data: decodeValue(event.data, event.isStructured) as Chunk } : event
      );
      return { items, isOver };
    }, options.signal);
  }

  /** The task as it is now. @throws {NotFoundError} when it is not known any more */
  info(): Promise<TaskInfo> {
    const { taskId } = this;
    return ask(this.#link, "task.get", () => ({ taskId }), {}, ({ task }) => {
      if (!task) throw new NotFoundError(`There is no task "${taskId}"`);
      return task;
    });
  }

  /** Cancels it, and what it has created; its worker's `ctx.signal` aborts. */
  cancel(reason?: string): Promise<TaskInfo> {
    return ask(
      this.#link,
      "task.act",
      () => ({ taskId: this.taskId, action: "cancel", reason }),
      {},
      ({ task }) => task,
    );
  }
}

/** The error that says why a task is not completed. */
function whyNot(task: TaskInfo): AetherError {
  const { taskId, status, error, reason } = task;
  const message = `Task "${taskId}" ${status}: ${error ? `${error.name}: ${error.message}` : reason}`;
  const options: AetherErrorOptions = { details: { ...task }, retryable: false };
  if (status === "timed_out") return new TimeoutError(message, options);
  return new TaskFailedError(message, status === "cancelled" ? "CANCELLED" : "ABORTED", options);
}
