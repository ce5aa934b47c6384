// edge: no Deno, Bun, node: or cloudflare: names
import {
  type AetherError,
  AetherError as BaseError,
  ConnectionClosedError,
  ConnectionError,
  QuotaError,
} from "../errors.ts";
import { NO_BYTES, utf8 } from "../base/bytes.ts";
import { encodeError, fromWireError } from "../protocol/error_wire.ts";
import { FLAG_END, FRAME_HEAD, FrameKind, FrameWriter, readU32 } from "../protocol/frames.ts";
import { SOCKET_WINDOW } from "../protocol/limits.ts";
import {
  chunkFrame,
  chunkStart,
  HEAD_BYTES,
  type OpenFrame,
  readOpen,
  RESET_BYTES,
  streamOf,
  writeCredit,
  writeOpen,
} from "../protocol/stream_frames.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import { Channel, type ChannelOwner } from "./channel.ts";
import { refuseOpen, type StreamEnd, type StreamPort, writeReset } from "./stream_port.ts";
import { StreamQueue } from "./stream_queue.ts";

/** A stream somebody has opened to this principal. */
export interface IncomingChannel {
  /** The bytes both ways. */
  readonly channel: Channel;
  /** Who opened it, as the gateway says. */
  readonly topic: string;
  /** Its workspace, empty for none. */
  readonly workspace: string;
  /** The structured head, undecoded. */
  readonly head: Uint8Array;
}

/** The streams of one connection. */
export class Channels implements StreamEnd, ChannelOwner {
  readonly #port: StreamPort;
  readonly #open = new Map<number, Channel>();
  readonly #queue = new StreamQueue();
  readonly #takers = new Map<number, (incoming: IncomingChannel) => void>();
  #next = 1;
  /** Bytes received and not yet said to the peer. */
  #unsaid = 0;

