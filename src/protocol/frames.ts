// edge: no Deno, Bun, node: or cloudflare: names
import { NO_BYTES } from "../base/bytes.ts";
import { InvalidArgumentError } from "../errors.ts";
import { MESSAGE_ID_BYTES, TOPIC_BYTES } from "./limits.ts";
import { makeRoom } from "./spares.ts";

/**
 * Frame kinds. A frame is `u32 length` (of what follows), `u8 kind`, `u8 flags`, then what its kind says; numbers are
 * big-endian, `u48` is six bytes. docs/protocol.md has the layouts, test/vectors/ the bytes.
 */
export const FrameKind = {
  /** client → gateway: who am I, my credentials, what I want to resume. Structured. */
  Hello: 1,
  /** gateway → client: session, resume token, counts, limits. Structured. */
  Welcome: 2,
  /** gateway → client: a typed error; the connection ends. Structured. */
  Refuse: 3,
  /** both: `u48 received` numbered frames, `u48 handled` messages. */
  Ack: 4,
  /** both: I leave on purpose. Structured. */
  Bye: 5,
  /** client → gateway: a message. Numbered. */
  Send: 6,
  /** gateway → client: a message. Numbered. */
  Deliver: 7,
  /** gateway → client: sends that were taken. Numbered. */
  Receipts: 8,
  /** gateway → client: a send that was refused. Numbered. */
  Reject: 9,
  /** both: a message that wants one answer. Numbered. */
  Request: 10,
  /** client → gateway: a named operation. Numbered, structured. */
  Call: 11,
  /** both: the one answer to a request or call. Numbered. */
  Reply: 12,
  /** both: nobody waits for that answer any more. Numbered. */
  Cancel: 13,
  /** gateway → client: something nobody asked for: signal, gap, config. Numbered, structured. */
  Notify: 14,
  /** both: a stream begins. Streams are not numbered: they end with their socket. */
  Open: 15,
  /** both: the stream was taken; the head of the answer. Structured. */
  Head: 16,
  /** both: a piece of a stream. */
  Chunk: 17,
  /** both: so many more bytes may be sent, on a stream or, with stream 0, on the socket. */
  Credit: 18,
  /** both: a stream is over before its end. Structured. */
  Reset: 19,
} as const;

/** Whether frames of this kind are counted, kept until acknowledged and replayed. */
export function isNumbered(kind: number): boolean {
  return kind >= FrameKind.Send && kind <= FrameKind.Notify;
}

/** `Deliver`: the id field is 12 bytes of producer name and a u48 message number. */
export const FLAG_PRODUCER_ID = 1;
/** `Deliver`: the lane is a queue; acknowledge at once, the next message waits for it. */
export const FLAG_QUEUE = 2;
/** `Reply`: the body is a structured error. */
export const FLAG_ERROR = 1;
/** Receipt entry: the id had been taken before. */
export const RECEIPT_DUPLICATE = 1;

/** `Open`, `Head`, `Chunk`: nothing more comes from this side. */
export const FLAG_END = 1;
/** `Chunk`, with {@link FLAG_END}: the body is structured, the trailers. */
export const FLAG_TRAILERS = 2;
/** `Reset`: nothing was done with the stream, another instance may be tried. */
export const FLAG_REFUSED = 2;

/** Bytes before a frame's kind-specific part: length, kind, flags. */
export const FRAME_HEAD = 6;
const SEND_HEAD = FRAME_HEAD + 18;
/** Bytes of a `Deliver` before its workspace length. */
export const DELIVER_HEAD = FRAME_HEAD + 20;
const REQUEST_HEAD = FRAME_HEAD + 16;
/** Bytes of one entry of a `Receipts` frame: flags, u48 number, u48 sequence. */
export const RECEIPT_BYTES = 13;

/** Reads a six-byte number. */
export function readU48(bytes: Uint8Array, at: number): number {
  return (bytes[at] * 256 + bytes[at + 1]) * 4294967296 + readU32(bytes, at + 2);
}
/** Reads a four-byte number. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
/** Reads a two-byte number. */
export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/**
 * Where the parts of a message-like frame lie inside the bytes it came in. One object is filled again for every frame:
 * copy what must outlive the next `read…` call.
 */
