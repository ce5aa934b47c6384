// edge: no Deno, Bun, node: or cloudflare: names
import { letGo } from "../base/let_go.ts";
import { eachFrame, FrameKind, FrameWriter, readU32 } from "../protocol/frames.ts";
import { writeReceipts } from "../protocol/frames_down.ts";
import { giveBack } from "../protocol/spares.ts";
import { BATCH_BYTES } from "../protocol/limits.ts";
import { Outbox } from "../session/outbox.ts";
import type { Transport } from "../transport/transport.ts";
import { joined } from "./joined.ts";

/** From here on a frame leaves as it is kept: to copy it into a message with others would cost more than sending twice. */
const LARGE_FRAME = 16 * 1024;

/** Nothing: of ten thousand who are idle none brings lists of its own. Never written into. */
const NONE: Uint8Array[] = [];
const NO_RECEIPTS: number[] = [];

/** Data of streams, which is not replayed. */
interface StreamData {
  flush(writer: FrameWriter, send: (bytes: Uint8Array) => void): void;
}

/**
 * What leaves for one client: frames are laid, closed at the end of the turn into messages that are kept until the client has
 * them, and sent when that turn is durable.
 */
export class Departures {
  /** Where frames of this turn are laid. */
  readonly writer: FrameWriter = new FrameWriter();
  readonly #outbox: Outbox = new Outbox();
  /** Frames that others get as well, before what the writer has. */
  #common: Uint8Array[] = NONE;
  #commonBytes = 0;
  #receipts: number[] = NO_RECEIPTS;
  /** Whole messages of this turn, and those whose turn is being committed. */
  #sealed: Uint8Array[] = NONE;
  #outgoing: Uint8Array[] = NONE;
  /** Of both, those that hold nothing that is ever sent again. */
  #loose: Uint8Array[] = NONE;
  #outgoingLoose: Uint8Array[] = NONE;
  /** Numbered frames in them and before. */
  #sealedTo = 0;
  /** Whether there is a socket: without one what is laid waits for the next. */
  hasSocket = false;

  /** Bytes the client has not confirmed. */
  get kept(): number {
    return this.#outbox.bytes;
  }

  /** … and those of this turn. */
  get bytes(): number {
    return this.#outbox.bytes + this.#commonBytes + this.writer.size;
  }

  /** Numbered frames ever closed into a message. */
  get written(): number {
    return this.#outbox.written;
  }

  /** Whether something was laid in this turn. */
  get isLaid(): boolean {
    return this.writer.size > 0 || this.#common.length > 0;
  }

