// edge: no Deno, Bun, node: or cloudflare: names
import { letGo } from "../base/let_go.ts";
import { FLAG_TRAILERS, FRAME_HEAD, FrameKind, type FrameWriter } from "../protocol/frames.ts";
import { BATCH_BYTES, SOCKET_WINDOW } from "../protocol/limits.ts";
import { giveBack } from "../protocol/spares.ts";

/** Bytes of a chunk that are no payload. */
const CHUNK_HEAD = FRAME_HEAD + 4;
/** From here on a frame is a message of its own: copying it would cost more than sending twice. */
const LARGE = 16 * 1024;

/** From so many on, small chunks of a stream are joined: each would cost more to keep than it has bytes. */
const MANY = 64;

/**
 * Data of streams on its way into one socket: one chunk of each stream in turn, and no more than the socket's credit
 * allows, so that neither a stream nor a message waits behind what another stream has piled up.
 */
export class StreamQueue {
  readonly #waiting = new Map<number, Uint8Array[]>();
  #bytes = 0;
  #credit: number = SOCKET_WINDOW;

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a whole `Chunk` frame, or the `Reset` behind the last one; it may lie in a larger buffer. */
  push(stream: number, frame: Uint8Array): void {
    // What will not leave at the end of this turn must not pin the larger message it came in.
    const isLate = this.#bytes + frame.length > this.#credit && frame.length * 2 < frame.buffer.byteLength;
    const kept = isLate ? frame.slice() : frame;
    const frames = this.#waiting.get(stream);
    this.#bytes += kept.length;
    if (!frames) return void this.#waiting.set(stream, [kept]);
    const last = frames.length < MANY ? undefined : joinedTo(frames[frames.length - 1], kept);
    if (!last) return void frames.push(kept);
    frames[frames.length - 1] = last;
    this.#bytes -= CHUNK_HEAD;
  }

  /** Drops what waits of a stream: it was reset. */
  drop(stream: number): void {
    const frames = this.#waiting.get(stream);
    if (!frames) return;
    this.#waiting.delete(stream);
    for (const frame of frames) this.#bytes -= frame.length;
  }

  /** The peer has received so much: that much more may be on its way. */
  credited(bytes: number): void {
    this.#credit = Math.min(SOCKET_WINDOW, this.#credit + bytes);
  }

  /**
   * Lays what may be sent behind what was laid already, and sends it: nothing of that is numbered. `send` says whether it has
   * copied a message.
   */
  flush(writer: FrameWriter, send: (bytes: Uint8Array) => boolean | void): void {
    if (this.#credit > 0) {
      const size = this.#bytes;
      for (const [stream, frames] of this.#waiting) {
        const frame = frames.shift()!;
        // To the back of the queue: the next flush begins with whoever had to wait, and this loop comes round again.
        this.#waiting.delete(stream);
        if (frames.length > 0) this.#waiting.set(stream, frames);
        this.#bytes -= frame.length;
        // Chunks alone are counted at the other end.
        if (frame[4] === FrameKind.Chunk) this.#credit -= frame.length - CHUNK_HEAD;
        lay(frame, writer, send);
        if (this.#credit <= 0) break;
      }
      if (size !== this.#bytes) leave(writer, send);
    }
  }

  /** The socket is gone, and everything with it. */
  clear(): void {
    this.#waiting.clear();
    this.#bytes = 0;
    this.#credit = SOCKET_WINDOW;
  }
}

function lay(frame: Uint8Array, writer: FrameWriter, send: (bytes: Uint8Array) => boolean | void): void {
  if (frame.length < LARGE) {
    writer.copy(frame, 0, frame.length);
    if (writer.size >= BATCH_BYTES) leave(writer, send);
    return;
  }
  leave(writer, send);
  if (send(frame)) letGo(frame);
}

/** Sends what was laid. Nothing of it is ever sent again: where it was copied its memory is free. */
function leave(writer: FrameWriter, send: (bytes: Uint8Array) => boolean | void): void {
  if (writer.size === 0) return;
  const bytes = writer.take();
  if (send(bytes)) giveBack(bytes);
}

/** A chunk with what the next one has behind it, where that makes no large one. */
function joinedTo(frame: Uint8Array, next: Uint8Array): Uint8Array | undefined {
  const length = frame.length + next.length - CHUNK_HEAD;
  const areChunks = frame[4] === FrameKind.Chunk && next[4] === FrameKind.Chunk;
  if (!areChunks || length >= LARGE || frame[5] !== 0 || next[5] & FLAG_TRAILERS) return undefined;
  const joined = new Uint8Array(length);
  joined.set(frame);
  joined.set(next.subarray(CHUNK_HEAD), frame.length);
  joined[2] = (length - 4) >>> 8;
  joined[3] = length - 4;
  joined[5] = next[5];
  return joined;
}
