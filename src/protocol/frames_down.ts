// edge: no Deno, Bun, node: or cloudflare: names
import {
  DELIVER_HEAD,
  FLAG_PRODUCER_ID,
  FRAME_HEAD,
  FrameKind,
  type FrameWriter,
  type MessageView,
  RECEIPT_BYTES,
} from "./frames.ts";

// Frames that only a gateway writes, apart from the writer so that a client's bundle does not carry them.

/** Who sent a message, as the gateway stamps it. */
export interface Stamp {
  /** The lane's sequence. */
  readonly sequence: number;
  /** When the gateway took it, ms since epoch. */
  readonly at: number;
  /** Topic of the sender. */
  readonly source: Uint8Array;
  /** Topic it was sent to. */
  readonly target: Uint8Array;
  /** Workspace of the sender, empty for none. */
  readonly workspace: Uint8Array;
  /** The sender's producer name. */
  readonly producer: Uint8Array;
}

/** A message to a client, made of a `Send` as it came in and what the gateway adds. */
export function writeDeliver(writer: FrameWriter, view: MessageView, stamp: Stamp): void {
  const { source, target, workspace, producer } = stamp;
  const byProducer = view.idStart === view.metaStart;
  const id = byProducer ? producer.length + 6 : view.metaStart - view.idStart;
  const meta = view.payloadStart - view.metaStart;
  const payload = view.payloadEnd - view.payloadStart;
  const length = DELIVER_HEAD + 1 + source.length + target.length + workspace.length + id + meta + payload;
  const start = writer.open(FrameKind.Deliver, byProducer ? FLAG_PRODUCER_ID : 0, length);
  writer.u16(start + 6, view.messageType << 8 | id);
  writer.u48(start + 8, stamp.sequence);
  writer.u48(start + 14, stamp.at);
  writer.u16(start + 20, source.length);
  writer.u16(start + 22, target.length);
  writer.u16(start + 24, meta);
  // One byte, and one of the source, which is written next; as below.
  writer.u16(start + DELIVER_HEAD, workspace.length << 8);
  let to = writer.put(start + DELIVER_HEAD + 1, source);
  to = writer.put(to, target);
  to = writer.put(to, workspace);
  if (byProducer) {
    to = writer.put(to, producer);
    writer.u48(to, view.number);
    to += 6;
  } else to = writer.put(to, view.bytes.subarray(view.idStart, view.metaStart));
  // Metadata and payload lie side by side in both frames: one copy for the two.
  writer.put(to, view.bytes.subarray(view.metaStart, view.payloadEnd));
}

/** Sends that were taken: flags, number and sequence of each, in one flat list. */
export function writeReceipts(writer: FrameWriter, entries: readonly number[]): void {
  let to = FRAME_HEAD + writer.open(FrameKind.Receipts, 0, FRAME_HEAD + (entries.length / 3) * RECEIPT_BYTES);
  for (let entry = 0; entry < entries.length; entry += 3) {
    writer.u16(to, entries[entry] << 8);
    writer.u48(to + 1, entries[entry + 1]);
    writer.u48(to + 7, entries[entry + 2]);
    to += RECEIPT_BYTES;
  }
}

/** A send that was refused. */
export function writeReject(writer: FrameWriter, number: number, error: Uint8Array): void {
  const at = writer.open(FrameKind.Reject, 0, FRAME_HEAD + 6 + error.length);
  writer.u48(at + 6, number);
  writer.put(at + 12, error);
}
