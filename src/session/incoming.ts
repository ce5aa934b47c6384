// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { fromUtf8, textAt } from "../base/bytes.ts";
import { FLAG_PRODUCER_ID, type MessageView, readU48 } from "../protocol/frames.ts";
import type { MessageType } from "../protocol/messages.ts";
import { decodeStructured } from "../protocol/structured.ts";
import { messageId } from "./receipts.ts";

/** What a handler of a request may answer with. */
export type ReplyPayload = Uint8Array | string;

/** How a request is answered; undefined for a message. */
export interface Replier {
  /** Aborts when the asker does not wait any more. */
  readonly signal: AbortSignal;
  /** Sends the one answer. */
  reply(payload: ReplyPayload): void;
}

/**
 * A message, read on demand: a handler that looks at the payload only pays for nothing else.
 */
export class IncomingMessage {
  readonly #bytes: Uint8Array;
  readonly #view: Readonly<MessageView>;
  readonly #replier: Replier | undefined;
  #payload: Uint8Array | undefined;
  #source: string | undefined;
  #metadata: Record<string, string> | undefined;
  /** Label of the payload. */
  readonly messageType: MessageType;
  /** Position in its lane, from 1; 0 for a request. */
  readonly sequence: number;
  /** When the gateway took it, ms since epoch; for a request, when it arrived here. */
  readonly receivedAt: number;

  /**
   * Makes one.
   * @param view where the parts lie; the message's own from now on
   */
  constructor(view: MessageView, at: number, replier?: Replier) {
    this.#bytes = view.bytes;
    this.#view = view;
    this.#replier = replier;
    this.messageType = view.messageType as MessageType;
    this.sequence = replier ? 0 : view.number;
    this.receivedAt = at;
  }

  /** Topic of the sender, stamped by the gateway. */
  get sourceTopic(): string {
    return (this.#source ??= textAt(this.#bytes, this.#view.sourceStart, this.#view.sourceEnd));
  }

  /** Topic it was sent to; for a request that of the sender. */
  get targetTopic(): string {
    return textAt(this.#bytes, this.#view.targetStart, this.#view.targetEnd);
  }

  /** Workspace of the sender; empty when it has none. */
  get workspace(): string {
    return textAt(this.#bytes, this.#view.workspaceStart, this.#view.idStart);
  }

  /** The bytes. Yours to keep: a small payload is copied out of the larger message it came in. */
  get payload(): Uint8Array {
    if (this.#payload) return this.#payload;
    const { payloadStart, payloadEnd } = this.#view;
    const most = (payloadEnd - payloadStart) * 2 >= this.#bytes.buffer.byteLength;
    return (this.#payload = most
      ? this.#bytes.subarray(payloadStart, payloadEnd)
      : this.#bytes.slice(payloadStart, payloadEnd));
  }

  /** The message's id: the same id is delivered once. */
  get id(): string {
    const { idStart, metaStart, flags, number } = this.#view;
    if (this.#replier) return String(number);
    if (!(flags & FLAG_PRODUCER_ID)) return fromUtf8(this.#bytes.subarray(idStart, metaStart));
    return messageId(textAt(this.#bytes, idStart, metaStart - 6), readU48(this.#bytes, metaStart - 6));
  }

  /** What the sender put beside the payload; empty when nothing. */
  get metadata(): Record<string, string> {
    return (this.#metadata ??= this.#readMetadata());
  }

  #readMetadata(): Record<string, string> {
    const { metaStart, payloadStart } = this.#view;
    if (metaStart === payloadStart) return {};
    let decoded: unknown;
    try {
      decoded = decodeStructured(this.#bytes.subarray(metaStart, payloadStart));
    } catch {
      // A foreign client may have put anything here; it is not worth a lost message.
      return {};
    }
    const clean: Record<string, string> = {};
    for (const [name, value] of Object.entries((decoded ?? {}) as object)) {
      if (typeof value === "string") clean[name] = value;
    }
    return clean;
  }

  /** The payload as UTF-8 text. */
  text(): string {
    return fromUtf8(this.payload);
  }

  /** The payload as JSON. @throws {SyntaxError} when it is not */
  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T;
  }

  /** Aborts when the asker of a request does not wait any more; never for a message. */
  get signal(): AbortSignal {
    return this.#replier?.signal ?? neverAborted();
  }

  /** Whether an answer is awaited. */
  get isRequest(): boolean {
    return this.#replier !== undefined;
  }

  /** Answers a request. @throws {InvalidArgumentError} when this is no request */
  reply(payload: ReplyPayload): void {
    if (!this.#replier) {
      throw new InvalidArgumentError(
        "Cannot reply to a message: only a request awaits an answer; send to its sourceTopic instead",
      );
    }
    this.#replier.reply(payload);
  }
}

let never: AbortSignal | undefined;

/** Made on first use: workerd forbids making one while a module loads. */
function neverAborted(): AbortSignal {
  return (never ??= new AbortController().signal);
}
