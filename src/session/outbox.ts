// edge: no Deno, Bun, node: or cloudflare: names
import { eachFrame, type FrameVisitor, FrameWriter, isNumbered } from "../protocol/frames.ts";
import { giveBack } from "../protocol/spares.ts";

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
  /** Numbered frames ever written. */
  written = 0;
  /** Of these, those whose buffers have left for good: nobody reads them any more but who sends them again. */
  sent = 0;
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
    for (let [batch] = this.#batches; batch; [batch] = this.#batches) {
      const last = batch.first + batch.count - 1;
      if (last > received) break;
      this.bytes -= batch.bytes.length;
      if (last <= this.sent) giveBack(batch.bytes);
      this.#batches.shift();
    }
    return true;
  }

  /** Visits the numbered frames after `received`, oldest first. */
  each(received: number, visit: FrameVisitor): void {
    for (const batch of this.#batches) {
      let number = batch.first;
      eachFrame(batch.bytes, (kind, bytes, start, end) => {
        if (isNumbered(kind) && number++ > received) visit(kind, bytes, start, end);
      });
    }
  }

  /** Whether everything after `received` is still here. */
  holds(received: number): boolean {
    const oldest = this.#batches[0]?.first ?? this.written + 1;
    return received <= this.written && received + 1 >= oldest;
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