  constructor(port: StreamPort) {
    this.#port = port;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Resolves when streams can be opened. @throws {AetherError} when the connection is closed; the signal's reason */
  ready(signal?: AbortSignal): Promise<void> {
    const { state, onState } = this.#port;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (state === "ready") return Promise.resolve();
    if (state === "idle" || state === "closed" || state === "draining") {
      return Promise.reject(new ConnectionError(`Cannot open a stream: the client is ${state}`, { retryable: false }));
    }
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        off();
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const off = onState.add((next) => {
        if (next === "ready") done(resolve);
        else if (next === "closed" || next === "idle") {
          done(() => reject(new ConnectionClosedError("Cannot open a stream: the client was closed meanwhile")));
        }
      });
      const abort = (): void => done(() => reject(signal!.reason));
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Whether streams can be opened now. */
  get isReady(): boolean {
    return this.#port.state === "ready";
  }

  /** Opens one; see {@link Channels.ready}. How many may be open is the gateway's to say. @throws {QuotaError} for a head too large to send */
  open(kind: number, topic: string, head: unknown, isEnd: boolean): Channel {
    const written = this.#port.open ? NO_BYTES : requireHead(encodeStructured(head));
    const stream = this.#next;
    this.#next = this.#next >= 0xfffffffd ? 1 : this.#next + 2;
    const channel = new Channel(this, stream, isEnd, false);
    this.#open.set(stream, channel);
    if (this.#port.open) this.#port.open(stream, kind, topic, isEnd, head);
    else {
      writeOpen(this.#port.writer, stream, kind, isEnd, utf8(topic), NO_BYTES, written);
      this.#port.schedule();
    }
    return channel;
  }

  /** Takes what others open, of one kind. Returns what ends it, undefined when somebody takes them already. */
  accept(kind: number, taker: (incoming: IncomingChannel) => void): (() => void) | undefined {
    if (this.#takers.has(kind)) return undefined;
    this.#takers.set(kind, taker);
    return () => {
      if (this.#takers.get(kind) === taker) this.#takers.delete(kind);
    };
  }

  // ---- out ------------------------------------------------------------------------------------------------------

  chunk(stream: number, flags: number, payload: Uint8Array): void {
    this.#queue.push(stream, chunkFrame(stream, flags, payload));
    this.#port.schedule();
  }

  credit(stream: number, bytes: number): void {
    writeCredit(this.#port.writer, stream, bytes);
    this.#port.schedule();
  }

  head(stream: number, flags: number, body: Uint8Array): void {
    this.#port.writer.structured(FrameKind.Head, requireHead(body), stream, flags);
    this.#port.schedule();
  }

  reset(stream: number, flags: number, error: AetherError): void {
    if (stream % 2 === 0 && this.#open.get(stream)?.isSent) return this.#resetLast(stream, flags, error);
    this.#queue.drop(stream);
    writeReset(this.#port, stream, flags, briefly(error));
  }

  /** Of one that others opened: what was answered to its end is not taken back, only the rest of the question refused. */
  #resetLast(stream: number, flags: number, error: AetherError): void {
    const writer = new FrameWriter(0);
    writer.structured(FrameKind.Reset, encodeError(briefly(error)), stream, flags);
    this.#queue.push(stream, writer.take());
    this.#port.schedule();
  }

  forget(stream: number): void {
    this.#open.delete(stream);
  }

  flush(writer: FrameWriter, send: (bytes: Uint8Array) => boolean | void): void {
    this.#queue.flush(writer, send);
  }

  // ---- in -------------------------------------------------------------------------------------------------------

  received(kind: number, bytes: Uint8Array, start: number, end: number): void {
    const stream = streamOf(bytes, start);
    if (kind === FrameKind.Open) return this.#opened(readOpen(bytes, start, end));
    const channel = this.#open.get(stream);
    switch (kind) {
      case FrameKind.Chunk: {
        const payload = bytes.subarray(chunkStart(start), end);
        this.#say(payload.length);
        return channel?.chunked(payload, bytes[start + 5]);
      }
      case FrameKind.Head:
        return channel?.headed(bytes.subarray(start + FRAME_HEAD + 4, end), (bytes[start + 5] & FLAG_END) !== 0);
      case FrameKind.Credit: {
        const count = readU32(bytes, start + FRAME_HEAD + 4);
        if (stream !== 0) return channel?.credited(count);
        this.#queue.credited(count);
        return this.#port.schedule();
      }
      case FrameKind.Reset: {
        this.#queue.drop(stream);
        if (!channel) return;
        this.#open.delete(stream);
        return channel.lost(fromWireError(decodeStructured(bytes.subarray(start + FRAME_HEAD + 4, end))));
      }
    }
  }

  /** Data was received: the peer may put more of it on the wire. */
  #say(bytes: number): void {
    this.#unsaid += bytes;
    if (this.#unsaid * 4 < SOCKET_WINDOW) return;
    this.credit(0, this.#unsaid);
    this.#unsaid = 0;
  }

  #opened(open: OpenFrame): void {
    const taker = this.#takers.get(open.kind);
    if (!taker) return refuseOpen(this.#port, open.stream);
    const channel = new Channel(this, open.stream, false, open.isEnd);
    this.#open.set(open.stream, channel);
    taker({ channel, topic: open.topic, workspace: open.workspace, head: open.head });
  }

  lost(error: AetherError): void {
    this.#queue.clear();
    this.#unsaid = 0;
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const channel of open) channel.lost(error);
  }
}

/** What is longer would end the connection, with all that is on its way beside it. */
function requireHead(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= HEAD_BYTES) return bytes;
  const details = { limit: HEAD_BYTES, current: bytes.length };
  const words = `Cannot send a head of ${bytes.length} bytes: at most ${HEAD_BYTES} are allowed`;
  throw new QuotaError(words, { retryable: false, details });
}

/** A reason that is longer than one may be, cut. */
function briefly(error: AetherError): AetherError {
  if (encodeError(error).length <= RESET_BYTES) return error;
  const { code, retryable, retryAfterMs } = error;
  return new BaseError(`${error.message.slice(0, 1000)} …`, code, { retryable, retryAfterMs });
}

/** The streams of a connection; made when first asked for. */
export function channelsOf(port: StreamPort): Channels {
  return (port.streams ??= new Channels(port)) as Channels;
}
