// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, InvalidArgumentError } from "../errors.ts";
import { concatBytes, utf8 } from "../base/bytes.ts";
import type { Turn } from "../base/clock.ts";
import { owned } from "../base/let_go.ts";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import { chunkStart } from "../protocol/stream_frames.ts";
import type { Channel } from "../session/channel.ts";

/** What a request's or response's body may be made of. */
export type BodySource =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | FormData
  | URLSearchParams
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array>
  | null
  | undefined;

/** A body on its way: all of it, or a stream of it. */
export interface Body {
  /** The whole, when it is there. */
  readonly bytes?: Uint8Array;
  /** What it is read from otherwise. */
  readonly stream?: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array> | ReadableStream<Uint8Array>;
  /** The content type its kind implies. */
  readonly type?: string;
  /** How long it is, where that is known of a stream. */
  readonly size?: number;
  /** The same once more, where its kind allows that: a stream is gone once it was read. */
  readonly again?: () => Body;
}

/** Takes any kind of body. @throws {InvalidArgumentError} for what is none */
export function toBody(source: BodySource): Body | undefined {
  if (source === null || source === undefined) return undefined;
  if (typeof source === "string") return { bytes: utf8(source), type: "text/plain;charset=UTF-8" };
  if (source instanceof Uint8Array) return { bytes: source };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source) };
  if (ArrayBuffer.isView(source)) {
    return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength) };
  }
  if (source instanceof URLSearchParams) {
    return { bytes: utf8(String(source)), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  if (source instanceof Blob) {
    const { type, size } = source;
    return { stream: source.stream(), type: type || undefined, size, again: () => toBody(source)! };
  }
  if (source instanceof FormData) {
    // The platform knows how to write a form, and chooses the boundary.
    const form = new Response(source);
    // First: on Bun a response whose body was asked for has forgotten its type.
    const type = form.headers.get("content-type")!;
    return { stream: toItsEnd(form.body!), type, again: () => toBody(source)! };
  }
  if (source instanceof ReadableStream && source.locked) {
    throw new InvalidArgumentError("Cannot send this body: somebody reads it already, or has", "body");
  }
  const isIterable = Symbol.asyncIterator in Object(source) || Symbol.iterator in Object(source);
  if (source instanceof ReadableStream || isIterable) return { stream: source };
  throw new InvalidArgumentError(
    "Cannot send this body: give a text, bytes, a Blob, FormData, URLSearchParams, a ReadableStream or an async iterable",
    "body",
  );
}

/**
 * A stream that is left where it is by who does not read on. A form that is cancelled while it comes to its end is closed a second
 * time by undici, which ends a Node process; it is in memory and needs no cancelling.
 */
function toItsEnd(stream: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  const reader = stream.getReader();
  const next = () => reader.read() as Promise<IteratorResult<Uint8Array>>;
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** Sends a body to its end. A source that fails resets the channel; a channel that ends cancels the source. */
export async function sendBody(channel: Channel, body: Body): Promise<void> {
  const { bytes, stream } = body;
  if (bytes) {
    if (channel.fits(bytes.length)) return channel.end(bytes);
    await channel.write(bytes);
    return channel.end();
  }
  let next: Chunks | undefined;
  try {
    next = chunksOf(stream!);
    heed(channel, next);
    await sendRest(channel, next);
  } catch (error) {
    throw failed(channel, next, error);
  }
}

/** Whose answer is sent: one object, as there is one of these for each request. */
export interface Answerer {
  /** Lays the head; `isEnd` when no body follows, `length` when all of one is here. Not called when the source fails in its turn. */
  layHead(isEnd: boolean, length?: number): void;
  /** Waits for room for more of the body. */
  wait(room: Promise<void>): Promise<void>;
}

/**
 * Sends a body that has a head in front. Of most answers all is there when the handler returns, though the stream they are
 * says so piece by piece: its head then says how long it is, and up to a chunk of it leaves together with head and end. What is
 * not there in this turn is not waited for.
 * @param turn the turn in which it leaves
 * @throws what the source fails with, or what ended the channel
 */
export async function sendAnswer(
  channel: Channel,
  stream: ReadableStream<Uint8Array>,
  turn: Turn,
  answerer: Answerer,
): Promise<void> {
  const next = chunksOf(stream);
  heed(channel, next);
  let early: Uint8Array[] | undefined = [];
  let size = 0;
  let isLooking = false;
  let sending: Promise<void> | undefined;
  // Of a head that cannot be laid: at the end of a turn nobody is there to catch it.
  let refused: { readonly why: unknown } | undefined;
  const begin = (length?: number): void => {
    if (!early || channel.error) return;
    const parts = early;
    early = undefined;
    try {
      answerer.layHead(false, length);
      sending = sendPieces(channel, parts, answerer);
      // Whoever reads on, or comes to the end, waits for it.
      sending.catch(() => {});
    } catch (why) {
      refused = { why };
      next.cancel(why);
    }
  };
  try {
    turn.atEnd(begin);
    for (let { done, value } = await next.read(); !done; { done, value } = await next.read()) {
      const bytes = requireBytes(value);
      size += bytes.length;
      if (early) {
        early.push(bytes);
        if (size <= CHUNK_BYTES) continue;
        // Memory comes in one or two pieces: one look more, no further, tells whether that was all.
        if (isLooking) begin();
        isLooking = true;
      } else {
        // What left at the end of the turn comes first.
        if (sending) await sending;
        sending = sendPieces(channel, [bytes], answerer);
      }
      if (sending) await sending;
      sending = undefined;
      if (refused) break;
    }
    if (early && size > CHUNK_BYTES) begin(size);
    if (sending) await sending;
    if (channel.error) throw channel.error;
    if (refused) throw (refused as { why: unknown }).why;
    if (!early) return channel.end();
    const whole = early.length === 1 ? early[0] : concatBytes(early);
    early = undefined;
    answerer.layHead(size === 0, size);
    if (size > 0) channel.end(whole);
  } catch (error) {
    // There may be another answer, which has a head of its own.
    early = undefined;
    next.cancel(error);
    throw error;
  }
}

/** Sends what is here; what there is room for leaves at once. However much it is, the wait is for room for each piece. */
async function sendPieces(channel: Channel, parts: Uint8Array[], answerer: Answerer): Promise<void> {
  for (const bytes of parts) {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const room = channel.write(bytes.length <= CHUNK_BYTES ? bytes : bytes.subarray(at, at + CHUNK_BYTES));
      if (room) await answerer.wait(room);
    }
  }
}

/** A channel that ends cancels the source: it may be waiting for a piece that never comes. */
function heed(channel: Channel, next: Chunks): void {
  const heard = channel.onReset;
  channel.onReset = (error) => {
    heard?.(error);
    next.cancel(error);
  };
}

/** A source that fails resets the channel; returns why it did. */
function failed(channel: Channel, source: Chunks | undefined, error: unknown): unknown {
  source?.cancel(error);
  const words = `The body could not be read: ${error}`;
  channel.reset(error instanceof AetherError ? error : new AetherError(words, "ABORTED", { cause: error }));
  return error;
}

async function sendRest(channel: Channel, next: Chunks): Promise<void> {
  for (let { done, value } = await next.read(); !done; { done, value } = await next.read()) {
    const room = channel.write(typeof value === "string" ? utf8(value) : requireBytes(value));
    if (room) await room;
  }
  if (channel.error) throw channel.error;
  channel.end();
}

interface Chunks {
  read(): Promise<{ done?: boolean; value?: Uint8Array | string }>;
  cancel(reason: unknown): void;
}

function chunksOf(stream: NonNullable<Body["stream"]>): Chunks {
  if (stream instanceof ReadableStream) {
    const reader = stream.getReader();
    return {
      read: () => reader.read() as Promise<{ done: boolean; value?: Uint8Array }>,
      cancel: (reason) => void reader.cancel(reason).catch(() => {}),
    };
  }
  const iterator = Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
  return {
    read: async () => await iterator.next() as { done?: boolean; value?: Uint8Array | string },
    // Of a generator `return` runs code of its own, which may throw.
    cancel: () => void (async () => await iterator.return?.())().catch(() => {}),
  };
}

function requireBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new InvalidArgumentError(`Cannot send a body of ${typeof value}: a stream must yield Uint8Array`, "body");
}

