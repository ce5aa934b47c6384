// edge: no Deno, Bun, node: or cloudflare: names
import {
  AetherError,
  type ErrorCode,
  QuotaError,
  TimeoutError,
  TunnelClosedError,
  type TunnelCloseReason,
} from "../errors.ts";
import { NO_BYTES } from "../base/bytes.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { owned } from "../base/let_go.ts";
import { CHUNK_BYTES } from "../protocol/limits.ts";
import { chunkStart } from "../protocol/stream_frames.ts";
import { type Channel, readTrailers } from "../session/channel.ts";
import { packed, type Packet, Unpacker } from "./packets.ts";
import { fromTrailers, type SocketClose, toTrailers } from "./socket_close.ts";

/** What a tunnel carries. */
export type TunnelProtocol = "tcp" | "udp" | "websocket";

/** What ends a tunnel of its own accord. */
export interface TunnelLimits {
  /** After so many ms without a byte either way; never by default. */
  readonly idleTimeoutMs?: number;
  /** After so many bytes, both ways together; never by default. */
  readonly maxBytes?: number;
}

/** A channel with two ends. Of `tcp` it carries bytes, of `udp` and `websocket` messages, each read as it was written. */
export interface Tunnel {
  /** What the far end sends; of a WebSocket, its texts are texts. */
  readonly readable: ReadableStream<Packet>;
  /** What the far end gets. Closing it is a half-close: the other way stays open. */
  readonly writable: WritableStream<Packet>;
  /** Ends both ways at once. What was written before may not arrive; close `writable` for that. */
  close(reason?: string): void;
  /** Resolves when both ways have come to their end. Rejects with a TunnelClosedError when it ended before. */
  readonly closed: Promise<void>;
  /** Of a WebSocket: the code and reason that closing `writable` tells the far end; set it before. */
  ownClose?: SocketClose;
  /** Of a WebSocket: what the far end closed with, once `readable` is at its end; undefined when it said nothing. */
  readonly farClose?: SocketClose;
}

/** Both ways of a channel as streams, with the limits of a tunnel. */
export class ChannelTunnel implements Tunnel {
  readonly readable: ReadableStream<Packet>;
  readonly writable: WritableStream<Packet>;
  readonly closed: Promise<void>;
  ownClose: SocketClose | undefined;
  readonly #protocol: TunnelProtocol;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #limits: TunnelLimits;
  readonly #unpacker: Unpacker | undefined;
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers();
  #bytes = 0;
  #idle: CancelTimer | undefined;
  #activeAt: number;
  #isReceived = false;
  #isWritten = false;
  #isOver = false;

  constructor(channel: Channel, protocol: TunnelProtocol, clock: Clock, limits: TunnelLimits) {
    this.#channel = channel;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#limits = limits;
    this.#unpacker = protocol === "tcp" ? undefined : new Unpacker();
    this.#activeAt = clock.now();
    this.closed = this.#ended.promise;
    // Whoever does not ask need not hear of it.
    this.closed.catch(() => {});
    channel.onReset = (error) => this.#fail(error);
    // Its last byte is here, read or not: a tunnel that nobody reads ends as well.
    channel.onEnd = () => this.#received();
    // What arrives is a sign of life, whenever it is read.
    channel.onChunk = () => this.#active();
    this.readable = this.#readable();
    this.writable = this.#writable();
    if (channel.error) this.#fail(channel.error);
    else this.#watch();
    if (channel.isReceived) this.#received();
  }

  get farClose(): SocketClose | undefined {
    return this.#protocol === "websocket" ? fromTrailers(readTrailers(this.#channel)) : undefined;
  }

  close(reason = "closed"): void {
    this.#channel.reset(new AetherError(reason, "CANCELLED", { details: { tunnel: "normal" } }));
    this.#over(undefined);
  }