export class MessageView {
  /** The bytes the frame came in. */
  bytes: Uint8Array = NO_BYTES;
  /** The frame's flags. */
  flags = 0;
  /** Label of the payload. */
  messageType = 0;
  /** Send: the producer's message number. Deliver: the lane's sequence. Request: the call id. */
  number = 0;
  /** Deliver: ms since epoch. Send: ttl in ms, 0 for none. Request: timeout in ms. */
  time = 0;
  /** Where the source begins. */
  sourceStart = 0;
  /** Where the source ends. */
  sourceEnd = 0;
  /** Where the target begins. */
  targetStart = 0;
  /** Where the target ends. */
  targetEnd = 0;
  /** Where the workspace begins. */
  workspaceStart = 0;
  /** Where the id begins, and the workspace ends. */
  idStart = 0;
  /** Where the metadata begins, and the id ends. */
  metaStart = 0;
  /** Where the payload begins, and the metadata ends. */
  payloadStart = 0;
  /** Where the payload ends. */
  payloadEnd = 0;
}

function fault(what: string): never {
  throw new InvalidArgumentError(`Cannot read frame: ${what}`);
}

/** Fills the view from a `Send` frame at [start, end). */
export function readSend(bytes: Uint8Array, start: number, end: number, view: MessageView): void {
  if (end - start < SEND_HEAD) fault("a send is shorter than its head");
  const topic = readU16(bytes, start + 14);
  const meta = readU16(bytes, start + 16);
  const id = bytes[start + 7];
  let at = start + SEND_HEAD;
  if (topic > TOPIC_BYTES) fault(`a topic of ${topic} bytes, at most ${TOPIC_BYTES} are allowed`);
  if (id > MESSAGE_ID_BYTES) fault(`a message id of ${id} bytes, at most ${MESSAGE_ID_BYTES} are allowed`);
  if (at + topic + id + meta > end) fault("a send ends before its topic, id and metadata");
  view.bytes = bytes;
  view.flags = bytes[start + 5];
  view.messageType = bytes[start + 6];
  view.number = readU48(bytes, start + 8);
  view.time = readU32(bytes, start + 18);
  view.targetStart = at;
  view.targetEnd = at += topic;
  view.idStart = at;
  view.metaStart = at += id;
  view.payloadStart = at += meta;
  view.payloadEnd = end;
}

/** Fills the view from a `Deliver` frame at [start, end). */
export function readDeliver(bytes: Uint8Array, start: number, end: number, view: MessageView): void {
  if (end - start < DELIVER_HEAD + 1) fault("a delivery is shorter than its head");
  const source = readU16(bytes, start + 20);
  const target = readU16(bytes, start + 22);
  const meta = readU16(bytes, start + 24);
  const workspaceLength = bytes[start + DELIVER_HEAD];
  let at = start + DELIVER_HEAD + 1;
  const id = bytes[start + 7];
  if (at + source + target + workspaceLength + id + meta > end) {
    fault("a delivery ends before its topics, id and metadata");
  }
  if (bytes[start + 5] & FLAG_PRODUCER_ID && id < 6) fault("a producer's message id without its number");
  view.bytes = bytes;
  view.flags = bytes[start + 5];
  view.messageType = bytes[start + 6];
  view.number = readU48(bytes, start + 8);
  view.time = readU48(bytes, start + 14);
  view.sourceStart = at;
  view.sourceEnd = at += source;
  view.targetStart = at;
  view.targetEnd = at += target;
  view.workspaceStart = at;
  view.idStart = at += workspaceLength;
  view.metaStart = at += id;
  view.payloadStart = at += meta;
  view.payloadEnd = end;
}

