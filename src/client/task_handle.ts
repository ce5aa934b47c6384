// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskInfo } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import { iterateWith, withVerbs } from "./loading.ts";
import type { TaskHandleEvent, Told } from "./task_calls.ts";

/** A task that was created: what comes of it, and a way to stop it. */
export class TaskHandle<Output = unknown, Chunk = unknown> {
  readonly #link: Link;
  /** Its id. */
  readonly taskId: string;
  /** Whether it was made by this call; false when a key named one that was there already. */
  readonly isNew: boolean;
  readonly #told: Told | undefined;

  /** Made by `client.createTask()` and `client.taskHandle()`. */
  constructor(link: Link, taskId: string, isNew = false, told?: Told) {
    this.#link = link;
    this.taskId = taskId;
    this.isNew = isNew;
    this.#told = told;
  }

  /**
   * What the worker made of it; waits until it is over, over reconnects too. Aborting ends the wait and not the task.
   * @throws {TaskFailedError} it failed, was cancelled (code CANCELLED) or rejected
   * @throws {TimeoutError} it took longer than it may
   */
  result(options?: { signal?: AbortSignal }): Promise<Output> {
    return withVerbs(
      this.#link,
      (verbs) => verbs.taskResult(this.#link, this.taskId, this.#told, options) as Promise<Output>,
    );
  }

  /**
   * What happened to it, from its beginning or after a sequence, and what happens from now on. Ends after its last status.
   * `onGap` hears when so much has happened that the oldest events are gone.
   */
  events(options?: { after?: number; signal?: AbortSignal }): AsyncIterableIterator<TaskHandleEvent<Chunk>> {
    return iterateWith(this.#link, (verbs) => verbs.taskEvents<Chunk>(this.#link, this.taskId, options));
  }

  /** The task as it is now. @throws {NotFoundError} when it is not known any more */
  info(): Promise<TaskInfo> {
    return withVerbs(this.#link, (verbs) => verbs.taskInfo(this.#link, this.taskId));
  }

  /** Cancels it, and what it has created; its worker's `ctx.signal` aborts. */
  cancel(reason?: string): Promise<TaskInfo> {
    return withVerbs(this.#link, (verbs) => verbs.taskCancel(this.#link, this.taskId, reason));
  }
}
