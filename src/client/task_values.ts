// edge: no Deno, Bun, node: or cloudflare: names
import { toWireError } from "../protocol/error_wire.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import type { TaskError } from "../protocol/tasks.ts";

/** A value as it travels. */
export function encodeValue(value: unknown): { bytes?: Uint8Array; isStructured?: boolean } {
  if (value === undefined || value instanceof Uint8Array) return { bytes: value };
  return { bytes: encodeStructured(value), isStructured: true };
}

/** A value as it travelled: plain data, or bytes of the user's own. */
export function decodeValue(bytes: Uint8Array | undefined, isStructured: boolean | undefined): unknown {
  return isStructured ? decodeStructured(bytes!) : bytes;
}

/** What is kept of anything thrown. */
export function toTaskError(thrown: unknown): TaskError {
  const { code, message, details } = toWireError(thrown);
  const name = thrown instanceof Error ? thrown.name : "Error";
  return { name, message: message.slice(0, 4000), code, details };
}
