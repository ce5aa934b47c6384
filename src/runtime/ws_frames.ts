// Frames of RFC 6455 as a client needs them: masked ones out, unmasked ones in. No I/O here.
import { concatBytes } from "../base/bytes.ts";

/** Kinds of frames. */
export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** Bytes of one incoming message at most: what Deno's own WebSocket allows. */
export const MESSAGE_CAP: number = 64 * 1024 * 1024;

const LITTLE_BODY = 126;
const MIDDLE_BODY = 65_536;
const MASKED = 0x80;
const FINAL = 0x80;

// Masks have to be unpredictable; fetched in lots, because a call costs more than a frame.
const masks: Uint32Array<ArrayBuffer> = new Uint32Array(1024);
let masksLeft = 0;

function nextMask(): number {
  if (masksLeft === 0) {
    crypto.getRandomValues(masks);
    masksLeft = masks.length;
  }
  return masks[--masksLeft];
}

/** One final, masked frame in a buffer of its own; the payload is only read. */
export function encodeFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const size = payload.length;
  const head = (size < LITTLE_BODY ? 2 : size < MIDDLE_BODY ? 4 : 10) + 4;
  // The payload starts on a word, so mask and payload are whole words in either byte order; spare bytes at both ends
  // are left out of the result.
  const bodyAt = (head + 3) & ~3;
  const buffer = new ArrayBuffer((bodyAt + size + 3) & ~3);
  const bytes = new Uint8Array(buffer);
  const words = new Uint32Array(buffer);
  const start = bodyAt - head;
  bytes[start] = FINAL | opcode;
  if (size < LITTLE_BODY) bytes[start + 1] = MASKED | size;
  else if (size < MIDDLE_BODY) {
    bytes[start + 1] = MASKED | 126;
    bytes[start + 2] = size >>> 8;
    bytes[start + 3] = size;
  } else {
    bytes[start + 1] = MASKED | 127;
    const view = new DataView(buffer);
    view.setUint32(start + 2, Math.floor(size / 2 ** 32));
    view.setUint32(start + 6, size >>> 0);
  }
  bytes.set(payload, bodyAt);
  const mask = nextMask();
  const bodyWord = bodyAt >> 2;
  words[bodyWord - 1] = mask;
  for (let at = bodyWord; at < words.length; at++) words[at] ^= mask;
  return bytes.subarray(start, bodyAt + size);
}

/** Body of a close frame; the reason is cut to what fits, never inside a character. */
export function closeBody(code: number, reason: string): Uint8Array {
  const body = new Uint8Array(125);
  body[0] = code >>> 8;
  body[1] = code;
  const { written } = new TextEncoder().encodeInto(reason, body.subarray(2));
  return body.subarray(0, 2 + written);
}

/** Hears what a {@link FrameReader} finds. */
export interface FrameSink {
  /** A whole message (Text, Binary) or a control frame (Close, Ping, Pong). The bytes are the receiver's. */
  frame(opcode: number, payload: Uint8Array): void;
  /** The peer broke the protocol: the close code for it. The reader has stopped. */
  fault(code: number, reason: string): void;
}

