// edge: no Deno, Bun, node: or cloudflare: names
import { eachFrame, type FrameVisitor, FrameWriter, isNumbered } from "../protocol/frames.ts";

interface Batch {
  bytes: Uint8Array;
  /** Number of the first numbered frame in it. */
  first: number;
  count: number;
}

/**
 * Numbered frames that were written and not yet acknowledged, kept as the very buffers that went out: one entry per
 * turn, not per frame. Numbers are implicit, 1, 2, 3 …, because a WebSocket keeps order (as in XMPP's XEP-0198).
 */
export class Outbox {
  #batches: Batch[] = [];
  #head = 0;
  /** Numbered frames ever written. */
  written = 0;
  /** Bytes held. */
  bytes = 0;

  /** Keeps a buffer that holds `count` numbered frames. */
  push(bytes: Uint8Array, count: number): void {
    if (count === 0) return;
    this.#batches.push({ bytes, first: this.written + 1, count });
    this.written += count;
    this.bytes += bytes.length;
  }

  /** Drops what the peer has. A count from the future means the peer is confused: false. */
  acknowledge(received: number): boolean {
    if (received > this.written) return false;
    while (this.#head < this.#batches.length) {
      const batch = this.#batches[this.#head];
      if (batch.first + batch.count - 1 > received) break;
      this.bytes -= batch.bytes.length;
      this.#head++;
    }
    if (this.#head > 64 && this.#head * 2 > this.#batches.length) {
      this.#batches = this.#batches.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  /** Visits the numbered frames after `received`, oldest first. */
  each(received: number, visit: FrameVisitor): void {
    for (let at = this.#head; at < this.#batches.length; at++) {
      const batch = this.#batches[at];
      let number = batch.first;
      eachFrame(batch.bytes, (kind, bytes, start, end) => {
        if (isNumbered(kind) && number++ > received) visit(kind, bytes, start, end);
      });
    }
  }

  /** Whether everything after `received` is still here. */
  holds(received: number): boolean {
    if (received > this.written) return false;
    const oldest = this.#head < this.#batches.length ? this.#batches[this.#head].first : this.written + 1;
    return received + 1 >= oldest;
  }

  /** The frames after `received` as WebSocket messages of about `batchBytes`. They stay in the outbox. */
  replay(received: number, batchBytes: number): Uint8Array[] {
    const messages: Uint8Array[] = [];
    const writer = new FrameWriter();
    this.each(received, (_, bytes, start, end) => {
      writer.copy(bytes, start, end);
      if (writer.size >= batchBytes) messages.push(writer.take());
    });
    if (writer.size > 0) messages.push(writer.take());
    return messages;
  }

  /** Forgets everything; numbers start again. For a new session. */
  clear(): void {
    this.#batches = [];
    this.#head = this.written = this.bytes = 0;
  }
}
