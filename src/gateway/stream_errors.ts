// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { fromWireError, toWireError } from "../protocol/error_wire.ts";
import { RESET_BYTES } from "../protocol/stream_frames.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";

/**
 * Why a client ends a stream, in words of our own: who is told of it can read it, whoever has said it.
 * @throws {InvalidArgumentError} for what cannot be read
 */
export function passError(bytes: Uint8Array, depth: number): Uint8Array {
  if (bytes.length > RESET_BYTES) {
    throw new InvalidArgumentError(
      `Cannot take a reason of ${bytes.length} bytes for the end of a stream: at most ${RESET_BYTES} are allowed`,
    );
  }
  return encodeStructured(toWireError(fromWireError(decodeStructured(bytes, depth))));
}