/** What watches over a body that is being received. */
export interface BodyWatch {
  /** A piece came, of so many bytes. @throws what ends the body */
  received?(bytes: number): void;
  /** The next piece is asked for; the last was this. */
  given?(last: Uint8Array): void;
  /** The next piece is waited for. */
  waiting?(): void;
  /** Its last piece was given. @throws what ends the body */
  ended?(): void;
  /** Its reader wants no more. Where this is not said, that ends the whole exchange. */
  left?(): void;
  /** Nothing more comes: it is at its end, failed (with what its reader gets), or its reader has gone. */
  done?(error?: unknown): void;
  /** Turns what ended it into what its reader gets. */
  failed(error: unknown): unknown;
}

/** What a channel receives, as a stream that is read as fast as its reader reads. */
export function bodyStream(channel: Channel, watch: BodyWatch): ReadableStream<Uint8Array> {
  let last: Uint8Array | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (last) watch.given?.(last);
        let chunk = channel.take();
        if (!chunk) {
          watch.waiting?.();
          chunk = await channel.read();
        }
        if (!chunk) {
          watch.ended?.();
          watch.done?.();
          return controller.close();
        }
        watch.received?.(chunk.length);
        controller.enqueue(last = owned(chunk, chunkStart(0)));
      } catch (error) {
        const failed = watch.failed(error);
        watch.done?.(failed);
        controller.error(failed);
      }
    },
    cancel(reason) {
      watch.done?.();
      if (watch.left) return watch.left();
      channel.reset(new AetherError("The reader of the body has gone", "CANCELLED", { cause: reason }));
    },
  }, { highWaterMark: 0 });
}
