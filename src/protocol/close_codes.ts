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

const ROWS: readonly (readonly [number, ErrorCode, CloseClass])[] = [
  [0, "UNAVAILABLE", "retry"], // connection broke
  [1000, "UNAVAILABLE", "retry"], // closed
  [1001, "UNAVAILABLE", "draining"], // going away
  [1006, "UNAVAILABLE", "retry"], // connection broke
  [1009, "RESOURCE_EXHAUSTED", "terminal"], // message too large for the transport
  [1011, "INTERNAL", "retry"], // internal error
  [1012, "UNAVAILABLE", "draining"], // restarting
  [1013, "RESOURCE_EXHAUSTED", "retry-after"], // try again later
  [4400, "INVALID_ARGUMENT", "terminal"], // malformed frame or identity
  [4401, "UNAUTHENTICATED", "terminal"], // credentials refused
  [4403, "PERMISSION_DENIED", "terminal"], // not allowed
  [4408, "DEADLINE_EXCEEDED", "retry"], // silent for too long
  [4409, "ALREADY_EXISTS", "terminal"], // identity taken
  [4410, "ABORTED", "replaced"], // replaced by a newer connection
  [4429, "RESOURCE_EXHAUSTED", "retry-after"], // limit reached
  [4440, "ABORTED", "terminal"], // disconnected by an administrator
  [4500, "INTERNAL", "retry"], // internal error
  [4501, "UNIMPLEMENTED", "terminal"], // protocol not spoken here
  [4503, "UNAVAILABLE", "draining"], // draining
];

/** Every close code the gateway or a client uses; 0 and 1006 both mean "the wire broke" (Deno says 0). */
export const CLOSE_CODES: readonly CloseCode[] = /* @__PURE__ */ ROWS.map(rowOf);

function rowOf([code, error, klass]: (typeof ROWS)[number]): CloseCode {
  return { code, error, class: klass };
}

/** The row of a close code; unknown codes are treated like a broken wire. */
export function closeCode(code: number): CloseCode {
  return rowOf(ROWS.find((row) => row[0] === code) ?? [code, "UNAVAILABLE", "retry"]);
}

/** The close code with which a gateway ends a connection for this error. */
export function closeCodeFor(error: ErrorCode): number {
  return ROWS.find((row) => row[0] >= 4400 && row[1] === error)?.[0] ?? 4500;
}