  /** A message; `isCommon` when others get the very same. Hot path. */
  message(frame: Uint8Array, isCommon: boolean): void {
    if (frame.length >= LARGE_FRAME) {
      this.close();
      this.#keep(frame, 1, true);
    } else if (isCommon && this.writer.size === 0) {
      this.#common = added(this.#common, frame);
      this.#commonBytes += frame.length;
      if (this.#commonBytes >= BATCH_BYTES) this.close();
    } else this.writer.copy(frame, 0, frame.length);
  }

  /** A receipt; those of a turn share a frame. Hot path. */
  receipt(flags: number, number: number, sequence: number): void {
    if (this.#receipts === NO_RECEIPTS) this.#receipts = [flags, number, sequence];
    else this.#receipts.push(flags, number, sequence);
  }

  /** Lays the receipts: what comes next comes behind them. */
  closeReceipts(): void {
    if (this.#receipts.length === 0) return;
    writeReceipts(this.writer, this.#receipts);
    this.#receipts = NO_RECEIPTS;
  }

  /** Turns what was laid into a message that is kept for replay. */
  close(): void {
    this.closeReceipts();
    if (this.#common.length > 0) this.#closeCommon();
    if (this.writer.size === 0) return;
    const count = this.writer.numbered;
    this.#keep(this.writer.take(), count);
  }

  #closeCommon(): void {
    const frames = this.#common;
    this.#common = NONE;
    this.#commonBytes = 0;
    if (this.writer.size === 0) return this.#keep(joined(frames), frames.length, true);
    // With more behind them that is this one's alone they are written as others are.
    const rest = this.writer.take();
    for (const frame of frames) this.writer.copy(frame, 0, frame.length);
    eachFrame(rest, (_, bytes, start, end) => this.writer.copy(bytes, start, end));
  }

  #keep(bytes: Uint8Array, count: number, isShared = false): void {
    this.#outbox.push(bytes, count, isShared);
    if (!this.hasSocket) return;
    this.#sealed = added(this.#sealed, bytes);
    if (count === 0) this.#loose = added(this.#loose, bytes);
  }

  /** Ends the turn: what was laid leaves with the next {@link Departures.send}. Data does not share a message with what is kept. */
  seal(streams: StreamData | undefined): void {
    if (streams) {
      if (this.writer.numbered > 0 || this.#common.length > 0) this.close();
      streams.flush(this.writer, (bytes) => {
        this.#sealed = added(this.#sealed, bytes);
        if (!isLargeChunk(bytes)) this.#loose = added(this.#loose, bytes);
      });
    }
    this.close();
    this.#outgoing = appended(this.#outgoing, this.#sealed);
    this.#outgoingLoose = appended(this.#outgoingLoose, this.#loose);
    this.#sealed = this.#loose = NONE;
    this.#sealedTo = this.#outbox.written;
  }

  /** Sends what was sealed: it is durable now. */
  send(transport: Transport | undefined): void {
    const outgoing = this.#outgoing;
    const loose = this.#outgoingLoose;
    this.#outgoing = this.#outgoingLoose = NONE;
    if (!transport) return;
    const { isCopying } = transport;
    for (const bytes of outgoing) {
      transport.send(bytes);
      // Messages are kept until the client has them; data of streams is not.
      if (isCopying && isLargeChunk(bytes)) letGo(bytes);
    }
    if (isCopying) loose.forEach(giveBack);
    this.#outbox.left(isCopying, this.#sealedTo);
  }

  /** Sends all there is, for the last time. */
  sendLast(transport: Transport): void {
    for (const bytes of [...this.#outgoing, ...this.#sealed]) transport.send(bytes);
  }

  /** Drops what the client has. A count from the future means it is confused: false. */
  acknowledge(received: number): boolean {
    return this.#outbox.acknowledge(received);
  }

  /** Whether everything after `received` is still here. */
  holds(received: number): boolean {
    this.close();
    let count = 0;
    this.#outbox.each(received, () => count++);
    return count === this.#outbox.written - received;
  }

  /** Another socket: sends what its client does not have. */
  replay(received: number, transport: Transport): void {
    this.#drop();
    for (const message of this.#outbox.replay(received, BATCH_BYTES)) transport.send(message);
  }

  #drop(): void {
    this.#sealed =
      this.#outgoing =
      this.#loose =
      this.#outgoingLoose =
        NONE;
  }

  /** Drops what was not sent: it is not durable. */
  discard(): void {
    this.#drop();
    this.#common = NONE;
    this.#commonBytes = 0;
    this.#receipts = NO_RECEIPTS;
    this.writer.take();
  }
}

function appended(list: Uint8Array[], more: Uint8Array[]): Uint8Array[] {
  if (list === NONE) return more;
  list.push(...more);
  return list;
}

/** Whether a message is one large piece of a stream: it came as it is, and nobody else has it. */
function isLargeChunk(bytes: Uint8Array): boolean {
  return bytes.length >= LARGE_FRAME && bytes[4] === FrameKind.Chunk && readU32(bytes, 0) + 4 === bytes.length;
}

function added(list: Uint8Array[], bytes: Uint8Array): Uint8Array[] {
  if (list === NONE) return [bytes];
  list.push(bytes);
  return list;
}
