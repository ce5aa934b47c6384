// edge: no Deno, Bun, node: or cloudflare: names
/**
 * Every error the SDK throws: one base class with a closed `code`, one subclass per thing a caller may want to catch.
 * @module
 */

/** The closed set of codes an {@link AetherError} carries; the names follow the canonical gRPC status codes. */
export type ErrorCode =
  | "INVALID_ARGUMENT"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "ABORTED"
  | "RESOURCE_EXHAUSTED"
  | "DEADLINE_EXCEEDED"
  | "CANCELLED"
  | "UNAVAILABLE"
  | "UNIMPLEMENTED"
  | "INTERNAL";

/** What an error may carry beside its message. */
export interface AetherErrorOptions {
  /** Whether the same call may succeed later without a change. */
  retryable?: boolean;
  /** Wait this many milliseconds before trying again. */
  retryAfterMs?: number;
  /** What caused it. */
  cause?: unknown;
  /** Facts for a program: limits, current values, names of fields. */
  details?: Record<string, unknown>;
}

const KINDS = Symbol.for("aether-edge.error.kinds");
const RETRYABLE: readonly ErrorCode[] = ["RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "UNAVAILABLE", "INTERNAL"];

/** Base of all errors thrown here. `instanceof` also holds across two copies of the package. */
export class AetherError extends Error {
  /** Brand of the class: minifiers change the names of classes, and two copies of the package have two of each. */
  static readonly kind: string = "AetherError";
  /** One of a closed set; switch on it. */
  readonly code: ErrorCode;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** When the peer said how long to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Facts for a program: limits, current values, names of fields. */
  readonly details: Record<string, unknown>;

  /** Builds an error; subclasses fix the code. */
  constructor(message: string, code: ErrorCode = "INTERNAL", options: AetherErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? RETRYABLE.includes(code);
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
    const value: string[] = [];
    for (let one: object = new.target; one !== Error; one = Object.getPrototypeOf(one)) {
      if (Object.hasOwn(one, "kind")) value.push((one as typeof AetherError).kind);
    }
    this.name = value[0];
    Object.defineProperty(this, KINDS, { value });
  }

  /** Brand check instead of the prototype chain, so two copies of the package understand each other. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // A user's own subclass has no kind: for it the ordinary prototype check is right.
    if (!Object.hasOwn(this, "kind")) return Function.prototype[Symbol.hasInstance].call(this, value);
    const kinds = (value as Record<symbol, unknown> | null | undefined)?.[KINDS];
    return Array.isArray(kinds) && kinds.includes(this.kind);
  }
}

/** The connection could not be made or kept. */
export class ConnectionError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "ConnectionError";
  /**
   * Makes one.
   * @param message what was tried and what happened
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "UNAVAILABLE", options);
  }
}

/** The connection ended while something waited on it. */
export class ConnectionClosedError extends ConnectionError {
  /** Brand of the class. */
  static override readonly kind: string = "ConnectionClosedError";
  /**
   * Makes one.
   * @param message what was waiting and why the connection ended
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, options);
  }
}

/** All reconnection attempts were used up. */
export class ReconnectionError extends ConnectionError {
  /** Brand of the class. */
  static override readonly kind: string = "ReconnectionError";
  /** How many attempts were made. */
  readonly attempts: number;
  /**
   * Makes one.
   * @param attempts how many were made
   */
  constructor(attempts: number, options: AetherErrorOptions = {}) {
    super(`Gave up reconnecting after ${attempts} attempts`, { retryable: false, ...options });
    this.attempts = attempts;
  }
}

/** The gateway does not accept the credentials. */
export class AuthenticationError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "AuthenticationError";
  /**
   * Makes one.
   * @param message what is wrong with the credentials
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "UNAUTHENTICATED", options);
  }
}

/** The identity may not do this. */
export class PermissionDeniedError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "PermissionDeniedError";
  /**
   * Makes one.
   * @param message who may not do what
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "PERMISSION_DENIED", options);
  }
}

/** Another live connection holds this identity. */
export class DuplicateIdentityError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "DuplicateIdentityError";
  /** The identity's topic, e.g. `ag::prod::worker::1`. */
  readonly identity: string;
  /**
   * Makes one.
   * @param identity the topic that is taken
   */
  constructor(identity: string, options: AetherErrorOptions & { message?: string } = {}) {
    super(
      options.message ?? `Cannot connect as "${identity}": another live connection holds this identity`,
      "ALREADY_EXISTS",
      options,
    );
    this.identity = identity;
  }
}

/** Nothing came back in time. */
export class TimeoutError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "TimeoutError";
  /**
   * Makes one.
   * @param message what was waited for and how long
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "DEADLINE_EXCEEDED", options);
  }
}

/** The call itself is wrong: what, where, and what would be right. */
export class InvalidArgumentError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "InvalidArgumentError";
  /** Name of the argument at fault, when one is. */
  readonly argument?: string;
  /**
   * Makes one.
   * @param argument the argument at fault
   */
  constructor(message: string, argument?: string, options: AetherErrorOptions = {}) {
    super(message, "INVALID_ARGUMENT", options);
    if (argument !== undefined) this.argument = argument;
  }
}

/** What was addressed is not there. */
export class NotFoundError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "NotFoundError";
  /**
   * Makes one.
   * @param message what was looked for
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "NOT_FOUND", options);
  }
}

/** The peer does not offer this. */
export class UnimplementedError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "UnimplementedError";
  /**
   * Makes one.
   * @param message what is not offered
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "UNIMPLEMENTED", options);
  }
}

/** A message could not be handled or published. */
export class MessageError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "MessageError";
  /**
   * Makes one.
   * @param message what happened to which message
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "INTERNAL", options);
  }
}

/** A KV operation failed. */
export class KVOperationError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "KVOperationError";
  /**
   * Makes one.
   * @param message which operation on which key
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "INTERNAL", options);
  }
}

/** A checkpoint operation failed. */
export class CheckpointError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "CheckpointError";
  /**
   * Makes one.
   * @param message which operation on which key
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "INTERNAL", options);
  }
}

/** A compare-and-set was lost, or a lease belongs to someone else. */
export class ConflictError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "ConflictError";
  /**
   * Makes one.
   * @param message what conflicted with what
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "ABORTED", options);
  }
}

/** A limit was reached; `details` names the limit and the current value. */
export class QuotaError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "QuotaError";
  /**
   * Makes one.
   * @param message which limit, its value, and the current value
   */
  constructor(message: string, options?: AetherErrorOptions) {
    super(message, "RESOURCE_EXHAUSTED", options);
  }
}

