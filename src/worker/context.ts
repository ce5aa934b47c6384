// edge: no Deno, Bun, node: or cloudflare: names
import type { CheckpointClient } from "../client/checkpoint.ts";
import type { CreateTask } from "../client/create_task.ts";
import type { ProgressReport } from "../protocol/progress.ts";
import type { TaskInfo, TaskWait } from "../protocol/tasks.ts";

/** What a handler reports of its progress; the task is known. */
export type TaskProgress = Omit<ProgressReport, "taskId">;

/** Writes to the task's event log; `fields` are plain data. */
export interface TaskLog {
  /** For whoever looks closely. */
  debug(message: string, fields?: Record<string, unknown>): void;
  /** What happened. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** What somebody should know. */
  warn(message: string, fields?: Record<string, unknown>): void;
  /** What went wrong. */
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What a handler has besides its input. */
export interface TaskContext<Chunk = unknown> {
  /** The task. */
  readonly task: TaskInfo;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Aborts when the attempt must stop; its reason is a `TaskAbortedError` whose `kind` says why. */
  readonly signal: AbortSignal;
  /** Same at every attempt: give it to whatever must not happen twice. */
  readonly idempotencyKey: string;
  /** What `resumeTask` gave when the task waited before; undefined otherwise. */
  readonly resumeInput: unknown;
  /** The task's own checkpoints: what an attempt saves, the next one loads. */
  readonly checkpoint: CheckpointClient;
  /** The task's event log. */
  readonly log: TaskLog;
  /** The platform's `fetch`, which aborts with the task. */
  readonly fetch: typeof globalThis.fetch;
  /** Makes a task that is a part of this one: it is cancelled with it, and its status is seen in this one's events. */
  readonly createTask: CreateTask;
  /** Tells those who watch how far it is; often is fine, the latest counts. */
  progress(report: TaskProgress): Promise<void>;
  /** Streams a piece of the result to whoever follows the task's events. */
  stream(chunk: Chunk): Promise<void>;
  /** Ends the attempt until something happens; then the handler begins anew, with `resumeInput` if there is any. Never returns. */
  wait(wait: TaskWait): never;
  /** Ends the attempt until a moment or an event; then the handler begins anew, perhaps elsewhere. Never returns. */
  hibernate(wait?: Omit<TaskWait, "for">): never;
}