/** Fills the view from a `Request` frame at [start, end). Towards the gateway the topic is the target, from it the source. */
export function readRequest(bytes: Uint8Array, start: number, end: number, view: MessageView): void {
  if (end - start < REQUEST_HEAD) fault("a request is shorter than its head");
  const topic = readU16(bytes, start + 16);
  const meta = readU16(bytes, start + 18);
  const workspaceLength = readU16(bytes, start + 20);
  let at = start + REQUEST_HEAD;
  if (topic > TOPIC_BYTES) fault(`a topic of ${topic} bytes, at most ${TOPIC_BYTES} are allowed`);
  if (at + topic + meta + workspaceLength > end) fault("a request ends before its topic and metadata");
  view.bytes = bytes;
  view.flags = bytes[start + 5];
  view.messageType = bytes[start + 6];
  view.number = readU32(bytes, start + 8);
  view.time = readU32(bytes, start + 12);
  view.sourceStart = view.targetStart = at;
  view.sourceEnd = view.targetEnd = at += topic;
  view.workspaceStart = at;
  view.idStart = view.metaStart = at += workspaceLength;
  view.payloadStart = at += meta;
  view.payloadEnd = end;
}

/** Bytes a frame of this kind has at least; what is shorter is malformed. */
const LEAST: Record<number, number> = {
  [FrameKind.Ack]: FRAME_HEAD + 12,
  [FrameKind.Reject]: FRAME_HEAD + 6,
  [FrameKind.Call]: FRAME_HEAD + 4,
  [FrameKind.Reply]: FRAME_HEAD + 6,
  [FrameKind.Cancel]: FRAME_HEAD + 4,
  [FrameKind.Open]: FRAME_HEAD + 12,
  [FrameKind.Head]: FRAME_HEAD + 4,
  [FrameKind.Chunk]: FRAME_HEAD + 4,
  [FrameKind.Credit]: FRAME_HEAD + 8,
  [FrameKind.Reset]: FRAME_HEAD + 4,
};

/** Receives the frames of one WebSocket message; `start` is where the length stands. */
export type FrameVisitor = (kind: number, bytes: Uint8Array, start: number, end: number) => void;

/** Walks the frames of one WebSocket message. @throws {InvalidArgumentError} when lengths do not add up */
export function eachFrame(bytes: Uint8Array, visit: FrameVisitor): void {
  let at = 0;
  while (at < bytes.length) {
    if (at + FRAME_HEAD > bytes.length) fault("bytes follow the last whole frame");
    const end = at + 4 + readU32(bytes, at);
    if (end < at + FRAME_HEAD || end > bytes.length) {
      fault(`a length of ${end - at - 4} where ${bytes.length - at - 4} bytes are left`);
    }
    const kind = bytes[at + 4];
    if (end - at < (LEAST[kind] ?? FRAME_HEAD)) fault(`a frame of kind ${kind} is shorter than its head`);
    if (kind === FrameKind.Receipts && (end - at - FRAME_HEAD) % RECEIPT_BYTES !== 0) {
      fault("receipts end within an entry");
    }
    visit(kind, bytes, at, end);
    at = end;
  }
}

/**
 * Frames on their way out, laid one after the other into one buffer that becomes one WebSocket message. Hot path: no
 * object per frame. `take()` hands bytes over for good, so they may be kept for replay without a copy.
 */
export class FrameWriter {
  #bytes: Uint8Array = NO_BYTES;
  /** Where the message begins, and where it ends so far. */
  #start = 0;
  #end = 0;
  #hint: number;
  readonly #least: number;
  /** Numbered frames in the message. */
  numbered = 0;

  /**
   * Makes one.
   * @param least smallest buffer to start with, in bytes; 0 makes buffers of exactly one frame
   */
  constructor(least = 512) {
    this.#hint = this.#least = least;
  }

