// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, type ErrorCode } from "../errors.ts";
import { encodeError, fromWireError } from "../protocol/error_wire.ts";
import { RESET_BYTES } from "../protocol/stream_frames.ts";
import { decodeStructured } from "../protocol/structured.ts";

const CODES: ReadonlySet<unknown> = new Set<ErrorCode>([
  "INVALID_ARGUMENT",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "ABORTED",
  "RESOURCE_EXHAUSTED",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "UNAVAILABLE",
  "UNIMPLEMENTED",
  "INTERNAL",
]);

/**
 * An error one client tells another, in words of our own: who is told of it can read it, whoever has said it. What is longer than
 * the reason of a reset may be is cut.
 * @throws {InvalidArgumentError} for what cannot be read
 */
export function passError(bytes: Uint8Array, depth: number): Uint8Array {
  const said = decodeStructured(bytes, depth) as { code?: unknown } | null;
  const error = fromWireError(CODES.has(said?.code) ? said : { ...Object(said), code: "INTERNAL" });
  const body = encodeError(error);
  if (body.length <= RESET_BYTES) return body;
  const { message, code, retryable, retryAfterMs } = error;
  return encodeError(new AetherError(`${message.slice(0, 1000)} …`, code, { retryable, retryAfterMs }));
}
