// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, type AetherErrorOptions } from "../errors.ts";
import type { RevokeKind, TaskError, TaskOutcome, TaskWait } from "../protocol/tasks.ts";
import { toTaskError } from "../client/task_values.ts";

const CODES = {
  cancelled: "CANCELLED",
  deadline: "DEADLINE_EXCEEDED",
  timeout: "DEADLINE_EXCEEDED",
  lease_lost: "ABORTED",
  paused: "ABORTED",
  drain: "ABORTED",
} as const;

/** Why an attempt must stop: the reason of `ctx.signal`. */
export class TaskAbortedError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "TaskAbortedError";
  /**
   * `cancelled` by somebody, past the task's `deadline` or the attempt's `timeout`, `lease_lost` to another worker, `paused`
   * from outside, or because the worker stops: `drain`.
   */
  readonly kind: RevokeKind;
  /**
   * Makes one.
   * @param kind for a program
   * @param message for people
   */
  constructor(kind: RevokeKind, message: string, options: AetherErrorOptions = {}) {
    super(message, CODES[kind], { retryable: kind === "drain" || kind === "lease_lost", ...options });
    this.kind = kind;
  }
}

/** Thrown by a handler when trying again would be in vain: the task fails, whatever attempts are left. */
export class NonRetryableError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "NonRetryableError";
  /**
   * Makes one.
   * @param message why
   */
  constructor(message: string, options: AetherErrorOptions = {}) {
    super(message, "ABORTED", { ...options, retryable: false });
  }
}

/** Thrown by a handler that knows when to try again; it counts as a failed attempt. */
export class RetryLaterError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "RetryLaterError";
  /**
   * Makes one.
   * @param retryAfterMs how long to wait, in ms
   * @param message why
   */
  constructor(retryAfterMs: number, message = `Trying again in ${retryAfterMs} ms`, options: AetherErrorOptions = {}) {
    super(message, "UNAVAILABLE", { ...options, retryAfterMs, retryable: true });
  }
}

/** Ends a handler whose task waits; nobody but the worker is to catch it. */
export class TaskWaiting extends Error {
  /** What it waits for. */
  readonly wait: TaskWait;
  /** Made by `ctx.wait()`. */
  constructor(wait: TaskWait) {
    super(`The task waits for ${wait.for}; let this pass`);
    this.name = "TaskWaiting";
    this.wait = wait;
  }
}

/** What a handler threw, as the outcome of its attempt. */
export function failedOutcome(thrown: unknown): TaskOutcome {
  const { retryable, retryAfterMs } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as {
    retryable?: unknown;
    retryAfterMs?: unknown;
  };
  const outcome: TaskOutcome = { kind: "failed", error: boundedError(thrown) };
  if (retryable === false) outcome.isRetryable = false;
  if (typeof retryAfterMs === "number" && retryAfterMs >= 0 && Number.isFinite(retryAfterMs)) {
    outcome.retryAfterMs = retryAfterMs;
  }
  return outcome;
}

function boundedError(thrown: unknown): TaskError {
  const error = toTaskError(thrown);
  return { ...error, name: String(error.name).slice(0, 200) };
}
