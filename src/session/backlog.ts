// edge: no Deno, Bun, node: or cloudflare: names
import type { PendingReceipt } from "./receipts.ts";

/** A frame that waits for a connection; `receipt` when it is a message. */
export interface Waiting {
  readonly frame: Uint8Array;
  readonly receipt: PendingReceipt | undefined;
}

/** Frames laid while there is no connection, oldest first. */
export class Backlog {
  #frames: Waiting[] = [];
  /** Bytes held. */
  bytes = 0;

  /** Adds one. */
  push(frame: Uint8Array, receipt?: PendingReceipt): void {
    this.#frames.push({ frame, receipt });
    this.bytes += frame.length;
  }

  /** Takes one back; false when it is not here any more. */
  remove(isIt: (entry: Waiting) => boolean): boolean {
    return this.#removeAt(this.#frames.findIndex(isIt)) !== undefined;
  }

  /** Takes the oldest message out, if there is one. */
  removeOldest(): PendingReceipt | undefined {
    return this.#removeAt(this.#frames.findIndex((entry) => entry.receipt))?.receipt;
  }

  #removeAt(at: number): Waiting | undefined {
    if (at < 0) return undefined;
    const [entry] = this.#frames.splice(at, 1);
    this.bytes -= entry.frame.length;
    return entry;
  }

  /** Keeps some of them, behind others that go first. */
  rebuild(first: Waiting[], keep: (entry: Waiting) => boolean): void {
    this.#frames = [...first, ...this.#frames.filter(keep)];
    this.bytes = this.#frames.reduce((sum, { frame }) => sum + frame.length, 0);
  }

  /** All of them, for good. */
  take(): Waiting[] {
    const frames = this.#frames;
    this.#frames = [];
    this.bytes = 0;
    return frames;
  }
}
