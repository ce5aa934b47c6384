// edge: no Deno, Bun, node: or cloudflare: names
import {
  type AetherError,
  AetherError as BaseError,
  ConnectionClosedError,
  ConnectionError,
  InvalidArgumentError,
  MessageError,
  QuotaError,
  TimeoutError,
} from "../errors.ts";
import { NO_BYTES, utf8 } from "../base/bytes.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { Handlers } from "../base/emitter.ts";
import { type Random, shortId } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import { type CloseClass, closeCode, closeCodeFor } from "../protocol/close_codes.ts";
import { fromWireError } from "../protocol/error_wire.ts";
import {
  eachFrame,
  FLAG_QUEUE,
  FRAME_HEAD,
  FrameKind,
  FrameWriter,
  isNumbered,
  MessageView,
  readDeliver,
  readRequest,
  readU32,
  readU48,
  RECEIPT_BYTES,
  RECEIPT_DUPLICATE,
} from "../protocol/frames.ts";
import type { Bye, Hello, Welcome } from "../protocol/handshake.ts";
import {
  BATCH_BYTES,
  MESSAGE_ID_BYTES,
  METADATA_BYTES,
  PAYLOAD_BYTES,
  REQUEST_TIMEOUT_MS,
  TOPIC_BYTES,
} from "../protocol/limits.ts";
import type { ConnectionAck, Gap, Receipt, Signal } from "../protocol/messages.ts";
import type { Identity } from "../protocol/principals.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import { VERSION } from "../protocol/version.ts";
import type { CloseInfo, Dial, Transport, TransportSink } from "../transport/transport.ts";
import { Inbound } from "./inbound.ts";
import { IncomingMessage } from "./incoming.ts";
import { Outbox } from "./outbox.ts";
import { PendingReceipt } from "./receipts.ts";
import { type RequestHandler, Requests } from "./requests.ts";
import {
  type ConnectionState,
  type ReconnectPolicy,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  step,
} from "./state.ts";

/** What a session is made of; `client/options.ts` builds it from what users write. */
export interface SessionOptions {
  identity: Identity;
  workspace?: string;
  url: URL;
  dial: Dial;
  credentials: () => Promise<Record<string, string> | undefined>;
  takeover: boolean;
  policy: ReconnectPolicy;
  connectTimeoutMs: number;
  outbox: { maxMessages: number; maxBytes: number; overflow: "reject" | "drop-oldest" };
  clock: Clock;
  random: Random;
  logger: Logger;
}

/** One message to send. */
export interface Outgoing {
  topic: string;
  payload: Uint8Array;
  messageType: number;
  id?: string;
  metadata?: Record<string, string>;
  ttlMs?: number;
  signal?: AbortSignal;
}

/** How long a connection must have been ready before its failures count from one again, in ms. */
const STABLE_MS = 10_000;
/** An ack of its own leaves at the latest after this, in ms: below a human's notice, above every stall of small writes. */
const ACK_MS = 25;
/** … or when so many frames wait for it: a quarter of the gateway's window. */
const ACK_FRAMES = 256;
/** … or so many bytes. */
const ACK_BYTES = 256 * 1024;

interface Queued {
  frame: Uint8Array;
  receipt: PendingReceipt | undefined;
}

/** The client's end: dials, says hello, pumps frames, resumes. All capabilities stand on its verbs. */
export class Session implements TransportSink {
  readonly options: SessionOptions;
  readonly identity: Identity;
  workspace: string | undefined;
  readonly inbound: Inbound;
  readonly requests: Requests;
  readonly onState: Handlers<ConnectionState>;
  readonly onConnect: Handlers<ConnectionAck>;
  readonly onDisconnect: Handlers<string>;
  readonly onReconnecting: Handlers<number>;
  readonly onGap: Handlers<Gap>;
  readonly onSignal: Handlers<Signal>;
  readonly onError: Handlers<unknown>;
  ack: ConnectionAck | undefined;

