// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, ConnectionClosedError, InvalidArgumentError, QuotaError } from "../errors.ts";
import { toWireError } from "../protocol/error_wire.ts";
import {
  FLAG_END,
  FLAG_REFUSED,
  FLAG_TRAILERS,
  FRAME_HEAD,
  FrameKind,
  FrameWriter,
  readU32,
} from "../protocol/frames.ts";
import { CHUNK_BYTES, type Limits, STREAM_WINDOW } from "../protocol/limits.ts";
import type { HttpRules } from "../protocol/http.ts";
import { chunkStart, readOpen, renumber, streamOf, writeCredit } from "../protocol/stream_frames.ts";
import { encodeStructured } from "../protocol/structured.ts";
import { StreamQueue } from "../session/stream_queue.ts";
import type { Caller, Opening } from "./openings.ts";
import { passError } from "./passed_errors.ts";
import { Grants, Intake } from "./stream_grants.ts";

/** Whose streams a table has: a session, or the gateway itself. */
export interface StreamHost {
  readonly caller: Caller;
  readonly writer: FrameWriter;
  readonly ended: boolean;
  readonly streams: StreamTable;
  /** Asks for a flush at the end of the turn. */
  touch(): void;
  /** Takes a frame as it came, where there is no socket to write it to. */
  take?(kind: number, bytes: Uint8Array, start: number, end: number): void;
}

/** Finds whom a stream is for. */
export interface StreamRouter {
  readonly limits: Pick<Limits, "httpHeadBytes" | "structuredDepth">;
  /** A stream was asked for; it is joined to its target's, or reset. */
  open(host: StreamHost, open: Opening): void;
  /** Its target is gone, or takes nothing, before anything came of it: true when another one has it now. */
  again(leg: Leg): boolean;
  /** A part of an exchange was passed on that others can work with. */
  done(): void;
}

/** One end of a stream: what comes in by it goes out by the other. */
export interface Leg {
  readonly table: StreamTable;
  readonly stream: number;
  /** The other end; none while the target is being looked for. */
  other: Leg | undefined;
  /** Bytes its client may still send. */
  allowance: number;
  /** Its client has said its last. */
  isEnd: boolean;
  /** What its client has to say first was said: of an opener it is in the open. */
  isHeaded: boolean;
  /** On the opener's end: what another target could be asked as well, until something has come of it. */
  retry: unknown;
  readonly isOpener: boolean;
}

/** The streams of one socket. They end with it; the gateway joins each to one of another socket and reads none. */
export class StreamTable {
  readonly host: StreamHost;
  readonly #router: StreamRouter;
  readonly #legs = new Map<number, Leg>();
  readonly #queue = new StreamQueue();
  readonly #grants = new Grants(() => this.#queue.bytes);
  #next = 2;
  readonly #intake = new Intake();
  /** Streams that others have opened to it: its load. */
  owed = 0;
  /** When it was last given one, by a count: equals take turns. */
  lastGiven = 0;
  /** Whether it has said that it answers HTTP. */
  isServing = false;
  /** What it takes. */
  rules: HttpRules = {};
  /** Whether it is given nothing new. */
  isDraining = false;

  constructor(host: StreamHost, router: StreamRouter) {
    this.host = host;
    this.#router = router;
  }

  /** How many are open. */
  get size(): number {
    return this.#legs.size;
  }

  /** Bytes that wait for the socket. */
  get waiting(): number {
    return this.#queue.bytes;
  }

  // ---- what its client says -------------------------------------------------------------------------------------

  /** A frame came from its client. Malformed ones throw. */
  received(kind: number, bytes: Uint8Array, start: number, end: number): void {
    const stream = streamOf(bytes, start);
    if (kind === FrameKind.Open) return this.opened(readOpen(bytes, start, end));
    const leg = this.#legs.get(stream);
    switch (kind) {
      case FrameKind.Chunk:
        return this.#chunk(leg, bytes, start, end);
      case FrameKind.Credit:
        if (end - start !== FRAME_HEAD + 8) {
          throw new InvalidArgumentError("Cannot read frame: a credit of the wrong length");
        }
        return this.#credit(stream, leg, readU32(bytes, start + FRAME_HEAD + 4));
      case FrameKind.Head:
        return this.#head(leg, bytes, start, end);
      case FrameKind.Reset:
        if (leg) this.#reset(leg, bytes, start, end);
        else this.#queue.drop(stream);
    }
  }

