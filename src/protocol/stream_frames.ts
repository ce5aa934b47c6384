// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { textAt } from "../base/bytes.ts";
import { FLAG_END, FRAME_HEAD, FrameKind, type FrameWriter, readU16 } from "./frames.ts";
import { TOPIC_BYTES } from "./limits.ts";

// Frames of streams: byte channels both ways between two principals, of which the gateway reads only the heads.

/** What a stream carries: an HTTP exchange or a tunnel. */
export const StreamKind = { Http: 1, Tunnel: 2 } as const;

const OPEN_HEAD = FRAME_HEAD + 12;
const CHUNK_HEAD = FRAME_HEAD + 4;

/** Bytes of a head, whatever a gateway allows: a message longer than that would end the connection. */
export const HEAD_BYTES: number = 1024 * 1024;
/** Bytes of the reason for which a stream ends before its end. */
export const RESET_BYTES: number = 16 * 1024;

/** What an `Open` says. Towards the gateway the topic is the target, from it the opener. */
export interface OpenFrame {
  /** Number of the stream: odd when the client opened it, even when the gateway did. */
  readonly stream: number;
  /** One of {@link StreamKind}. */
  readonly kind: number;
  /** Whether the opener sends nothing more. */
  readonly isEnd: boolean;
  /** Whom it is for, or whose it is. */
  readonly topic: string;
  /** Workspace of the opener, empty for none. */
  readonly workspace: string;
  /** The structured head, undecoded. */
  readonly head: Uint8Array;
}

/** Reads an `Open` at [start, end). @throws {InvalidArgumentError} when its parts do not fit */
export function readOpen(bytes: Uint8Array, start: number, end: number): OpenFrame {
  const topic = readU16(bytes, start + 12);
  const workspace = readU16(bytes, start + 14);
  const at = start + OPEN_HEAD;
  if (end < at || at + topic + workspace > end) {
    throw new InvalidArgumentError("Cannot read frame: an open ends before its topic");
  }
  if (topic > TOPIC_BYTES) {
    throw new InvalidArgumentError(`Cannot read frame: a topic of ${topic} bytes, at most ${TOPIC_BYTES} are allowed`);
  }
  return {
    stream: streamOf(bytes, start),
    kind: bytes[start + 10],
    isEnd: (bytes[start + 5] & FLAG_END) !== 0,
    topic: textAt(bytes, at, at + topic),
    workspace: textAt(bytes, at + topic, at + topic + workspace),
    head: bytes.subarray(at + topic + workspace, end),
  };
}

/** Lays an `Open`. */
export function writeOpen(
  writer: FrameWriter,
  stream: number,
  kind: number,
  isEnd: boolean,
  topic: Uint8Array,
  workspace: Uint8Array,
  head: Uint8Array,
): void {
  const at = writer.open(
    FrameKind.Open,
    isEnd ? FLAG_END : 0,
    OPEN_HEAD + topic.length + workspace.length + head.length,
  );
  writer.u32(at + 6, stream);
  writer.u16(at + 10, kind << 8);
  writer.u16(at + 12, topic.length);
  writer.u16(at + 14, workspace.length);
  writer.u16(at + 16, 0);
  let to = writer.put(at + OPEN_HEAD, topic);
  to = writer.put(to, workspace);
  writer.put(to, head);
}

/** Lays a `Credit`; stream 0 is the socket. */
export function writeCredit(writer: FrameWriter, stream: number, bytes: number): void {
  const at = writer.open(FrameKind.Credit, 0, FRAME_HEAD + 8);
  writer.u32(at + 6, stream);
  writer.u32(at + 10, bytes);
}

/** A `Chunk` as bytes of its own: it waits for its turn. */
export function chunkFrame(stream: number, flags: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(CHUNK_HEAD + payload.length);
  const length = frame.length - 4;
  frame[0] = length >>> 24;
  frame[1] = length >>> 16;
  frame[2] = length >>> 8;
  frame[3] = length;
  frame[4] = FrameKind.Chunk;
  frame[5] = flags;
  renumber(frame, 0, stream);
  frame.set(payload, CHUNK_HEAD);
  return frame;
}

/** The stream a frame belongs to; all of its kinds have it in the same place. */
export function streamOf(bytes: Uint8Array, start: number): number {
  return ((bytes[start + 6] << 24) | (bytes[start + 7] << 16) | (bytes[start + 8] << 8) | bytes[start + 9]) >>> 0;
}

/** Gives a frame to another stream. */
export function renumber(bytes: Uint8Array, start: number, stream: number): void {
  bytes[start + 6] = stream >>> 24;
  bytes[start + 7] = stream >>> 16;
  bytes[start + 8] = stream >>> 8;
  bytes[start + 9] = stream;
}

/** Where a chunk's payload begins. */
export function chunkStart(start: number): number {
  return start + CHUNK_HEAD;
}
