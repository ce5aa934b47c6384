// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, ConnectionClosedError, ConnectionError } from "../errors.ts";
import { concatBytes, NO_BYTES } from "../base/bytes.ts";
import { FLAG_END, FLAG_TRAILERS } from "../protocol/frames.ts";
import { CHUNK_BYTES, STREAM_WINDOW, STREAM_WINDOW_MOST } from "../protocol/limits.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";

/** Where a channel's frames go. */
export interface ChannelOwner {
  /** Queues a chunk. */
  chunk(stream: number, flags: number, payload: Uint8Array): void;
  /** Lets the peer send more. */
  credit(stream: number, bytes: number): void;
  /** Answers with a head. */
  head(stream: number, flags: number, body: Uint8Array): void;
  /** Ends it before its end. */
  reset(stream: number, flags: number, error: AetherError): void;
  /** Nothing comes of it and nothing goes into it any more. */
  forget(stream: number): void;
}

/** From so many pieces on that wait to be read, small ones are joined. */
const MANY = 64;
const SMALL = 16 * 1024;

/** One stream: bytes both ways under credit, a head in front of the answer, trailers behind either side. */
export class Channel {
  /** Its number on this connection. */
  readonly stream: number;
  readonly #owner: ChannelOwner;
  #credit: number = STREAM_WINDOW;
  #room: PromiseWithResolvers<void> | undefined;
  #isSent: boolean;
  #chunks: Uint8Array[] = [];
  #isReceived: boolean;
  #isIgnored = false;
  #trailers: Uint8Array | undefined;
  #arrival: PromiseWithResolvers<void> | undefined;
  #taken = 0;
  #window: number = STREAM_WINDOW;
  #head: PromiseWithResolvers<Uint8Array> | undefined;
  #headBytes: Uint8Array | undefined;
  #error: AetherError | undefined;
  /** Hears, once, that the peer or the connection has ended it before its end. */
  onReset: ((error: AetherError) => void) | undefined;
  /** Hears, once, that the peer has said its last. */
  onEnd: (() => void) | undefined;
  /** Hears of every piece that comes, before anybody has read it. */
  onChunk: (() => void) | undefined;

  constructor(owner: ChannelOwner, stream: number, isSent: boolean, isReceived: boolean) {
    this.#owner = owner;
    this.stream = stream;
    this.#isSent = isSent;
    this.#isReceived = isReceived;
  }

  /** Why it ended before its end, if it did. */
  get error(): AetherError | undefined {
    return this.#error;
  }
  /** Whether the peer has said its last; some of it may still wait here. */
  get isReceived(): boolean {
    return this.#isReceived;
  }
  /** Whether this side has said its last. */
  get isSent(): boolean {
    return this.#isSent;
  }
  /** What the peer sent behind its last byte. */
  get trailers(): Uint8Array | undefined {
    return this.#trailers;
  }

  // ---- out ------------------------------------------------------------------------------------------------------

