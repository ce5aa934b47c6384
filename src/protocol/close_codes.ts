// edge: no Deno, Bun, node: or cloudflare: names
import type { ErrorCode } from "../errors.ts";

/** What a client does after a close. */
export type CloseClass = "terminal" | "retry" | "retry-after" | "replaced" | "draining";

/** One row of the table. */
export interface CloseCode {
  /** WebSocket close code. Clients may only send 1000 and 3000–4999. */
  code: number;
  /** The error it stands for. */
  error: ErrorCode;
  /** What the client does. */
  class: CloseClass;
}

/** Every close code the gateway or a client uses; 0 and 1006 both mean "the wire broke" (Deno says 0). */
export const CLOSE_CODES: readonly CloseCode[] = [
  { code: 0, error: "UNAVAILABLE", class: "retry" }, // connection broke
  { code: 1000, error: "UNAVAILABLE", class: "retry" }, // closed
  { code: 1001, error: "UNAVAILABLE", class: "draining" }, // going away
  { code: 1006, error: "UNAVAILABLE", class: "retry" }, // connection broke
  { code: 1009, error: "RESOURCE_EXHAUSTED", class: "terminal" }, // message too large for the transport
  { code: 1011, error: "INTERNAL", class: "retry" }, // internal error
  { code: 1012, error: "UNAVAILABLE", class: "draining" }, // restarting
  { code: 1013, error: "RESOURCE_EXHAUSTED", class: "retry-after" }, // try again later
  { code: 4400, error: "INVALID_ARGUMENT", class: "terminal" }, // malformed frame or identity
  { code: 4401, error: "UNAUTHENTICATED", class: "terminal" }, // credentials refused
  { code: 4403, error: "PERMISSION_DENIED", class: "terminal" }, // not allowed
  { code: 4408, error: "DEADLINE_EXCEEDED", class: "retry" }, // silent for too long
  { code: 4409, error: "ALREADY_EXISTS", class: "terminal" }, // identity taken
  { code: 4410, error: "ABORTED", class: "replaced" }, // replaced by a newer connection
  { code: 4429, error: "RESOURCE_EXHAUSTED", class: "retry-after" }, // limit reached
  { code: 4440, error: "ABORTED", class: "terminal" }, // disconnected by an administrator
  { code: 4500, error: "INTERNAL", class: "retry" }, // internal error
  { code: 4501, error: "UNIMPLEMENTED", class: "terminal" }, // protocol not spoken here
  { code: 4503, error: "UNAVAILABLE", class: "draining" }, // draining
];

const BY_CODE = new Map(CLOSE_CODES.map((row) => [row.code, row]));
const BY_ERROR = new Map(CLOSE_CODES.filter((row) => row.code >= 4400).reverse().map((row) => [row.error, row]));

/** The row of a close code; unknown codes are treated like a broken wire. */
export function closeCode(code: number): CloseCode {
  return BY_CODE.get(code) ?? { code, error: "UNAVAILABLE", class: "retry" };
}

/** The close code with which a gateway ends a connection for this error. */
export function closeCodeFor(error: ErrorCode): number {
  return BY_ERROR.get(error)?.code ?? 4500;
}
