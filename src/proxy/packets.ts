// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { owned } from "../base/let_go.ts";
import { PACKET_BYTES } from "../protocol/limits.ts";
import { chunkStart } from "../protocol/stream_frames.ts";

// Messages with their borders, in a stream that has none: u32 length, u8 kind, payload. For WebSockets and datagrams.

/** A message of a WebSocket or a datagram. */
export type Packet = Uint8Array | string;

const HEAD = 5;
const BYTES = 0;
const TEXT = 1;

/** A message with its border. */
export function packed(packet: Packet): Uint8Array {
  const isText = typeof packet === "string";
  const payload = isText ? utf8(packet) : packet;
  if (payload.length > PACKET_BYTES) {
    throw new InvalidArgumentError(
      `Cannot send a message of ${payload.length} bytes: at most ${PACKET_BYTES} are allowed`,
    );
  }
  const frame = new Uint8Array(HEAD + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame[4] = isText ? TEXT : BYTES;
  frame.set(payload, HEAD);
  return frame;
}

/** Finds messages in what arrives piece by piece. */
export class Unpacker {
  #pieces: Uint8Array[] = [];
  #size = 0;

  /** Whether a message has begun that is not complete. */
  get isWithin(): boolean {
    return this.#size > 0;
  }

  /** Adds a piece. @throws {InvalidArgumentError} when a message is larger than allowed */
  *push(piece: Uint8Array): Iterable<Packet> {
    this.#pieces.push(piece);
    this.#size += piece.length;
    while (this.#size >= HEAD) {
      const head = this.#gather(HEAD);
      const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
      if (length > PACKET_BYTES) {
        throw new InvalidArgumentError(`Cannot take a message of ${length} bytes: at most ${PACKET_BYTES} are allowed`);
      }
      if (this.#size < HEAD + length) return;
      const whole = this.#gather(HEAD + length);
      this.#size -= HEAD + length;
      // What is given out is not looked at again, not even for nothing behind it.
      if (this.#size === 0) this.#pieces = [];
      else this.#pieces[0] = whole.subarray(HEAD + length);
      const payload = whole.subarray(HEAD, HEAD + length);
      yield whole[4] === TEXT ? fromUtf8(payload) : owned(payload, chunkStart(0) + HEAD);
    }
  }

  /** The first piece, with at least so many bytes. Pieces are joined only as far as a message needs it. */
  #gather(bytes: number): Uint8Array {
    const [first] = this.#pieces;
    if (first.length >= bytes) return first;
    const joined = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [joined];
    return joined;
  }
}
