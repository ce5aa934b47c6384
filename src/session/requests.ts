// edge: no Deno, Bun, node: or cloudflare: names
import {
  type AetherError,
  ConnectionClosedError,
  InvalidArgumentError,
  NotFoundError,
  TimeoutError,
} from "../errors.ts";
import { NO_BYTES, utf8 } from "../base/bytes.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { encodeError, fromWireError } from "../protocol/error_wire.ts";
import { STRUCTURED_BYTES } from "../protocol/limits.ts";
import { FLAG_ERROR, FRAME_HEAD, FrameKind, type FrameWriter, MessageView, readU32 } from "../protocol/frames.ts";
import { decodeStructured, encodeBriefly } from "../protocol/structured.ts";
import { IncomingMessage, type ReplyPayload } from "./incoming.ts";

/** Answers one request: what it returns is the answer, what it throws reaches the asker as a typed error. */
export type RequestHandler = (message: IncomingMessage) => ReplyPayload | void | Promise<ReplyPayload | void>;

/** What the request table needs of its session. */
export interface RequestLink {
  /** Lays a frame; the returned function takes it back, and says whether it could: on the wire it cannot. */
  write(lay: (writer: FrameWriter) => void): () => boolean;
  readonly clock: Clock;
  timeoutMs(): number;
}

/** A reply to come that no frame of its own asks for: another call names it. */
export interface Expected {
  readonly id: number;
  /** Rejects when the session is lost. */
  readonly reply: Promise<unknown>;
  /** It is not waited for any more. */
  forget(): void;
}

interface Asked {
  /** Takes the reply's body. */
  answer(bytes: Uint8Array, start: number, end: number): void;
  reject(error: unknown): void;
}

/** How long to wait for an answer, and what ends the wait. */
export interface WaitOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
}

/** Requests both ways: those asked here and open, and those being answered here. */
export class Requests {
  readonly #link: RequestLink;
  readonly #asked = new Map<number, Asked>();
  readonly #serving = new Map<number, AbortController>();
  #handler: RequestHandler | undefined;
  #next = 1;

  constructor(link: RequestLink) {
    this.#link = link;
  }

  /** Sets the handler; setting a second one is an error, because only one can answer. */
  serve(handler: RequestHandler): () => void {
    if (this.#handler) {
      throw new InvalidArgumentError("Cannot add a second request handler: a request has exactly one answer");
    }
    this.#handler = handler;
    return () => {
      if (this.#handler === handler) this.#handler = undefined;
    };
  }

  /** Asks; settles with one answer or a typed error. */
  ask(
    topic: string,
    payload: Uint8Array,
    meta: Uint8Array,
    options: WaitOptions & { messageType?: number },
  ): Promise<IncomingMessage> {
    const lay = (writer: FrameWriter, id: number, timeoutMs: number): void =>
      writer.request(options.messageType ?? 0, id, timeoutMs, utf8(topic), NO_BYTES, meta, payload);
    return this.#put(`"${topic}"`, lay, options, (bytes, start, end, id) => {
      const view = new MessageView();
      view.bytes = bytes;
      view.messageType = bytes[start + 6];
      view.payloadStart = start + FRAME_HEAD + 6;
      view.payloadEnd = end;
      return new Answer(view, this.#link.clock.now(), topic, id);
    });
  }

  /** Has the gateway do a named operation; settles with its output or a typed error. */
  call(op: string, input: unknown, options: WaitOptions): Promise<unknown> {
    // Laid before anything else is encoded.
    const body = encodeBriefly({ op, in: input });
    if (body.length > STRUCTURED_BYTES) {
      throw new InvalidArgumentError(
        `Cannot ${op} with ${body.length} bytes: at most ${STRUCTURED_BYTES} are allowed in one call`,
        undefined,
        { details: { limit: STRUCTURED_BYTES, current: body.length } },
      );
    }
    const lay = (writer: FrameWriter, id: number): void => writer.structured(FrameKind.Call, body, id);
    return this.#put(`the gateway to ${op}`, lay, options, outputOf);
  }

