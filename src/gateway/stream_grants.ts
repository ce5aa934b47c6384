// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { FrameWriter } from "../protocol/frames.ts";
import { CHUNK_BYTES, SOCKET_WINDOW, STREAM_WINDOW, STREAM_WINDOW_MOST } from "../protocol/limits.ts";
import { writeCredit } from "../protocol/stream_frames.ts";

/** The end of a stream by which bytes come in. */
interface Sender {
  readonly stream: number;
  readonly table: { readonly host: { readonly writer: FrameWriter; touch(): void } };
  /** Bytes its client may still send. */
  allowance: number;
}

/** The end by which they leave. */
interface Receiver {
  readonly other: Sender | undefined;
}

/** Bytes that one client may let others send it beyond the windows its streams began with, and that may wait for it. */
const MOST = 16 * 1024 * 1024;

/**
 * What a client lets others send it. It could let each of a thousand streams send megabytes, and then take nothing: what is
 * beyond its bound is kept back until it has taken what waits. The windows that streams begin with are always there.
 */
export class Grants {
  readonly #waiting: () => number;
  /** Bytes that may still be sent to it beyond those windows. */
  #wide = 0;
  /** What was granted and not passed on. */
  readonly #kept = new Map<Receiver, number>();

  /** @param waiting bytes that wait for the client */
  constructor(waiting: () => number) {
    this.#waiting = waiting;
  }

  /** The client lets a stream's other end send so much more. @throws {InvalidArgumentError} when nobody could mean it */
  add(leg: Receiver, count: number): void {
    const bytes = (this.#kept.get(leg) ?? 0) + count;
    if (leg.other!.allowance + bytes > 2 * STREAM_WINDOW_MOST) {
      throw new InvalidArgumentError(
        `Cannot take a credit of ${count} bytes: at most ${STREAM_WINDOW_MOST} may be open`,
      );
    }
    this.#give(leg, bytes);
  }

  /** So much of it was sent. Hot path. */
  spent(leg: Receiver, size: number): void {
    const other = leg.other!;
    const wide = other.allowance - STREAM_WINDOW;
    other.allowance -= size;
    if (wide > 0) this.#wide -= Math.min(wide, size);
    const bytes = this.#kept.size > 0 ? this.#kept.get(leg) : undefined;
    if (bytes !== undefined) this.#give(leg, bytes);
  }

  /** Some of what waited has left. */
  drained(): void {
    if (this.#kept.size === 0 || this.#waiting() > MOST) return;
    for (const [leg, bytes] of this.#kept) this.#give(leg, bytes);
  }

  /** A stream is over. */
  forget(leg: Receiver): void {
    this.#kept.delete(leg);
    if (leg.other) this.#wide -= Math.max(0, leg.other.allowance - STREAM_WINDOW);
  }

  #give(leg: Receiver, bytes: number): void {
    const other = leg.other!;
    const waiting = this.#waiting();
    const room = waiting > MOST ? 0 : Math.max(MOST - waiting - this.#wide, STREAM_WINDOW - other.allowance);
    const count = Math.min(bytes, room);
    // In small steps each would cost a frame.
    if (count < bytes && count < CHUNK_BYTES) return void this.#kept.set(leg, bytes);
    if (count < bytes) this.#kept.set(leg, bytes - count);
    else this.#kept.delete(leg);
    const before = Math.max(0, other.allowance - STREAM_WINDOW);
    other.allowance += count;
    this.#wide += Math.max(0, other.allowance - STREAM_WINDOW) - before;
    const { host } = other.table;
    writeCredit(host.writer, other.stream, count);
    host.touch();
  }
}

/** What a client may put into its socket, whatever stream it is of. */
export class Intake {
  #allowance: number = SOCKET_WINDOW;
  #unsaid = 0;

  /** Bytes came; returns how many more the client is to be told of. @throws {InvalidArgumentError} when it had no credit for them */
  take(size: number): number {
    this.#allowance -= size;
    if (this.#allowance < -CHUNK_BYTES) {
      throw new InvalidArgumentError("Cannot take a chunk beyond the credit of the connection");
    }
    const unsaid = this.#unsaid += size;
    if (unsaid * 4 < SOCKET_WINDOW) return 0;
    this.#allowance += unsaid;
    this.#unsaid = 0;
    return unsaid;
  }

  /** Another socket. */
  reset(): void {
    this.#allowance = SOCKET_WINDOW;
    this.#unsaid = 0;
  }
}