/** A task whose result was waited for is over without one; `details` has `taskId`, `status`, `error` and `attempt`. */
export class TaskFailedError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "TaskFailedError";
  /**
   * Makes one.
   * @param code `CANCELLED` for a task that was cancelled, `ABORTED` for one that failed or was rejected
   */
  constructor(message: string, code: ErrorCode = "ABORTED", options: AetherErrorOptions = {}) {
    super(message, code, options);
  }
}

/** Why an HTTP request over the connection got no answer; the numbers are those of the older system. */
export enum ProxyErrorKind {
  /** Something else. */
  Unknown = 0,
  /** Nobody is there. */
  DialFailed = 1,
  /** No head, or no further byte, in time. */
  Timeout = 2,
  /** The stream was reset, or the connection lost, before the end. */
  UpstreamReset = 3,
  /** The caller, the method or the path is not allowed. */
  AclDenied = 4,
  /** The service takes no requests now: it drains, or has too many. */
  SidecarUnavailable = 5,
  /** A head or body is larger than allowed. */
  PayloadTooLarge = 6,
  /** What came is no HTTP answer. */
  DecodeFailed = 7,
}

const PROXY_CODES: readonly ErrorCode[] = [
  "INTERNAL",
  "NOT_FOUND",
  "DEADLINE_EXCEEDED",
  "UNAVAILABLE",
  "PERMISSION_DENIED",
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "INTERNAL",
];

/** An HTTP request over the connection failed; `kind` says where. A response with a status of 400 or above is none. */
export class ProxyHttpError extends AetherError {
  /** Brand of the class. */
  static override readonly kind: string = "ProxyHttpError";
  /** Where it failed. */
  readonly kind: ProxyErrorKind;
  /**
   * Makes one.
   * @param kind where it failed
   * @param message what was asked of whom and what happened
   */
  constructor(kind: ProxyErrorKind, message: string, options?: AetherErrorOptions) {
    super(message, PROXY_CODES[kind] ?? "INTERNAL", options);
    this.kind = kind;
  }
}

/** Why a tunnel ended. */
export type TunnelCloseReason = "normal" | "peer_reset" | "idle_timeout" | "open_timeout" | "quota" | "error";

/** A tunnel ended before its end. */
export class TunnelClosedError extends ConnectionClosedError {
  /** Brand of the class. */
  static override readonly kind: string = "TunnelClosedError";
  /** Why. */
  readonly reason: TunnelCloseReason;
  /** The same in words. */
  readonly detail: string;
  /**
   * Makes one.
   * @param reason why
   * @param detail the same in words
   */
  constructor(reason: TunnelCloseReason, detail = "", options: AetherErrorOptions = {}) {
    super(`The tunnel was closed: ${reason}${detail ? ` (${detail})` : ""}`, { retryable: false, ...options });
    this.reason = reason;
    this.detail = detail;
  }
}

/**
 * Whether trying again can help without a change of the call, the rights or the identity.
 * @example
 * ```ts
 * import { isRecoverable, TimeoutError } from "@aether-edge/sdk";
 * if (!isRecoverable(new TimeoutError("no answer in 5 s"))) throw new Error("never");
 * ```
 */
export function isRecoverable(error: unknown): boolean {
  return error instanceof AetherError ? error.retryable : true;
}

/** Whether it is a {@link ConnectionError} or one of its kinds. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof ConnectionError;
}

/** Whether it is a {@link TimeoutError}. */
export function isTimeoutError(error: unknown): boolean {
  return error instanceof TimeoutError;
}