  /** Waits for a reply that another call is to name. */
  expect(): Expected {
    const id = this.#next++ >>> 0;
    const reply = new Promise((resolve, reject) =>
      this.#asked.set(id, { answer: (...frame) => resolve(outputOf(...frame)), reject })
    );
    return { id, reply, forget: () => void this.#asked.delete(id) };
  }

  /** Lays a frame that is answered by a reply, and waits for it. */
  #put<T>(
    whom: string,
    lay: (writer: FrameWriter, id: number, timeoutMs: number) => void,
    { signal, timeoutMs = this.#link.timeoutMs() }: WaitOptions,
    read: (bytes: Uint8Array, start: number, end: number, id: number) => T,
  ): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!(timeoutMs > 0)) {
      throw new InvalidArgumentError(`Cannot wait ${timeoutMs} ms for an answer: timeout must be above 0`, "timeout");
    }
    return new Promise((resolve, reject) => {
      const id = this.#next++ >>> 0;
      let late: CancelTimer | undefined;
      const give = (error: unknown): void => {
        if (!this.#asked.delete(id)) return;
        settle();
        // What was never sent need not be cancelled, and must not be done an hour later.
        if (!takeBack()) this.#link.write((writer) => writer.cancel(id));
        reject(error);
      };
      const abort = (): void => give(signal!.reason);
      const settle = (): void => {
        late?.();
        signal?.removeEventListener("abort", abort);
      };
      // A wait of weeks is no wait: timers end at 2^31.
      if (timeoutMs < 2 ** 31) {
        late = this.#link.clock.timer(
          timeoutMs,
          () => give(new TimeoutError(`No answer from ${whom} within ${timeoutMs} ms`)),
        );
      }
      signal?.addEventListener("abort", abort, { once: true });
      this.#asked.set(id, {
        answer: (bytes, start, end) => (settle(), resolve(read(bytes, start, end, id))),
        reject: (error) => (settle(), reject(error)),
      });
      const takeBack = this.#link.write((writer) => lay(writer, id, Math.min(timeoutMs, 2 ** 32 - 1)));
    });
  }

  /** An answer came. */
  answered(bytes: Uint8Array, start: number, end: number): void {
    const id = readU32(bytes, start + 8);
    const asked = this.#asked.get(id);
    if (!asked) return;
    this.#asked.delete(id);
    if (bytes[start + 5] & FLAG_ERROR) {
      return asked.reject(fromWireError(decodeStructured(bytes.subarray(start + FRAME_HEAD + 6, end))));
    }
    asked.answer(bytes, start, end);
  }

  /** Somebody asks here. Handlers run side by side; the gateway bounds how many. */
  asked(view: MessageView): void {
    const id = view.number;
    const controller = new AbortController();
    let answered = false;
    const answer = (payload: ReplyPayload | void): void => {
      if (answered) return;
      answered = true;
      this.#serving.delete(id);
      const body = payload === undefined ? NO_BYTES : typeof payload === "string" ? utf8(payload) : payload;
      if (!(body instanceof Uint8Array)) {
        return refuse(
          new InvalidArgumentError("Cannot answer: a handler must return a Uint8Array, a text or nothing"),
          true,
        );
      }
      this.#link.write((writer) => writer.reply(id, 0, 0, body));
    };
    const refuse = (error: unknown, again = false): void => {
      if (answered && !again) return;
      answered = true;
      this.#serving.delete(id);
      this.#link.write((writer) => writer.reply(id, FLAG_ERROR, 0, encodeError(error)));
    };
    if (!this.#handler) {
      return refuse(new NotFoundError("Nobody answers requests there: the principal has no onRequest handler"));
    }
    this.#serving.set(id, controller);
    const message = new IncomingMessage(view, this.#link.clock.now(), { signal: controller.signal, reply: answer });
    try {
      const result = this.#handler(message);
      if (result instanceof Promise) result.then(answer, refuse);
      // A synchronous handler that returns nothing may have kept the message to reply later.
      else if (result !== undefined) answer(result);
    } catch (error) {
      refuse(error);
    }
  }

  /** The asker does not wait any more. */
  cancelled(id: number): void {
    const controller = this.#serving.get(id);
    this.#serving.delete(id);
    controller?.abort(
      new ConnectionClosedError("The asker does not wait for the answer any more", { retryable: false }),
    );
  }

  /** The session is gone: what was open fails but for `kept`, what is being answered is nobody's. */
  lost(error: AetherError, kept?: ReadonlySet<number>): void {
    for (const [id, { reject }] of [...this.#asked]) {
      if (kept?.has(id)) continue;
      this.#asked.delete(id);
      reject(error);
    }
    for (const controller of this.#serving.values()) controller.abort(error);
    this.#serving.clear();
  }
}

/** What an operation has brought. Copied once: what is kept of it must not pin the larger message it came in. */
function outputOf(bytes: Uint8Array, start: number, end: number): unknown {
  return decodeStructured(bytes.slice(start + FRAME_HEAD + 6, end));
}

/** An answer: its source is who was asked. */
class Answer extends IncomingMessage {
  readonly #from: string;
  readonly #number: number;
  constructor(view: MessageView, at: number, from: string, number: number) {
    super(view, at);
    this.#from = from;
    this.#number = number;
  }
  override get sourceTopic(): string {
    return this.#from;
  }
  override get id(): string {
    return String(this.#number);
  }
}
