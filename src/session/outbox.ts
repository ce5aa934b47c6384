// edge: no Deno, Bun, node: or cloudflare: names
import { eachFrame, type FrameVisitor, FrameWriter, isNumbered } from "../protocol/frames.ts";
import { giveBack } from "../protocol/spares.ts";

interface Batch {
  bytes: Uint8Array;
  /** Number of the first numbered frame in it. */
  first: number;
  count: number;
  /** Whether somebody else has these bytes too. */
  isShared: boolean | undefined;
  next: Batch | undefined;
}

/**
 * Numbered frames that were written and not yet acknowledged, kept as the very buffers that went out: one entry per
 * turn, not per frame. Numbers are implicit, 1, 2, 3 …, because a WebSocket keeps order (as in XMPP's XEP-0198).
 */
export class Outbox {
  #first: Batch | undefined;
  #last: Batch | undefined;
  /** Numbered frames ever written. */
  written = 0;
  /** Of these, those whose buffers were copied when they left: nobody reads them any more but who sends them again. */
  #left = 0;
  /** Bytes held. */
  bytes = 0;

  /** Keeps a buffer that holds `count` numbered frames. */
  push(bytes: Uint8Array, count: number, isShared?: boolean): void {
    if (count === 0) return;
    const batch: Batch = { bytes, first: this.written + 1, count, isShared, next: undefined };
    if (this.#first) this.#last!.next = batch;
    else this.#first = batch;
    this.#last = batch;
    this.written += count;
    this.bytes += bytes.length;
  }

  /** Drops what the peer has. A count from the future means the peer is confused: false. */
  acknowledge(received: number): boolean {
    if (received > this.written) return false;
    for (let batch = this.#first; batch; batch = this.#first) {
      const last = batch.first + batch.count - 1;
      if (last > received) break;
      this.bytes -= batch.bytes.length;
      if (last <= this.#left && !batch.isShared) giveBack(batch.bytes);
      this.#first = batch.next;
      // One that has grown old would keep all that came after it.
      batch.next = undefined;
    }
    this.#last = this.#first && this.#last;
    return true;
  }

  /** Everything up to a number has left. What has gone once without being copied may be read by anybody, for good. */
  left(isCopied = false, through = this.written): void {
    this.#left = isCopied && this.#left >= 0 ? through : -1;
  }

  /** Visits the numbered frames after `received`, oldest first. */
  each(received: number, visit: FrameVisitor): void {
    for (let batch = this.#first; batch; batch = batch.next) {
      let number = batch.first;
      eachFrame(batch.bytes, (kind, bytes, start, end) => {
        if (isNumbered(kind) && number++ > received) visit(kind, bytes, start, end);
      });
    }
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
}
