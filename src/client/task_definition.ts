// edge: no Deno, Bun, node: or cloudflare: names
import type { NewTask, RetryPolicy } from "../protocol/tasks.ts";

/**
 * A kind of task, as far as those who create it need to know: `defineTask` of `@aether-edge/sdk/worker` makes one.
 * `Input` is what a creator gives, `Output` what they get, `Chunk` what is streamed meanwhile.
 */
export interface TaskDefinition<Input = unknown, Output = unknown, Chunk = unknown> {
  /** What is to be done. */
  readonly type: string;
  /** Which pool does it; the type when left out. */
  readonly implementation?: string;
  /** How it is to be treated, whatever its input. */
  readonly settings: Partial<NewTask>;
  /**
   * What travels of a task with this input, and how it is to be treated.
   * @throws {InvalidArgumentError} when the input does not fit, with the issues in `details`
   */
  prepare(input: Input): Promise<Partial<NewTask>>;
  /** For the type system only. */
  readonly "~types"?: { readonly input: Input; readonly output: Output; readonly chunk: Chunk };
}

/** How a task is created, whatever it is about. */
export interface TaskSettings extends
  Omit<
    NewTask,
    | "type"
    | "implementation"
    | "mode"
    | "target"
    | "payload"
    | "isStructured"
    | "runAt"
    | "cron"
    | "retry"
    | "dependsOn"
  > {
  /** Bytes for the worker, in the place of `input`. */
  payload?: Uint8Array;
  /** Not before so many ms from now. */
  delayMs?: number;
  /** Not before this moment, as a Date or ms since epoch. */
  runAt?: number | Date;
  /** Again and again: an expression, and the time zone it is read in. */
  cron?: string | { expression: string; timeZone?: string };
  /** Not before these are completed: ids or handles. */
  dependsOn?: readonly (string | { readonly taskId: string })[];
  /** Which pool does it; the definition's, or the type, when left out. */
  targetImplementation?: string;
  /** Who does it: a topic, or the specifier of an agent of `targetImplementation`. */
  targetAgentId?: string;
  /** How it finds its worker; targeted with a `targetAgentId`, else a pool. */
  assignmentMode?: NewTask["mode"];
  /** When it is tried again. */
  retryPolicy?: RetryPolicy;
  /** Stops waiting; it may be made all the same. */
  signal?: AbortSignal;
  /** How long to wait for the gateway, in ms. */
  timeout?: number;
}

/** A task of a definition. */
export type DefinedTaskOptions<Input, Output, Chunk> =
  & TaskSettings
  & {
    /** What kind of task. */
    task: TaskDefinition<Input, Output, Chunk>;
    /** What is to be done; the definition's type when left out. */
    taskType?: string;
  }
  & (undefined extends Input ? { input?: NoInfer<Input> }
    : { input: NoInfer<Input> } | { payload: Uint8Array; input?: undefined });

/** A task without a definition. */
export interface PlainTaskOptions extends TaskSettings {
  /** Not given: `taskType` says what is to be done. */
  task?: undefined;
  /** What is to be done. */
  taskType: string;
  /** What the worker gets: plain data. */
  input?: unknown;
}
