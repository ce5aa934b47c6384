// edge: no Deno, Bun, node: or cloudflare: names
import type { CancelTimer, Clock } from "../base/clock.ts";
import { FrameWriter } from "../protocol/frames.ts";
import { BATCH_BYTES } from "../protocol/limits.ts";
import { Outbox } from "./outbox.ts";
import type { StreamEnd } from "./stream_port.ts";

/** An ack of its own leaves at the latest after this, in ms: below a human's notice, above every stall of small writes. */
const ACK_MS = 25;
/** … or when so many frames wait for it: a quarter of the gateway's window. */
const ACK_FRAMES = 256;
/** … or so many bytes. */
const ACK_BYTES = 256 * 1024;

/** What the flow needs of its session. */
export interface FlowLink {
  readonly clock: Clock;
  /** Whether frames may go out. */
  isReady(): boolean;
  /** Puts a message on the wire. */
  readonly transmit: (bytes: Uint8Array) => boolean | undefined;
  /** Messages handled in this session. */
  handled(): number;
  /** Streams of the connection, once there are any. */
  streams(): StreamEnd | undefined;
}

/**
 * Numbered frames both ways: the frames of a turn leave as one message and are kept until acknowledged; what arrives is
 * counted, and the counts ride on what leaves anyway, or on a timer.
 */
export class Flow {
  /** Where frames of this turn are laid; ask for {@link Flow.schedule} afterwards. */
  readonly writer: FrameWriter = new FrameWriter();
  outbox: Outbox = new Outbox();
  readonly #link: FlowLink;
  /** Numbered frames received in this session. */
  received = 0;
  #receivedBytes = 0;
  #saidReceived = 0;
  #saidHandled = 0;
  #scheduled = false;
  #ackTimer: CancelTimer | undefined;
  /** A queue gives out one message at a time and waits for the word that it was handled. */
  isQueueWorker = false;

  constructor(link: FlowLink) {
    this.#link = link;
  }

  /** What was laid leaves at the end of this turn, or now when it is much. */
  schedule(): void {
    if (this.writer.size >= BATCH_BYTES) this.flush();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#endOfTurn);
  }

  readonly #endOfTurn = (): void => {
    this.#scheduled = false;
    const streams = this.#link.streams();
    if (streams) this.flushWith(streams);
    this.flush();
  };

  /** Lays data of streams, which is not replayed: apart from what is kept for that. */
  flushWith(streams: StreamEnd): void {
    if (this.writer.numbered > 0) this.flush();
    streams.flush(this.writer, this.#link.transmit);
  }

  /** Sends what was laid, with the counts beside it. */
  flush(): void {
    if (this.writer.size === 0) return;
    if (this.received > this.#saidReceived || this.#link.handled() > this.#saidHandled) this.layAck();
    const bytes = this.#seal();
    this.#link.transmit(bytes);
  }

  #seal(): Uint8Array {
    const count = this.writer.numbered;
    const bytes = this.writer.take();
    this.outbox.push(bytes, count);
    return bytes;
  }

  /** Lays the counts. */
  layAck(): void {
    const handled = this.#link.handled();
    this.#saidReceived = this.received;
    this.#saidHandled = handled;
    this.#receivedBytes = 0;
    this.writer.ack(this.received, handled);
    this.#ackTimer?.();
    this.#ackTimer = undefined;
  }

  /** A numbered frame came. */
  count(bytes: number): void {
    this.received++;
    this.#receivedBytes += bytes;
  }

  /** A WebSocket message has been walked through: says so now or later. */
  counted(): void {
    if (this.received - this.#saidReceived >= ACK_FRAMES || this.#receivedBytes >= ACK_BYTES) this.#sayAck();
    else if (this.received > this.#saidReceived) this.#ackLater();
  }

  /** Messages have been handled: says so now or later. */
  advanced(): void {
    // On a timer a queue's worker would idle between two messages.
    if (this.isQueueWorker || this.#link.handled() - this.#saidHandled >= ACK_FRAMES) this.#sayAck();
    else this.#ackLater();
  }

  #sayAck(): void {
    if (!this.#link.isReady()) return;
    if (this.received === this.#saidReceived && this.#link.handled() === this.#saidHandled) return;
    this.layAck();
    this.schedule();
  }

  #ackLater(): void {
    this.#ackTimer ??= this.#link.clock.timer(ACK_MS, () => {
      this.#ackTimer = undefined;
      this.#sayAck();
    });
  }

  /** The counts went out in a hello. */
  said(): void {
    this.#saidReceived = this.received;
    this.#saidHandled = this.#link.handled();
  }

  /** No connection: what was laid for this turn is kept for replay. */
  pause(): void {
    if (this.writer.size > 0) this.#seal();
    this.#ackTimer?.();
    this.#ackTimer = undefined;
  }

  /** A new session: counts begin again and nothing is kept. */
  reset(): void {
    this.outbox = new Outbox();
    this.writer.take();
    this.received =
      this.#receivedBytes =
      this.#saidReceived =
      this.#saidHandled =
        0;
  }
}
