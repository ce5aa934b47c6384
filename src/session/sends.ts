// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, QuotaError } from "../errors.ts";
import { NO_BYTES } from "../base/bytes.ts";
import { FrameKind, FrameWriter, readU32, readU48 } from "../protocol/frames.ts";
import type { Receipt } from "../protocol/messages.ts";
import { Backlog, type Waiting } from "./backlog.ts";
import type { Flow } from "./flow.ts";
import { idBytes, metadataBytes, type Outgoing, topicBytes } from "./outgoing.ts";
import { PendingReceipt } from "./receipts.ts";

/** How much may wait for its receipt, and what happens beyond. */
export interface OutboxPolicy {
  maxMessages: number;
  maxBytes: number;
  overflow: "reject" | "drop-oldest";
}

/** What it needs of its session. */
export interface SendsLink {
  readonly flow: Flow;
  readonly policy: OutboxPolicy;
  /** Names the messages that are given no id. */
  readonly producer: string;
  isReady(): boolean;
  /** Tells about a message that nobody else may hear of. */
  report(error: unknown): void;
}

/** Messages on their way out: each has a number, waits for its receipt, and without a connection for that too. */
export class Sends {
  readonly #link: SendsLink;
  readonly #backlog = new Backlog();
  readonly #scratch = new FrameWriter(0);
  /** Without a receipt yet, by number; `#head` is the first that counts. */
  #open: PendingReceipt[] = [];
  #head = 0;
  #number = 0;
  #topic = "";
  #topicBytes: Uint8Array = NO_BYTES;

  constructor(link: SendsLink) {
    this.#link = link;
  }

  /** Sends one message. Hot path: no promise is made until the receipt is asked for. */
  send(message: Outgoing): Promise<Receipt> {
    const { flow, policy, producer } = this.#link;
    const id = idBytes(message.id);
    const meta = metadataBytes(message.metadata);
    if (this.#open.length - this.#head >= policy.maxMessages || this.#waitingBytes >= policy.maxBytes) {
      if (!this.#makeRoom()) return this.refuse(this.#full(message.topic));
    }
    const topic = message.topic === this.#topic ? this.#topicBytes : this.#encodeTopic(message.topic);
    const number = ++this.#number;
    const receipt = new PendingReceipt(number, message.id ?? producer, message.id !== undefined);
    this.#open.push(receipt);
    const isReady = this.#link.isReady();
    const writer = isReady ? flow.writer : this.#scratch;
    writer.send(message.messageType, number, message.ttlMs ?? 0, topic, id, meta, message.payload);
    if (isReady) flow.schedule();
    else this.#backlog.push(this.#scratch.take(), receipt);
    if (message.signal) this.#abortable(receipt, message.signal);
    return receipt;
  }

  /** Lays a frame that is no message: into the turn when ready, into the backlog otherwise, where it can be taken back. */
  write(lay: (writer: FrameWriter) => void): () => boolean {
    const { flow } = this.#link;
    if (this.#link.isReady()) {
      lay(flow.writer);
      flow.schedule();
      return isSent;
    }
    lay(this.#scratch);
    const frame = this.#scratch.take();
    this.#backlog.push(frame);
    return () => this.#backlog.remove((entry) => entry.frame === frame);
  }

  #encodeTopic(topic: string): Uint8Array {
    const bytes = topicBytes(topic);
    this.#topic = topic;
    return (this.#topicBytes = bytes);
  }

  get #waitingBytes(): number {
    return this.#link.flow.outbox.bytes + this.#backlog.bytes;
  }

  #full(topic: string): QuotaError {
    const { maxMessages, maxBytes } = this.#link.policy;
    const current = this.#open.length - this.#head;
    return new QuotaError(
      `Cannot send to "${topic}": ${current} messages (${this.#waitingBytes} bytes) wait for their receipts, at most ${maxMessages} (${maxBytes} bytes) may`,
      { details: { limit: maxMessages, current, limitBytes: maxBytes } },
    );
  }