  #readable(): ReadableStream<Packet> {
    return new ReadableStream<Packet>({
      pull: async (controller) => {
        try {
          for (let isDone = false; !isDone;) {
            const chunk = await this.#channel.read();
            if (!chunk) {
              if (this.#unpacker?.isWithin) throw new Error("It ended in the middle of a message");
              return controller.close();
            }
            this.#count(chunk.length);
            if (!this.#unpacker) return controller.enqueue(owned(chunk, chunkStart(0)));
            for (const packet of this.#unpacker.push(chunk)) {
              controller.enqueue(packet);
              isDone = true;
            }
          }
        } catch (error) {
          // What cannot be taken apart ends both ways.
          this.#channel.reset(
            new AetherError(error instanceof Error ? error.message : String(error), "INVALID_ARGUMENT"),
          );
          controller.error(this.#toClosed(error));
        }
      },
      cancel: (reason) => this.#giveUp(reason ?? "its reader has gone"),
    }, { highWaterMark: 0 });
  }

  #writable(): WritableStream<Packet> {
    return new WritableStream<Packet>({
      start: (controller) => void this.closed.catch((error) => controller.error(error)),
      write: async (packet) => {
        try {
          const bytes = this.#unpacker ? packed(packet) : bytesOf(packet);
          this.#count(bytes.length);
          // By pieces: each that leaves is a sign of life, however long a large message takes.
          for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
            await this.#channel.write(bytes.subarray(at, at + CHUNK_BYTES));
            this.#active();
          }
        } catch (error) {
          throw this.#toClosed(error);
        }
      },
      close: () => {
        const says = this.#protocol === "websocket" && this.ownClose;
        this.#channel.end(NO_BYTES, says ? toTrailers(says) : undefined);
        this.#isWritten = true;
        this.#halfOver();
      },
      abort: (reason) => this.#giveUp(reason ?? "its writer has gone"),
    });
  }

  /** Whoever read or wrote stops: by a choice of its own, or because something failed, as where a pipe leads to. */
  #giveUp(reason: unknown): void {
    if (reason instanceof Error) this.#channel.reset(new AetherError(reason.message, "ABORTED", { cause: reason }));
    else this.close(String(reason));
  }

  #active(): void {
    this.#activeAt = this.#clock.now();
  }

  #count(bytes: number): void {
    this.#active();
    this.#bytes += bytes;
    const { maxBytes } = this.#limits;
    if (maxBytes === undefined || this.#bytes <= maxBytes) return;
    const error = new QuotaError(`more than ${maxBytes} bytes`, { details: { limit: maxBytes, current: this.#bytes } });
    this.#channel.reset(error);
    throw error;
  }

  #watch(): void {
    const { idleTimeoutMs } = this.#limits;
    if (idleTimeoutMs === undefined || this.#isOver) return;
    const left = this.#activeAt + idleTimeoutMs - this.#clock.now();
    if (left <= 0) return this.#channel.reset(new TimeoutError(`nothing for ${idleTimeoutMs} ms`));
    // One timer for the whole life, not one for each byte.
    this.#idle = this.#clock.timer(left, () => this.#watch());
  }

  #received(): void {
    this.#isReceived = true;
    this.#halfOver();
  }

  #halfOver(): void {
    if (this.#isReceived && this.#isWritten) this.#over(undefined);
  }

  #fail(error: AetherError): void {
    const closed = this.#toClosed(error);
    this.#over(closed.reason === "normal" ? undefined : closed);
  }

  #over(error: TunnelClosedError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#idle?.();
    if (error) this.#ended.reject(error);
    else this.#ended.resolve();
  }

  #toClosed(thrown: unknown): TunnelClosedError {
    return toTunnelClosed(this.#channel.error ?? thrown);
  }
}

function reasonOf(code: ErrorCode, late: TunnelCloseReason): TunnelCloseReason {
  switch (code) {
    case "DEADLINE_EXCEEDED":
      return late;
    case "RESOURCE_EXHAUSTED":
      return "quota";
    case "UNAVAILABLE":
      return "peer_reset";
    default:
      return "error";
  }
}

/** Why a tunnel ended, out of what ended its channel; `late` is what a deadline that has passed is called. */
export function toTunnelClosed(thrown: unknown, late: TunnelCloseReason = "idle_timeout"): TunnelClosedError {
  if (thrown instanceof TunnelClosedError) return thrown;
  const error = thrown instanceof AetherError ? thrown : undefined;
  const reason = error?.details?.tunnel === "normal" ? "normal" : error ? reasonOf(error.code, late) : "error";
  return new TunnelClosedError(reason, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}

function bytesOf(packet: Packet): Uint8Array {
  if (packet instanceof Uint8Array) return packet;
  if (typeof packet === "string") return new TextEncoder().encode(packet);
  throw new TypeError("A tunnel carries Uint8Array or texts");
}
