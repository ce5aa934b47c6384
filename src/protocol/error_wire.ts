// edge: no Deno, Bun, node: or cloudflare: names
import * as errors from "../errors.ts";

/** How an error travels. */
export interface WireError {
  /** One of the closed codes. */
  code: errors.ErrorCode;
  /** For people. */
  message: string;
  /** Whether trying again may help. */
  retryable?: boolean;
  /** Milliseconds to wait first. */
  retryAfterMs?: number;
  /** Limits, current values, the taken identity. */
  details?: Record<string, unknown>;
}

/** Turns anything thrown into its form on the wire. A stranger's error keeps its message and nothing else. */
export function toWireError(thrown: unknown): WireError {
  if (!(thrown instanceof errors.AetherError)) {
    return { code: "INTERNAL", message: thrown instanceof Error ? thrown.message : String(thrown), retryable: false };
  }
  const wire: WireError = { code: thrown.code, message: thrown.message, retryable: thrown.retryable };
  if (thrown.retryAfterMs !== undefined) wire.retryAfterMs = thrown.retryAfterMs;
  const details: Record<string, unknown> = { ...thrown.details };
  if (thrown instanceof errors.DuplicateIdentityError) details.identity = thrown.identity;
  if (thrown instanceof errors.InvalidArgumentError && thrown.argument) details.argument = thrown.argument;
  if (Object.keys(details).length > 0) wire.details = details;
  return wire;
}

/** Turns what came over the wire into the class a caller catches; a body that is no error becomes an INTERNAL one. */
export function fromWireError(body: unknown): errors.AetherError {
  const wire = (typeof body === "object" && body !== null ? body : {}) as Partial<WireError>;
  const message = typeof wire.message === "string" ? wire.message : "The peer sent an error without a message";
  const details = typeof wire.details === "object" && wire.details !== null ? wire.details : {};
  const options: errors.AetherErrorOptions = { details };
  if (typeof wire.retryable === "boolean") options.retryable = wire.retryable;
  if (typeof wire.retryAfterMs === "number") options.retryAfterMs = wire.retryAfterMs;
  switch (wire.code) {
    case "INVALID_ARGUMENT":
      return new errors.InvalidArgumentError(
        message,
        typeof details.argument === "string" ? details.argument : undefined,
        options,
      );
    case "UNAUTHENTICATED":
      return new errors.AuthenticationError(message, options);
    case "PERMISSION_DENIED":
      return new errors.PermissionDeniedError(message, options);
    case "NOT_FOUND":
      return new errors.NotFoundError(message, options);
    case "ALREADY_EXISTS":
      return new errors.DuplicateIdentityError(typeof details.identity === "string" ? details.identity : "", {
        ...options,
        message,
      });
    case "ABORTED":
      return new errors.ConflictError(message, options);
    case "RESOURCE_EXHAUSTED":
      return new errors.QuotaError(message, options);
    case "DEADLINE_EXCEEDED":
      return new errors.TimeoutError(message, options);
    case "UNAVAILABLE":
      return new errors.ConnectionError(message, options);
    case "UNIMPLEMENTED":
      return new errors.UnimplementedError(message, options);
    default:
      return new errors.AetherError(message, wire.code === "CANCELLED" ? "CANCELLED" : "INTERNAL", options);
  }
}