  /** Its client opens a stream. */
  opened(open: Opening): void {
    if (open.stream % 2 === 0 || this.#legs.has(open.stream)) {
      throw new InvalidArgumentError(`Cannot open stream ${open.stream}: a client's are odd, and each is opened once`);
    }
    this.#router.open(this.host, open);
  }

  #chunk(leg: Leg | undefined, bytes: Uint8Array, start: number, end: number): void {
    const size = end - chunkStart(start);
    this.#account(size);
    if (size > CHUNK_BYTES) {
      throw new InvalidArgumentError(`Cannot take a chunk of ${size} bytes: at most ${CHUNK_BYTES} are allowed`);
    }
    // Of a stream that was reset meanwhile.
    if (!leg?.other) return;
    if (leg.isEnd) throw new InvalidArgumentError("Cannot take a chunk behind the end of its stream");
    if (!leg.isHeaded) throw new InvalidArgumentError("Cannot take a chunk before the head of its stream");
    const flags = bytes[start + 5];
    // It costs its sender no credit, and others memory.
    if (size === 0 && (flags & FLAG_END) === 0) throw new InvalidArgumentError("Cannot take a chunk of nothing");
    const { other } = leg;
    // Trailers are behind the last byte, once, and need no credit: nobody reads them to make room.
    if ((flags & FLAG_TRAILERS) === 0) {
      if (size > leg.allowance) throw new InvalidArgumentError("Cannot take a chunk beyond the credit of its stream");
      other.table.#grants.spent(other, size);
    } else if ((flags & FLAG_END) === 0) {
      throw new InvalidArgumentError("Cannot take trailers before the end of their stream");
    }
    if (leg.isOpener) leg.retry = undefined;
    renumber(bytes, start, other.stream);
    const { host } = other.table;
    if (host.take) host.take(FrameKind.Chunk, bytes, start, end);
    else {
      other.table.#queue.push(other.stream, bytes.subarray(start, end));
      host.touch();
    }
    if (flags & FLAG_END) this.#ended(leg);
  }

  /** What has come in may be followed by as much, whosever it was. */
  #account(size: number): void {
    const more = this.#intake.take(size);
    if (more === 0) return;
    writeCredit(this.host.writer, 0, more);
    this.host.touch();
  }

  #credit(stream: number, leg: Leg | undefined, count: number): void {
    if (count === 0) throw new InvalidArgumentError("Cannot take a credit of nothing");
    if (stream === 0) {
      this.#queue.credited(count);
      return this.host.touch();
    }
    if (!leg?.other) return;
    const { other } = leg;
    // Another target may have less room than its opener has been told of.
    if (!leg.isOpener) other.retry = undefined;
    this.#grants.add(leg, count);
  }

  #head(leg: Leg | undefined, bytes: Uint8Array, start: number, end: number): void {
    if (!leg?.other || leg.isEnd) return;
    if (leg.isOpener) {
      throw new InvalidArgumentError("Cannot take a head from the opener of a stream: it is in its open");
    }
    if (leg.isHeaded) throw new InvalidArgumentError("Cannot take a second head of a stream");
    leg.isHeaded = true;
    const size = end - start;
    const { httpHeadBytes } = this.#router.limits;
    if (size > httpHeadBytes) {
      const details = { limit: httpHeadBytes, current: size };
      const words = `Cannot pass on a head of ${size} bytes: at most ${httpHeadBytes} are allowed`;
      return this.#refuseBoth(leg, new QuotaError(words, { retryable: false, details }));
    }
    const { other } = leg;
    other.retry = undefined;
    const { host } = other.table;
    renumber(bytes, start, other.stream);
    if (host.take) host.take(FrameKind.Head, bytes, start, end);
    else {
      host.writer.copy(bytes, start, end);
      host.touch();
    }
    if (bytes[start + 5] & FLAG_END) this.#ended(leg);
    this.#router.done();
  }

  #ended(leg: Leg): void {
    leg.isEnd = true;
    if (leg.other!.isEnd) this.#part(leg);
  }

  /** Neither end can go on. */
  #refuseBoth(leg: Leg, error: AetherError): void {
    const other = leg.other!;
    this.#part(leg);
    this.refuse(leg.stream, error);
    other.table.refuse(other.stream, error);
  }

  #reset(leg: Leg, bytes: Uint8Array, start: number, end: number): void {
    const { other } = leg;
    const reason = passError(bytes.subarray(start + FRAME_HEAD + 4, end), this.#router.limits.structuredDepth);
    const isRefused = (bytes[start + 5] & FLAG_REFUSED) !== 0;
    this.#queue.drop(leg.stream);
    this.#part(leg);
    if (!other) return;
    // What was answered to its end is not taken back: it goes first.
    if (leg.isEnd && !leg.isOpener) {
      const writer = new FrameWriter(0);
      writer.structured(FrameKind.Reset, reason, other.stream);
      other.table.#queue.push(other.stream, writer.take());
      return other.table.host.touch();
    }
    if (isRefused && !leg.isOpener && this.#router.again(other)) return;
    other.table.#say(other.stream, bytes[start + 5], reason);
  }

  // ---- what happens to it ---------------------------------------------------------------------------------------

  /** The opener's end of a new stream. */
  begin(stream: number, isEnd: boolean, retry: unknown): Leg {
    const leg: Leg = {
      table: this,
      stream,
      other: undefined,
      allowance: STREAM_WINDOW,
      isEnd,
      isHeaded: true,
      retry,
      isOpener: true,
    };
    this.#legs.set(stream, leg);
    return leg;
  }

  /** The target's end of a stream; its number is chosen here. */
  join(opener: Leg): Leg {
    const stream = this.#next;
    this.#next = this.#next >= 0xfffffffc ? 2 : this.#next + 2;
    const leg: Leg = {
      table: this,
      stream,
      other: opener,
      allowance: STREAM_WINDOW,
      isEnd: false,
      isHeaded: false,
      retry: undefined,
      isOpener: false,
    };
    this.#legs.set(stream, leg);
    opener.other = leg;
    this.owed++;
    return leg;
  }

  /** Ends a stream with the gateway's own words. */
  refuse(stream: number, error: AetherError): void {
    this.#legs.delete(stream);
    this.#say(stream, 0, encodeStructured(toWireError(error)));
  }

  #say(stream: number, flags: number, body: Uint8Array): void {
    this.#queue.drop(stream);
    this.#legs.delete(stream);
    if (this.host.ended) return;
    this.host.writer.structured(FrameKind.Reset, body, stream, flags);
    this.host.touch();
  }

  /** Both ends of a stream are free. A retry may keep the opener's. */
  #part(leg: Leg): void {
    for (const end of [leg, leg.other]) {
      if (!end) continue;
      end.table.#grants.forget(end);
      if (end.table.#legs.delete(end.stream) && !end.isOpener) end.table.owed--;
    }
    if (leg.other) leg.other.other = undefined;
    leg.other = undefined;
  }

  /** The opener's end is here, for its first target or another one. */
  keep(leg: Leg): void {
    this.#legs.set(leg.stream, leg);
  }

  /** The control frames of the turn are laid, none of them numbered: data follows; `send` gets what is too much. */
  flush(writer: FrameWriter, send: (bytes: Uint8Array) => boolean | void): void {
    this.#queue.flush(writer, send);
    this.#grants.drained();
  }

  /** The socket is gone, and with it every stream. */
  lost(): void {
    this.#queue.clear();
    this.#intake.reset();
    const error = new ConnectionClosedError(`The connection of "${this.host.caller.topic}" was lost`);
    for (const leg of [...this.#legs.values()]) {
      const { other } = leg;
      this.#part(leg);
      // The other end of what one called of oneself is here as well.
      if (!other || other.table === this || (!leg.isOpener && this.#router.again(other))) continue;
      other.table.#say(other.stream, 0, encodeStructured(toWireError(error)));
    }
  }
}