/**
 * Takes frames out of a stream. Call {@link FrameReader.room}, read into it, tell {@link FrameReader.took} how much
 * came. A payload is copied out of the read buffer once; what is still missing of a big one is read in place.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #buffer: Uint8Array;
  #end = 0;
  #stopped = false;
  /** Payload under way: its frame's first byte, what it holds and how much of that is there. */
  #first = 0;
  #body: Uint8Array | undefined;
  #bodyEnd = 0;
  /** Fragments of a message under way; 0 is "none". */
  #partsOpcode = 0;
  #parts: Uint8Array[] = [];
  #partsSize = 0;

  /** @param buffer to read into; its first `filled` bytes count as read and are looked at by `took(0)` */
  constructor(sink: FrameSink, buffer: Uint8Array, filled = 0) {
    this.#sink = sink;
    this.#buffer = buffer;
    this.#end = filled;
  }

  /** No more frames come out, also not of what was read already. */
  stop(): void {
    this.#stopped = true;
  }

  get #inPlace(): boolean {
    return this.#body !== undefined && this.#body.length - this.#bodyEnd >= this.#buffer.length;
  }

  /** Where the next read goes. */
  room(): Uint8Array {
    if (this.#inPlace) return this.#body!.subarray(this.#bodyEnd);
    return this.#end === 0 ? this.#buffer : this.#buffer.subarray(this.#end);
  }

  /** So many bytes were read into the last {@link FrameReader.room}. */
  took(count: number): void {
    let at = 0;
    if (this.#inPlace) this.#bodyEnd += count;
    else {
      this.#end += count;
      if (this.#body) {
        at = Math.min(this.#end, this.#body.length - this.#bodyEnd);
        this.#body.set(this.#buffer.subarray(0, at), this.#bodyEnd);
        this.#bodyEnd += at;
      }
    }
    if (this.#body) {
      if (this.#bodyEnd === this.#body.length) {
        const body = this.#body;
        this.#body = undefined;
        this.#deliver(this.#first, body);
      } else at = this.#end;
    }
    while (!this.#stopped && at < this.#end) {
      const next = this.#next(at);
      if (next === at) break;
      at = next;
    }
    // What stays is less than a frame's head.
    if (at > 0 && at < this.#end) this.#buffer.copyWithin(0, at, this.#end);
    this.#end -= at;
  }

  /** Handles the frame at `at` and says where the next one begins: at `at` when the head is not complete yet. */
  #next(at: number): number {
    const buffer = this.#buffer;
    const have = this.#end - at;
    if (have < 2) return at;
    const first = buffer[at];
    let size = buffer[at + 1];
    let head = 2;
    if (size === 126) {
      if (have < 4) return at;
      size = buffer[at + 2] << 8 | buffer[at + 3];
      head = 4;
    } else if (size === 127) {
      if (have < 10) return at;
      const view = new DataView(buffer.buffer, buffer.byteOffset + at + 2, 8);
      size = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
      head = 10;
    }
    if (!this.#mayCome(first, buffer[at + 1], size)) return this.#end;
    const bodyAt = at + head;
    if (this.#end - bodyAt >= size) {
      this.#deliver(first, buffer.slice(bodyAt, bodyAt + size));
      return bodyAt + size;
    }
    this.#first = first;
    this.#body = new Uint8Array(size);
    this.#body.set(buffer.subarray(bodyAt, this.#end));
    this.#bodyEnd = this.#end - bodyAt;
    return this.#end;
  }

  #mayCome(first: number, second: number, size: number): boolean {
    const opcode = first & 0x0f;
    const inside = this.#partsOpcode !== 0;
    if (second >= MASKED) return this.#fail(1002, "masked frame from a server");
    if (first & 0x70) return this.#fail(1002, "reserved bits are set");
    if (opcode >= Opcode.Close) {
      if (opcode > Opcode.Pong) return this.#fail(1002, `unknown frame ${opcode}`);
      return first >= FINAL && size < LITTLE_BODY || this.#fail(1002, "control frame in parts or too long");
    }
    if (opcode > Opcode.Binary) return this.#fail(1002, `unknown frame ${opcode}`);
    if (inside !== (opcode === Opcode.Continuation)) return this.#fail(1002, "fragments out of order");
    return this.#partsSize + size <= MESSAGE_CAP || this.#fail(1009, `message of more than ${MESSAGE_CAP} bytes`);
  }

  #deliver(first: number, payload: Uint8Array): void {
    const opcode = first & 0x0f;
    const final = first >= FINAL;
    if (opcode >= Opcode.Close || final && this.#partsOpcode === 0) return this.#sink.frame(opcode, payload);
    if (opcode !== Opcode.Continuation) this.#partsOpcode = opcode;
    this.#parts.push(payload);
    this.#partsSize += payload.length;
    if (!final) return;
    const whole = concatBytes(this.#parts);
    const kind = this.#partsOpcode;
    this.#parts = [];
    this.#partsOpcode = this.#partsSize = 0;
    this.#sink.frame(kind, whole);
  }

  #fail(code: number, reason: string): false {
    this.#stopped = true;
    this.#sink.fault(code, reason);
    return false;
  }
}