  /** A receipt that has failed already. */
  refuse(error: AetherError): Promise<Receipt> {
    this.#link.report(error);
    return this.failed(error);
  }

  /** The same, when the caller is the one who knows. */
  failed(error: unknown): Promise<Receipt> {
    const receipt = new PendingReceipt(0, this.#link.producer, false);
    receipt.reject(error);
    return receipt;
  }

  /** Overflow policy `drop-oldest`: gives up the oldest message that is not on the wire. */
  #makeRoom(): boolean {
    if (this.#link.policy.overflow !== "drop-oldest") return false;
    const receipt = this.#backlog.removeOldest();
    if (!receipt) return false;
    this.#settle(receipt.number);
    this.#reject(
      receipt,
      new QuotaError(`Message ${receipt.id} was dropped: the outbox was full and its policy is drop-oldest`),
    );
    return true;
  }

  #abortable(receipt: PendingReceipt, signal: AbortSignal): void {
    const abort = (): void => {
      // On the wire it cannot be taken back; its receipt will still come.
      if (!this.#backlog.remove((entry) => entry.receipt === receipt)) return;
      this.#settle(receipt.number);
      receipt.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const off = (): void => signal.removeEventListener("abort", abort);
    receipt.then(off, off);
  }

  /** The gateway took a message. */
  taken(number: number, sequence: number, isDuplicate: boolean): void {
    this.#settle(number)?.resolve(sequence, isDuplicate);
  }

  /** The gateway refused one. */
  refused(number: number, error: AetherError): void {
    const receipt = this.#settle(number);
    if (receipt) this.#reject(receipt, error);
  }

  /** Takes a receipt out of the open ones. They come in order, but for what was dropped or aborted before. */
  #settle(number: number): PendingReceipt | undefined {
    let at = this.#head;
    if (this.#open[at]?.number !== number) {
      while (at < this.#open.length && this.#open[at].number < number) at++;
      if (this.#open[at]?.number !== number) return undefined;
      return this.#open.splice(at, 1)[0];
    }
    const receipt = this.#open[at];
    this.#head++;
    if (this.#head === this.#open.length || this.#head > 1024) {
      this.#open = this.#open.slice(this.#head);
      this.#head = 0;
    }
    return receipt;
  }

  #reject(receipt: PendingReceipt, error: unknown): void {
    receipt.reject(error);
    this.#link.report(error);
  }

  /** There is a connection: what has waited for it. */
  release(): Waiting[] {
    return this.#backlog.take();
  }

  /**
   * A new session: unconfirmed messages go again under their old numbers. Requests asked while away go out now; those
   * on the wire, and answers to the old session's, are gone with it. Returns the ids of requests that stay open.
   */
  begin(): Set<number> {
    const open = new Set<number>();
    for (let at = this.#head; at < this.#open.length; at++) open.add(this.#open[at].number);
    const again: Waiting[] = [];
    this.#link.flow.outbox.each(0, (kind, bytes, start, end) => {
      if (kind !== FrameKind.Send || !open.has(readU48(bytes, start + 8))) return;
      this.#scratch.copy(bytes, start, end);
      again.push({ frame: this.#scratch.take(), receipt: undefined });
    });
    const asked = new Set<number>();
    this.#backlog.rebuild(again, ({ frame, receipt }) => {
      const kind = frame[4];
      if (kind === FrameKind.Request) asked.add(readU32(frame, 8));
      if (kind === FrameKind.Call) asked.add(readU32(frame, 6));
      return receipt !== undefined || kind === FrameKind.Request || kind === FrameKind.Call || kind === FrameKind.Send;
    });
    return asked;
  }

  /** The client is closed: everything unconfirmed is given up. */
  end(why: unknown): void {
    const receipts = this.#open.slice(this.#head);
    this.#open = [];
    this.#head = 0;
    this.#backlog.take();
    for (const receipt of receipts) this.#reject(receipt, why);
  }
}

function isSent(): boolean {
  return false;
}
