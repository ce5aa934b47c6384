// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../base/bytes.ts";
import { TunnelClosedError } from "../errors.ts";

// How a WebSocket ends, and how that is carried over a tunnel. Codes: RFC 6455, section 7.4, and the IANA registry.

/** How a WebSocket was closed. */
export interface SocketClose {
  /** 1000 for a normal end, 4000 to 4999 for what two programs agree on; 1005 and 1006 say that nothing was said. */
  readonly code: number;
  /** At most 123 bytes of UTF-8 are carried. */
  readonly reason: string;
}

const REASON_BYTES = 123;

/** A normal end. */
export const NORMAL: SocketClose = { code: 1000, reason: "" };
/** An end without a word: the connection broke. */
export const BROKEN: SocketClose = { code: 1006, reason: "" };

/** The same as trailers of a tunnel. */
export function toTrailers({ code, reason }: SocketClose): Record<string, string> {
  // Deno tells of a close frame it could not read as 0.
  return isCode(code) ? { code: String(code), reason: clipped(reason) } : toTrailers(BROKEN);
}

/** Reads trailers; undefined when they say nothing of this. */
export function fromTrailers(trailers: Record<string, unknown> | undefined): SocketClose | undefined {
  const code = Number(trailers?.code);
  if (!isCode(code)) return undefined;
  return { code, reason: typeof trailers!.reason === "string" ? clipped(trailers!.reason) : "" };
}

function isCode(code: number): boolean {
  return Number.isInteger(code) && code >= 1000 && code <= 4999;
}

/** What may be put into a close frame: codes that only tell of an end without one, and those nobody has defined, become others. */
export function sendable({ code, reason }: SocketClose): SocketClose {
  if (code === 1005) return { code: 1000, reason: "" };
  // Deno refuses 1014 when it reads it.
  const isKnown = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1013) || (code >= 3000 && code <= 4999);
  return { code: isKnown ? code : 1011, reason: clipped(reason) };
}

/** How a WebSocket is closed whose tunnel ended like this. */
export function closeOf(error: unknown): SocketClose {
  if (!(error instanceof TunnelClosedError)) return { code: 1011, reason: "" };
  const reason = clipped(error.detail);
  switch (error.reason) {
    case "normal":
      return { code: 1000, reason };
    case "quota":
      return { code: 1013, reason };
    default:
      return { code: 1011, reason };
  }
}

/** As much of a text as a close frame has room for. */
function clipped(reason: string): string {
  if (reason.length * 3 <= REASON_BYTES) return reason;
  const letters = [...reason.slice(0, REASON_BYTES)];
  while (utf8(letters.join("")).length > REASON_BYTES) letters.pop();
  return letters.join("");
}