  readonly #producer: string;
  #state: SessionState = { kind: "idle" };
  #transport: Transport | undefined;
  #attempt = 0;
  #abortDial: AbortController | undefined;
  #connecting: PromiseWithResolvers<ConnectionAck> | undefined;
  #ended: PromiseWithResolvers<void> | undefined;
  #welcome: Welcome | undefined;
  #retryTimer: CancelTimer | undefined;
  #stableTimer: CancelTimer | undefined;
  #pulseTimer: CancelTimer | undefined;
  #ackTimer: CancelTimer | undefined;
  #cancelLate: CancelTimer | undefined;
  #heardAt = 0;
  #refused: AetherError | undefined;
  #bye: Bye | undefined;

  readonly #writer = new FrameWriter();
  readonly #scratch = new FrameWriter(0);
  readonly #outbox = new Outbox();
  #queued: Queued[] = [];
  #queuedBytes = 0;
  #flushing = false;
  #received = 0;
  #receivedBytes = 0;
  #saidReceived = 0;
  #saidHandled = 0;
  #number = 0;
  #receipts: PendingReceipt[] = [];
  #receiptsHead = 0;
  #queueLane = false;
  #topic = "";
  #topicBytes: Uint8Array = NO_BYTES;

  constructor(options: SessionOptions) {
    this.options = options;
    this.identity = options.identity;
    this.workspace = options.workspace;
    this.#producer = shortId(options.random);
    this.onError = new Handlers((error) => options.logger("error", "handler.onError", { error: String(error) }));
    const report = (error: unknown): void => this.report(error);
    this.onState = new Handlers(report);
    this.onConnect = new Handlers(report);
    this.onDisconnect = new Handlers(report);
    this.onReconnecting = new Handlers(report);
    this.onGap = new Handlers(report);
    this.onSignal = new Handlers(report);
    this.inbound = new Inbound(() => this.#advanced(), report);
    this.requests = new Requests({
      write: (lay) => this.#write(lay),
      clock: options.clock,
      timeoutMs: () => this.#welcome?.limits.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    });
  }

  /** The state as users see it. */
  get state(): ConnectionState {
    return this.#state.kind;
  }

  /** Tells `onError` and the log about something nobody else hears. */
  report(error: unknown): void {
    this.options.logger("warn", "client.error", { error: String(error) });
    this.onError.emit(error);
  }

  // ---- verbs ----------------------------------------------------------------------------------------------------

  /** Connects; resolves with the gateway's welcome. While it is connecting, the same promise is returned. */
  connect(signal?: AbortSignal): Promise<ConnectionAck> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#state.kind === "ready") return Promise.resolve(this.ack!);
    if (!this.#connecting) {
      this.#connecting = Promise.withResolvers();
      this.#connecting.promise.catch(() => {});
      if (this.#state.kind === "draining") {
        const again = (): void => this.#step({ kind: "connect" });
        this.#ended!.promise.then(again, again);
      } else this.#step({ kind: "connect" });
    }
    const { promise } = this.#connecting;
    if (!signal) return promise;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        reject(signal.reason);
        this.#fail(
          new ConnectionError("Connecting was aborted", { cause: signal.reason, retryable: false }),
          "terminal",
        );
      };
      signal.addEventListener("abort", abort, { once: true });
      promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  /** Flushes, says goodbye, releases the identity. What the gateway has not confirmed by then is given up with an error. */
  async disconnect(): Promise<void> {
    if (this.#state.kind === "idle" || this.#state.kind === "closed") return;
    this.#ended ??= Promise.withResolvers();
    const { promise } = this.#ended;
    this.#step({ kind: "disconnect" });
    await promise;
  }

  /** Sends one message. Hot path: no promise is made until the receipt is asked for. */
  send(message: Outgoing): Promise<Receipt> {
    const { payload, signal } = message;
    if (signal?.aborted) return refusedReceipt(this.#producer, signal.reason);
    if (this.#state.kind === "closed") {
      return this.#refuse(
        new ConnectionClosedError(`Cannot send to "${message.topic}": ${this.#describe()}`, { retryable: false }),
      );
    }
    if (!(payload instanceof Uint8Array)) {
      throw new InvalidArgumentError(
        `Cannot send a payload of type ${typeof payload}: it must be a Uint8Array`,
        "payload",
      );
    }
    const most = this.#welcome?.limits.payloadBytes ?? PAYLOAD_BYTES;
    if (payload.length > most) {
      throw new InvalidArgumentError(
        `Cannot send a payload of ${payload.length} bytes: at most ${most} are allowed`,
        "payload",
        { details: { limit: most, current: payload.length } },
      );
    }
    const id = message.id === undefined ? NO_BYTES : idBytes(message.id);
    const meta = message.metadata ? metadataBytes(message.metadata) : NO_BYTES;
    if (
      this.#receipts.length - this.#receiptsHead >= this.options.outbox.maxMessages ||
      this.#outbox.bytes + this.#queuedBytes >= this.options.outbox.maxBytes
    ) {
      if (!this.#makeRoom()) return this.#full(message);
    }
    const topic = message.topic === this.#topic ? this.#topicBytes : this.#encodeTopic(message.topic);
    const number = ++this.#number;
    const receipt = new PendingReceipt(number, message.id ?? this.#producer, message.id !== undefined);
    this.#receipts.push(receipt);
    const ready = this.#state.kind === "ready";
    const writer = ready ? this.#writer : this.#scratch;
    writer.send(message.messageType, number, message.ttlMs ?? 0, topic, id, meta, payload);
    if (ready) this.#schedule();
    else this.#queue(this.#scratch.take(), receipt);
    if (signal) this.#abortable(receipt, signal);
    return receipt;
  }

  #encodeTopic(topic: string): Uint8Array {
    const bytes = topicBytes(topic);
    this.#topic = topic;
    return (this.#topicBytes = bytes);
  }

  #full(message: Outgoing): Promise<Receipt> {
    const { maxMessages, maxBytes } = this.options.outbox;
    const current = this.#receipts.length - this.#receiptsHead;
    const error = new QuotaError(
      `Cannot send to "${message.topic}": ${current} messages (${
        this.#outbox.bytes + this.#queuedBytes
      } bytes) wait for their receipts, at most ${maxMessages} (${maxBytes} bytes) may`,
      { details: { limit: maxMessages, current, limitBytes: maxBytes } },
    );
    return this.#refuse(error);
  }

  #refuse(error: AetherError): Promise<Receipt> {
    this.report(error);
    return refusedReceipt(this.#producer, error);
  }

  /** Overflow policy `drop-oldest`: gives up the oldest message that is not on the wire. */
  #makeRoom(): boolean {
    if (this.options.outbox.overflow !== "drop-oldest") return false;
    const at = this.#queued.findIndex((entry) => entry.receipt);
    if (at < 0) return false;
    const [{ frame, receipt }] = this.#queued.splice(at, 1);
    this.#queuedBytes -= frame.length;
    this.#settle(receipt!.number);
    this.#reject(
      receipt!,
      new QuotaError(`Message ${receipt!.id} was dropped: the outbox was full and its policy is drop-oldest`),
    );
    return true;
  }

  #abortable(receipt: PendingReceipt, signal: AbortSignal): void {
    const abort = (): void => {
      const at = this.#queued.findIndex((entry) => entry.receipt === receipt);
      // On the wire it cannot be taken back; its receipt will still come.
      if (at < 0) return;
      this.#queuedBytes -= this.#queued[at].frame.length;
      this.#queued.splice(at, 1);
      this.#settle(receipt.number);
      receipt.reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const off = (): void => signal.removeEventListener("abort", abort);
    receipt.then(off, off);
  }

  /** Puts a request to a topic. */
  request(
    topic: string,
    payload: Uint8Array,
    options: { signal?: AbortSignal; timeoutMs?: number; messageType?: number; metadata?: Record<string, string> },
  ): Promise<IncomingMessage> {
    if (!(payload instanceof Uint8Array)) {
      throw new InvalidArgumentError(
        `Cannot send a payload of type ${typeof payload}: it must be a Uint8Array`,
        "payload",
      );
    }
    if (this.#state.kind === "closed") {
      return Promise.reject(
        new ConnectionClosedError(`Cannot ask "${topic}": ${this.#describe()}`, { retryable: false }),
      );
    }
    const meta = options.metadata ? metadataBytes(options.metadata) : NO_BYTES;
    topicBytes(topic);
    return this.requests.ask(topic, payload, meta, options);
  }

  /** Answers requests; one handler at a time. */
  serve(handler: RequestHandler): () => void {
    return this.requests.serve(handler);
  }

  #describe(): string {
    return this.#state.kind === "closed"
      ? `the client is closed${this.#state.error ? ` (${this.#state.error.message})` : ""}`
      : `the client is ${this.#state.kind}`;
  }

  // ---- the way out ----------------------------------------------------------------------------------------------

  /** Lays a frame that is no message: into the turn when ready, into the queue otherwise. */
  #write(lay: (writer: FrameWriter) => void): void {
    if (this.#state.kind === "ready") {
      lay(this.#writer);
      return this.#schedule();
    }
    lay(this.#scratch);
    this.#queue(this.#scratch.take(), undefined);
  }

  #queue(frame: Uint8Array, receipt: PendingReceipt | undefined): void {
    this.#queued.push({ frame, receipt });
    this.#queuedBytes += frame.length;
  }

  #schedule(): void {
    if (this.#writer.size >= BATCH_BYTES) return this.#flush();
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(this.#flushTurn);
  }

  readonly #flushTurn = (): void => {
    this.#flushing = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#writer.size === 0) return;
    if (this.#received > this.#saidReceived || this.inbound.handled > this.#saidHandled) this.#layAck();
    const count = this.#writer.numbered;
    const bytes = this.#writer.take();
    this.#outbox.push(bytes, count);
    this.#transport?.send(bytes);
  }

  #layAck(): void {
    this.#saidReceived = this.#received;
    this.#saidHandled = this.inbound.handled;
    this.#receivedBytes = 0;
    this.#writer.ack(this.#received, this.inbound.handled);
    this.#ackTimer?.();
    this.#ackTimer = undefined;
  }

  /** Says how far it is, in a message of its own. */
  #sayAck(): void {
    if (
      this.#state.kind !== "ready" ||
      (this.#received === this.#saidReceived && this.inbound.handled === this.#saidHandled)
    ) return;
    this.#layAck();
    this.#schedule();
  }

  #advanced(): void {
    // A queue gives out one message at a time and waits for this word; on a timer a worker would idle between two.
    if (this.#queueLane || this.inbound.handled - this.#saidHandled >= ACK_FRAMES) this.#sayAck();
    else this.#ackLater();
  }

  #ackLater(): void {
    this.#ackTimer ??= this.options.clock.timer(ACK_MS, () => {
      this.#ackTimer = undefined;
      this.#sayAck();
    });
  }

  // ---- the way in -----------------------------------------------------------------------------------------------

  alive(): void {
    this.#heardAt = this.options.clock.now();
  }

  closed(info: CloseInfo): void {
    this.#transport = undefined;
    const row = closeCode(info.code);
    const refused = this.#refused ??
      (row.class === "retry" || row.class === "draining"
        ? undefined
        : fromWireError({ code: row.error, message: info.reason || row.error }));
    const error = refused ??
      new ConnectionClosedError(`Connection closed: ${info.reason || row.error} (${info.code})`, {
        retryAfterMs: this.#bye?.retryAfterMs,
      });
    const rowClass = this.#refused ? closeCode(closeCodeFor(this.#refused.code)).class : row.class;
    this.#fail(error, rowClass);
  }

  received(bytes: Uint8Array): void {
    this.alive();
    try {
      eachFrame(bytes, this.#frame);
      if (this.#received - this.#saidReceived >= ACK_FRAMES || this.#receivedBytes >= ACK_BYTES) this.#sayAck();
      else if (this.#received > this.#saidReceived) this.#ackLater();
    } catch (cause) {
      this.report(new MessageError("The gateway sent a frame that cannot be read", { cause }));
      this.#transport?.close(4400, "malformed frame");
    }
  }

  readonly #frame = (kind: number, bytes: Uint8Array, start: number, end: number): void => {
    if (isNumbered(kind)) {
      this.#received++;
      this.#receivedBytes += end - start;
    }
    switch (kind) {
      case FrameKind.Deliver:
        return this.#delivered(bytes, start, end);
      case FrameKind.Receipts:
        for (let at = start + FRAME_HEAD; at < end; at += RECEIPT_BYTES) {
          this.#settle(readU48(bytes, at + 1))?.resolve(readU48(bytes, at + 7), (bytes[at] & RECEIPT_DUPLICATE) !== 0);
        }
        return;
      case FrameKind.Reject: {
        const receipt = this.#settle(readU48(bytes, start + 6));
        if (receipt) this.#reject(receipt, fromWireError(decodeStructured(bytes.subarray(start + 12, end))));
        return;
      }
      case FrameKind.Ack:
        this.#outbox.acknowledge(readU48(bytes, start + 6));
        return;
      case FrameKind.Request:
        return this.requests.asked(readInto(readRequest, bytes, start, end));
      case FrameKind.Reply:
        return this.requests.answered(bytes, start, end);
      case FrameKind.Cancel:
        return this.requests.cancelled(readU32(bytes, start + 6));
      case FrameKind.Notify:
        return this.#notified(
          decodeStructured(bytes.subarray(start + FRAME_HEAD, end)) as { name: string; body: never },
        );
      case FrameKind.Welcome:
        return this.#welcomed(decodeStructured(bytes.subarray(start + FRAME_HEAD, end)) as Welcome);
      case FrameKind.Refuse:
        this.#refused = fromWireError(decodeStructured(bytes.subarray(start + FRAME_HEAD, end)));
        return;
      case FrameKind.Bye:
        this.#bye = decodeStructured(bytes.subarray(start + FRAME_HEAD, end)) as Bye;
        return;
      default:
        throw new InvalidArgumentError(`Cannot take a frame of kind ${kind} from a gateway`);
    }
  };

  #delivered(bytes: Uint8Array, start: number, end: number): void {
    // A view of its own for each message: it becomes the message's, unread.
    const view = readInto(readDeliver, bytes, start, end);
    if (view.flags & FLAG_QUEUE) this.#queueLane = true;
    this.inbound.take(new IncomingMessage(view, view.time));
  }

  #notified(notice: { name: string; body: never }): void {
    if (notice.name === "gap") this.onGap.emit(notice.body);
    else if (notice.name === "signal") this.onSignal.emit(notice.body);
  }

  /** Takes a receipt out of the open ones. They come in order, but for what was dropped or aborted before. */
  #settle(number: number): PendingReceipt | undefined {
    let at = this.#receiptsHead;
    if (this.#receipts[at]?.number !== number) {
      while (at < this.#receipts.length && this.#receipts[at].number < number) at++;
      if (this.#receipts[at]?.number !== number) return undefined;
      return this.#receipts.splice(at, 1)[0];
    }
    const receipt = this.#receipts[at];
    this.#receiptsHead++;
    if (this.#receiptsHead === this.#receipts.length || this.#receiptsHead > 1024) {
      this.#receipts = this.#receipts.slice(this.#receiptsHead);
      this.#receiptsHead = 0;
    }
    return receipt;
  }

  #reject(receipt: PendingReceipt, error: unknown): void {
    receipt.reject(error);
    this.report(error);
  }

  // ---- states ---------------------------------------------------------------------------------------------------

  #step(event: SessionEvent): void {
    const before = this.#state;
    const [next, effects] = step(before, event, this.options.policy, this.options.random.next());
    this.#state = next;
    if (next.kind !== before.kind) this.onState.emit(next.kind);
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case "dial":
        return void this.#dial();
      case "hello":
      case "resolve":
        return;
      case "lost":
        this.#pause();
        return this.onDisconnect.emit(effect.error.message);
      case "wait":
        this.onReconnecting.emit(effect.attempt);
        this.#retryTimer = this.options.clock.timer(effect.ms, () => this.#step({ kind: "due" }));
        return;
      case "goodbye": {
        this.#flush();
        this.#layAck();
        this.#writer.structured(FrameKind.Bye, encodeStructured({ code: 1000, reason: "disconnect" }));
        this.#transport?.send(this.#writer.take());
        const late = this.options.clock.timer(2000, () => this.#transport?.abandon());
        this.#ended?.promise.finally(late);
        return;
      }
      case "end":
        return this.#end(effect.error);
    }
  }

  async #dial(): Promise<void> {
    const attempt = ++this.#attempt;
    const current = (): boolean => attempt === this.#attempt;
    const { clock, connectTimeoutMs, url, dial } = this.options;
    const controller = this.#abortDial = new AbortController();
    this.#refused = undefined;
    this.#bye = undefined;
    const timeout = new TimeoutError(`No welcome from ${url.host} within ${connectTimeoutMs} ms`);
    const late = clock.timer(connectTimeoutMs, () => {
      if (!current() || (this.#state.kind !== "connecting" && this.#state.kind !== "authenticating")) return;
      controller.abort(timeout);
      this.#fail(timeout, "retry");
    });
    this.#cancelLate = late;
    // An older socket can say nothing any more: each sink answers for its own attempt only.
    const sink: TransportSink = {
      received: (bytes) => current() && this.received(bytes),
      alive: () => current() && this.alive(),
      closed: (info) => current() && this.closed(info),
    };
    try {
      const credentials = await this.options.credentials();
      if (!current()) return;
      const transport = await dial(url, sink, { signal: controller.signal });
      if (!current() || this.#state.kind !== "connecting") return transport.close();
      this.#transport = transport;
      this.#step({ kind: "opened" });
      const hello: Hello = { identity: this.identity, producer: this.#producer, client: `aether-edge-ts/${VERSION}` };
      if (credentials) hello.credentials = credentials;
      if (this.workspace !== undefined && this.identity.type === "user") hello.workspace = this.workspace;
      if (this.options.takeover) hello.takeover = true;
      if (this.#welcome) {
        hello.resume = {
          session: this.#welcome.session,
          token: this.#welcome.token,
          received: this.#received,
          handled: this.inbound.handled,
        };
        this.#saidReceived = this.#received;
        this.#saidHandled = this.inbound.handled;
      }
      this.#scratch.structured(FrameKind.Hello, encodeStructured(hello));
      transport.send(this.#scratch.take());
    } catch (error) {
      if (!current()) return;
      const typed = error instanceof BaseError
        ? error
        : new ConnectionError(`Cannot connect to ${url.host}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      this.#fail(typed, typed.retryable ? "retry" : "terminal");
    }
  }

  #welcomed(welcome: Welcome): void {
    if (this.#state.kind !== "authenticating") return;
    this.#cancelLate?.();
    const former = this.#welcome;
    this.#welcome = welcome;
    this.ack = {
      sessionId: welcome.session,
      resumed: welcome.resumed,
      assignedId: welcome.assignedId,
      topic: welcome.topic,
      serverVersion: welcome.version,
    };
    const again: Uint8Array[] = [];
    if (welcome.resumed) {
      for (const message of this.#outbox.replay(welcome.received, BATCH_BYTES)) again.push(message);
    } else {
      this.#begin();
    }
    this.#step({ kind: "welcomed" });
    for (const message of again) this.#transport?.send(message);
    const queued = this.#queued;
    this.#queued = [];
    this.#queuedBytes = 0;
    for (const { frame } of queued) {
      this.#writer.copy(frame, 0, frame.length);
      if (this.#writer.size >= BATCH_BYTES) this.#flush();
    }
    this.#flush();
    this.#pulse();
    this.#stableTimer = this.options.clock.timer(STABLE_MS, () => this.#step({ kind: "stable" }));
    if (former && !welcome.resumed) this.onGap.emit({ reason: "session_lost" });
    this.onConnect.emit(this.ack);
    const connecting = this.#connecting;
    this.#connecting = undefined;
    connecting?.resolve(this.ack);
  }

  /** A new session: counts begin again, unconfirmed messages go again under their old numbers, open requests fail. */
  #begin(): void {
    const lost = new ConnectionClosedError("The session could not be resumed", { retryable: true });
    const open = new Set<number>();
    for (let at = this.#receiptsHead; at < this.#receipts.length; at++) open.add(this.#receipts[at].number);
    const sends: Queued[] = [];
    this.#outbox.each(0, (kind, bytes, start, end) => {
      if (kind !== FrameKind.Send || !open.has(readU48(bytes, start + 8))) return;
      this.#scratch.copy(bytes, start, end);
      sends.push({ frame: this.#scratch.take(), receipt: undefined });
    });
    // Requests asked while away go out now; those on the wire, and answers to the old session's, are gone with it.
    const asked = new Set<number>();
    const kept = this.#queued.filter(({ frame, receipt }) => {
      if (frame[4] === FrameKind.Request) asked.add(readU32(frame, 8));
      return receipt !== undefined || frame[4] === FrameKind.Request || frame[4] === FrameKind.Send;
    });
    this.#queued = [...sends, ...kept];
    this.#outbox.clear();
    this.#received =
      this.#receivedBytes =
      this.#saidReceived =
      this.#saidHandled =
        0;
    this.inbound.reset();
    this.requests.lost(lost, asked);
  }

  #fail(error: AetherError, closeClass: CloseClass): void {
    this.#cancelLate?.();
    this.#step({ kind: "failed", error, class: closeClass });
  }

  /** No connection: what was laid for this turn goes into the outbox, to be replayed. */
  #pause(): void {
    const count = this.#writer.numbered;
    if (this.#writer.size > 0) this.#outbox.push(this.#writer.take(), count);
    this.#stopTimers();
  }

  #stopTimers(): void {
    for (const cancel of [this.#stableTimer, this.#pulseTimer, this.#ackTimer, this.#retryTimer, this.#cancelLate]) {
      cancel?.();
    }
    this.#stableTimer =
      this.#pulseTimer =
      this.#ackTimer =
      this.#retryTimer =
      this.#cancelLate =
        undefined;
  }

  #end(error?: AetherError): void {
    this.#attempt++;
    this.#stopTimers();
    this.#abortDial?.abort(error ?? new ConnectionClosedError("The client was disconnected"));
    this.#transport?.close();
    this.#transport = undefined;
    this.#welcome = undefined;
    const why = error ??
      new ConnectionClosedError("The client was disconnected", { retryable: false });
    const receipts = this.#receipts.slice(this.#receiptsHead);
    this.#receipts = [];
    this.#receiptsHead = 0;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#outbox.clear();
    this.#writer.take();
    this.#received =
      this.#receivedBytes =
      this.#saidReceived =
      this.#saidHandled =
        0;
    this.inbound.reset();
    this.requests.lost(why);
    for (const receipt of receipts) this.#reject(receipt, why);
    const connecting = this.#connecting;
    const ended = this.#ended;
    this.#connecting = undefined;
    this.#ended = undefined;
    if (error && !connecting) this.report(error);
    if (!error) this.onDisconnect.emit("disconnected");
    connecting?.reject(why);
    ended?.resolve();
  }

  /** Liveness by inbound silence: asks after a while, gives up after twice that. */
  #pulse(): void {
    const { pingAfterMs, deadAfterMs } = this.#welcome!.limits;
    const { clock } = this.options;
    const silent = clock.now() - this.#heardAt;
    if (silent >= deadAfterMs) return this.#transport?.abandon();
    if (silent >= pingAfterMs) this.#transport?.ping();
    const wait = silent >= pingAfterMs ? deadAfterMs - silent : pingAfterMs - silent;
    this.#pulseTimer = clock.timer(Math.max(wait, 10), () => this.#pulse());
  }
}

function refusedReceipt(producer: string, error: unknown): PendingReceipt {
  const receipt = new PendingReceipt(0, producer, false);
  receipt.reject(error);
  return receipt;
}

function readInto(read: typeof readDeliver, bytes: Uint8Array, start: number, end: number): MessageView {
  const view = new MessageView();
  read(bytes, start, end, view);
  return view;
}

function topicBytes(topic: string): Uint8Array {
  const bytes = utf8(topic);
  if (bytes.length > TOPIC_BYTES) {
    throw new InvalidArgumentError(
      `Cannot send to a topic of ${bytes.length} bytes: at most ${TOPIC_BYTES} are allowed`,
      "topic",
    );
  }
  return bytes;
}

function idBytes(id: string): Uint8Array {
  const bytes = typeof id === "string" ? utf8(id) : NO_BYTES;
  if (bytes.length === 0 || bytes.length > MESSAGE_ID_BYTES) {
    throw new InvalidArgumentError(
      `Cannot use ${JSON.stringify(id)} as a message id: it must be a text of 1 to ${MESSAGE_ID_BYTES} bytes`,
      "id",
    );
  }
  return bytes;
}

function metadataBytes(metadata: Record<string, string>): Uint8Array {
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      throw new InvalidArgumentError(
        `Cannot send metadata "${name}": values must be texts, not ${typeof value}`,
        "metadata",
      );
    }
  }
  const bytes = encodeStructured(metadata);
  if (bytes.length > METADATA_BYTES) {
    throw new InvalidArgumentError(
      `Cannot send metadata of ${bytes.length} bytes: at most ${METADATA_BYTES} are allowed`,
      "metadata",
    );
  }
  return bytes;
}