  /** Bytes of the message. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** The finished message; the writer starts a new one. */
  take(): Uint8Array {
    const bytes = this.#bytes;
    const start = this.#start;
    const end = this.#end;
    // The next turn is likely to be like this one; a quiet session falls back to small buffers.
    if (this.#least > 0) this.#hint = Math.min(64 * 1024, Math.max(this.#least, end + (end >> 2)));
    this.#bytes = NO_BYTES;
    this.numbered = this.#start = this.#end = 0;
    return bytes.subarray(start, end);
  }

  /**
   * The finished message, whose buffer the next ones share: for those that are small and soon gone, since one that stays keeps
   * all of it.
   */
  cut(): Uint8Array {
    const start = this.#start;
    this.numbered = 0;
    return this.#bytes.subarray(start, this.#start = this.#end);
  }

  /** Makes room for a frame of so many bytes, head included, and returns where it begins. */
  open(kind: number, flags: number, length: number): number {
    if (this.#end + length > this.#bytes.length) this.#grow(length);
    const at = this.#end;
    this.#end = at + length;
    this.u32(at, length - 4);
    this.u16(at + 4, kind << 8 | flags);
    if (isNumbered(kind)) this.numbered++;
    return at;
  }

  #grow(length: number): void {
    const size = this.size;
    const grown = makeRoom(Math.max(size + length, size * 2, this.#hint));
    if (size > 0) grown.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = grown;
    this.#start = 0;
    this.#end = size;
  }

  /** Writes a two-byte number. */
  u16(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }
  /** Writes a four-byte number. */
  u32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }
  /** Writes a six-byte number. */
  u48(at: number, value: number): void {
    const high = Math.floor(value / 4294967296);
    this.u16(at, high);
    this.u32(at + 2, value >>> 0);
  }
  /** Copies bytes in and returns where they end. */
  put(at: number, part: Uint8Array): number {
    this.#bytes.set(part, at);
    return at + part.length;
  }

  /** A structured frame: handshake, bye, call, notify; head and reset of a stream. */
  structured(kind: number, body: Uint8Array, callId?: number, flags = 0): void {
    const head = callId === undefined ? FRAME_HEAD : FRAME_HEAD + 4;
    const at = this.open(kind, flags, head + body.length);
    if (callId !== undefined) this.u32(at + FRAME_HEAD, callId);
    this.put(at + head, body);
  }

  /** A frame as it stands in another buffer. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    const at = this.open(bytes[start + 4], bytes[start + 5], end - start);
    this.put(at, end - start === bytes.length ? bytes : bytes.subarray(start, end));
  }

  /** Counts, without a number of its own. */
  ack(received: number, handled: number): void {
    const at = this.open(FrameKind.Ack, 0, FRAME_HEAD + 12);
    this.u48(at + 6, received);
    this.u48(at + 12, handled);
  }

  /** A message of a client. `id` empty means: named by producer and number. */
  send(
    messageType: number,
    number: number,
    ttlMs: number,
    topic: Uint8Array,
    id: Uint8Array,
    meta: Uint8Array,
    payload: Uint8Array,
  ): void {
    const at = this.open(FrameKind.Send, 0, SEND_HEAD + topic.length + id.length + meta.length + payload.length);
    this.u16(at + 6, messageType << 8 | id.length);
    this.u48(at + 8, number);
    this.u16(at + 14, topic.length);
    this.u16(at + 16, meta.length);
    this.u32(at + 18, ttlMs);
    this.u16(at + 22, 0);
    let to = this.put(at + SEND_HEAD, topic);
    if (id.length > 0) to = this.put(to, id);
    if (meta.length > 0) to = this.put(to, meta);
    this.put(to, payload);
  }

  /** A message that wants one answer. */
  request(
    messageType: number,
    id: number,
    timeoutMs: number,
    topic: Uint8Array,
    workspace: Uint8Array,
    meta: Uint8Array,
    payload: Uint8Array,
  ): void {
    const at = this.open(
      FrameKind.Request,
      0,
      REQUEST_HEAD + topic.length + workspace.length + meta.length + payload.length,
    );
    this.u16(at + 6, messageType << 8);
    this.u32(at + 8, id);
    this.u32(at + 12, timeoutMs);
    this.u16(at + 16, topic.length);
    this.u16(at + 18, meta.length);
    this.u16(at + 20, workspace.length);
    let to = this.put(at + REQUEST_HEAD, topic);
    to = this.put(to, workspace);
    to = this.put(to, meta);
    this.put(to, payload);
  }

  /** The one answer to a request or call. */
  reply(id: number, flags: number, messageType: number, body: Uint8Array): void {
    const at = this.open(FrameKind.Reply, flags, FRAME_HEAD + 6 + body.length);
    this.u16(at + 6, messageType << 8);
    this.u32(at + 8, id);
    this.put(at + 12, body);
  }

  /** Nobody waits for that answer any more. */
  cancel(id: number): void {
    const at = this.open(FrameKind.Cancel, 0, FRAME_HEAD + 4);
    this.u32(at + 6, id);
  }
}
