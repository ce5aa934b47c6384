// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskTransition } from "../../protocol/task_states.ts";
import type { TaskError } from "../../protocol/tasks.ts";
import type { Task } from "./task.ts";

/** What is noted with a change of status. */
export interface Because {
  reason?: string;
  error?: TaskError;
}

/** Whether and when what came to nothing is tried again; by its policy when left out. */
export interface Retry {
  isRetryable?: boolean;
  afterMs?: number;
}

/** What the parts of the engine ask of it: whatever happens to a task goes through here. */
export interface Life {
  /** The only place where a status changes. False when it cannot, from where it is. */
  go(task: Task, transition: TaskTransition, because?: Because): boolean;
  /** It may begin, at once or at its moment; `isFirst` for one that has waited before. */
  ready(task: Task, isFirst?: boolean): void;
  /** An attempt or a wait came to nothing: it is tried again, or is over. */
  failed(task: Task, error: TaskError, retry?: Retry): void;
  /** Cancels it, whatever it does. False when it is over. */
  cancel(task: Task, reason: string): boolean;
  /** One of its moments has changed. */
  watch(task: Task): void;
  /** Its record has changed, and is kept with the turn. */
  touch(task: Task): void;
  /** Calls back at a moment; whoever asks looks whether it is still wanted. */
  alarm(at: number, run: () => void): void;
}