  /** The head of the peer's answer, a structured body; rejects with the reason when it ends before. */
  answered(): Promise<Uint8Array> {
    if (this.#headBytes) return Promise.resolve(this.#headBytes);
    if (this.#error) return Promise.reject(this.#error);
    if (this.#isReceived) return Promise.reject(headless());
    return (this.#head ??= Promise.withResolvers<Uint8Array>()).promise;
  }

  /** Answers with a head. */
  answer(head: unknown, isEnd: boolean): void {
    if (this.#error || this.#isSent) return;
    this.#owner.head(this.stream, isEnd ? FLAG_END : 0, encodeStructured(head));
    if (isEnd) this.#sent();
  }

  /**
   * Sends bytes; undefined when there is room for more, a promise of that otherwise. The bytes are copied.
   * @throws {AetherError} the reason when it has ended before its end
   */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#error) throw this.#error;
    if (this.#isSent) throw new ConnectionClosedError("Cannot write to a stream behind its end", { retryable: false });
    if (bytes.length <= this.#credit && bytes.length <= CHUNK_BYTES) {
      if (bytes.length === 0) return undefined;
      this.#credit -= bytes.length;
      this.#owner.chunk(this.stream, 0, bytes);
      return this.#credit > 0 ? undefined : this.#roomLater();
    }
    return this.#writeLarge(bytes);
  }

  async #writeLarge(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      while (this.#credit === 0) await this.#roomLater();
      if (this.#error) throw this.#error;
      const part = bytes.subarray(at, at + Math.min(CHUNK_BYTES, this.#credit));
      this.#credit -= part.length;
      at += part.length;
      this.#owner.chunk(this.stream, 0, part);
    }
  }

  #roomLater(): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    return (this.#room ??= Promise.withResolvers<void>()).promise;
  }

  /** Says that nothing more comes, with a last piece that fits into a chunk and the window, or trailers. */
  end(last: Uint8Array = NO_BYTES, trailers?: Record<string, string>): void {
    if (this.#error || this.#isSent) return;
    if (trailers) this.#owner.chunk(this.stream, FLAG_END | FLAG_TRAILERS, encodeStructured(trailers));
    else {
      this.#credit -= last.length;
      this.#owner.chunk(this.stream, FLAG_END, last);
    }
    this.#sent();
  }

  /** Whether so many bytes may leave at once, and as one chunk. */
  fits(bytes: number): boolean {
    return bytes <= CHUNK_BYTES && bytes <= this.#credit;
  }

  #sent(): void {
    this.#isSent = true;
    if (this.#isReceived) this.#owner.forget(this.stream);
  }

  /** Ends it before its end. Both sides hear the reason. Nothing happens when it is over. */
  reset(error: AetherError, flags = 0): void {
    if (this.#error || (this.#isSent && this.#isReceived)) return;
    this.#owner.reset(this.stream, flags, error);
    this.#owner.forget(this.stream);
    this.#fail(error);
  }

  // ---- in -------------------------------------------------------------------------------------------------------

  /** The next piece, if one is here. */
  take(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#taken += chunk.length;
    // Where nothing more comes, nothing more is allowed; in small steps each would cost a frame.
    // Nor as large as a window may become: a slow reader would be silent for minutes, and look as if it had gone.
    if (!this.#isReceived && (this.#taken * 2 >= this.#window || this.#taken >= STREAM_WINDOW)) this.#grant();
    return chunk;
  }

  #grant(): void {
    let bytes = this.#taken;
    this.#taken = 0;
    // A reader that keeps up is held back by the distance alone: a wider window costs no memory here.
    if (this.#chunks.length === 0 && this.#window < STREAM_WINDOW_MOST) {
      bytes += this.#window;
      this.#window *= 2;
    }
    this.#owner.credit(this.stream, bytes);
  }

  /** Everything the peer has sent, if all of it is here. */
  all(): Uint8Array | undefined {
    if (!this.#isReceived) return undefined;
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks.length === 1 ? chunks[0] : chunks.length === 0 ? NO_BYTES : concatBytes(chunks);
  }

  /** Nobody reads what has come and what still comes: it is dropped, and no room made for more. */
  ignore(): void {
    this.#isIgnored = true;
    this.#chunks = [];
  }

  /** The next piece, undefined at the end. @throws {AetherError} the reason when it ends before its end */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.take();
      if (chunk !== undefined) return chunk;
      if (this.#isReceived) return undefined;
      if (this.#error) throw this.#error;
      await (this.#arrival ??= Promise.withResolvers<void>()).promise;
    }
  }

  // ---- what the peer says ---------------------------------------------------------------------------------------

  /** The peer answers. */
  headed(body: Uint8Array, isEnd: boolean): void {
    this.#headBytes = body;
    this.#head?.resolve(body);
    if (isEnd) this.#received();
  }

  /** A piece came. */
  chunked(payload: Uint8Array, flags: number): void {
    if (this.#isReceived) return;
    this.onChunk?.();
    if (flags & FLAG_TRAILERS) this.#trailers = payload;
    else if (payload.length > 0 && !this.#isIgnored) this.#keep(payload);
    if (flags & FLAG_END) this.#received();
    else this.#arrived();
  }

  #keep(payload: Uint8Array): void {
    const chunks = this.#chunks;
    const last = chunks.length - 1;
    // Of many small ones each would pin the message it came in.
    if (last < MANY || chunks[last].length + payload.length > SMALL) chunks.push(payload);
    else chunks[last] = concatBytes([chunks[last], payload]);
  }

  #received(): void {
    this.#isReceived = true;
    if (!this.#headBytes) this.#head?.reject(headless());
    if (this.#isSent) this.#owner.forget(this.stream);
    this.#arrived();
    this.onEnd?.();
  }

  #arrived(): void {
    const arrival = this.#arrival;
    this.#arrival = undefined;
    arrival?.resolve();
  }

  /** More may be sent. */
  credited(bytes: number): void {
    this.#credit += bytes;
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }

  /** The peer, or the connection, has ended it. */
  lost(error: AetherError): void {
    this.#fail(error);
  }

  #fail(error: AetherError): void {
    if (this.#error) return;
    this.#error = error;
    // What was received in full stays readable: only what is missing is lost.
    if (!this.#isReceived) this.#chunks = [];
    this.#room?.promise.catch(() => {});
    this.#room?.reject(error);
    this.#room = undefined;
    this.#head?.promise.catch(() => {});
    this.#head?.reject(error);
    this.#arrived();
    this.onReset?.(error);
  }
}

function headless(): AetherError {
  return new ConnectionError("The stream ended without an answer", { retryable: false });
}

/** Trailers as texts. */
export function readTrailers(channel: Channel): Record<string, string> | undefined {
  return channel.trailers && (decodeStructured(channel.trailers) as Record<string, string>);
}
