// edge: no Deno, Bun, node: or cloudflare: names
import * as errors from "../errors.ts";
import { encodeStructured } from "./structured.ts";

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

/** The same as bytes, without its details where those cannot be written. */
export function encodeError(thrown: unknown): Uint8Array {
  const wire = toWireError(thrown);
  try {
    return encodeStructured(wire);
  } catch {
    return encodeStructured({ ...wire, details: undefined });
  }
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
      return new errors.InvalidArgumentError(message, details.argument as string | undefined, options);
    case "ALREADY_EXISTS":
      return new errors.DuplicateIdentityError(String(details.identity ?? ""), { ...options, message });
  }
  const Kind = wire.code && BY_CODE[wire.code];
  return Kind
    ? new Kind(message, options)
    : new errors.AetherError(message, wire.code === "CANCELLED" ? "CANCELLED" : "INTERNAL", options);
}

const BY_CODE: Partial<
  Record<errors.ErrorCode, new (message: string, options: errors.AetherErrorOptions) => errors.AetherError>
> = {
  UNAUTHENTICATED: errors.AuthenticationError,
  PERMISSION_DENIED: errors.PermissionDeniedError,
  NOT_FOUND: errors.NotFoundError,
  ABORTED: errors.ConflictError,
  RESOURCE_EXHAUSTED: errors.QuotaError,
  DEADLINE_EXCEEDED: errors.TimeoutError,
  UNAVAILABLE: errors.ConnectionError,
  UNIMPLEMENTED: errors.UnimplementedError,
};
