// edge: no Deno, Bun, node: or cloudflare: names
import {
  type AetherError,
  ConnectionClosedError,
  ConnectionError,
  InvalidArgumentError,
  MessageError,
} from "../errors.ts";
import type { CancelTimer } from "../base/clock.ts";
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
import { BATCH_BYTES, PAYLOAD_BYTES, REQUEST_TIMEOUT_MS } from "../protocol/limits.ts";
import type { ConnectionAck, Receipt } from "../protocol/messages.ts";
import type { Notice, OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import type { Identity } from "../protocol/principals.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import { VERSION } from "../protocol/version.ts";
import type { CloseInfo, Transport } from "../transport/transport.ts";
import { Attempt, type AttemptLink, type AttemptOptions } from "./attempt.ts";
import { Flow } from "./flow.ts";
import { Inbound } from "./inbound.ts";
import { IncomingMessage } from "./incoming.ts";
import type { Link } from "./link.ts";
import { refuseOpen, type StreamEnd, type StreamPort } from "./stream_port.ts";
import { metadataBytes, type Outgoing, requirePayload, topicBytes } from "./outgoing.ts";
import { type RequestHandler, Requests, type WaitOptions } from "./requests.ts";
import { type OutboxPolicy, Sends } from "./sends.ts";
import {
  type ConnectionState,
  type ReconnectPolicy,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  step,
} from "./state.ts";

/** What a session is made of; `client/options.ts` builds it from what users write. */
export interface SessionOptions extends AttemptOptions {
  identity: Identity;
  workspace?: string;
  takeover: boolean;
  policy: ReconnectPolicy;
  outbox: OutboxPolicy;
  random: Random;
  logger: Logger;
}

/** How long a connection must have been ready before its failures count from one again, in ms. */
const STABLE_MS = 10_000;
/** How long a goodbye may take, in ms. */
const GOODBYE_MS = 2_000;

/** The client's end: dials, says hello, pumps frames, resumes. All capabilities stand on its verbs. */
export class Session implements AttemptLink, Link, StreamPort {
  readonly options: SessionOptions;
  identity: Identity;
  /** The workspace as its user last set it. */
  workspace: string | undefined;
  readonly inbound: Inbound;
  readonly requests: Requests;
  readonly onState: Handlers<ConnectionState>;
  readonly onConnect: Handlers<ConnectionAck>;
  readonly onDisconnect: Handlers<string>;
  readonly onReconnecting: Handlers<number>;
  readonly onNotice: Handlers<Notice>;
  readonly onError: Handlers<unknown>;
  ack: ConnectionAck | undefined;
  streams: StreamEnd | undefined;

  readonly #producer: string;
  /** The workspace the gateway knows of; `workspace` is ahead of it while a switch is under way. */
  held: string | undefined;
  readonly #flow: Flow;
  readonly #sends: Sends;
  #state: SessionState = { kind: "idle" };
  #attempt: Attempt | undefined;
  #transport: Transport | undefined;
  #welcome: Welcome | undefined;
  #connecting: PromiseWithResolvers<ConnectionAck> | undefined;
  #ended: PromiseWithResolvers<void> | undefined;
  #retryTimer: CancelTimer | undefined;
  #stableTimer: CancelTimer | undefined;
  #pulseTimer: CancelTimer | undefined;
  #heardAt = 0;
  #refused: AetherError | undefined;
  #bye: Bye | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
    this.identity = options.identity;
    this.workspace = this.held = options.workspace;
    this.#producer = shortId(options.random);
    const { clock, logger } = options;
    this.onError = new Handlers((error) => logger("error", "handler.onError", { error: String(error) }));
    const report = (error: unknown): void => this.report(error);
    const isReady = (): boolean => this.#state.kind === "ready";
    this.onState = new Handlers(report);
    this.onConnect = new Handlers(report);
    this.onDisconnect = new Handlers(report);
    this.onReconnecting = new Handlers(report);
    this.onNotice = new Handlers(report);
    this.#flow = new Flow({
      clock,
      isReady,
      transmit: this.#transmit,
      handled: () => this.inbound.handled,
      streams: () => this.streams,
    });
    this.inbound = new Inbound(() => this.#flow.advanced(), report);
    this.#sends = new Sends({ flow: this.#flow, policy: options.outbox, producer: this.#producer, isReady, report });
    this.requests = new Requests({
      write: (lay) => this.#sends.write(lay),
      clock,
      timeoutMs: () => this.#welcome?.limits.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    });
  }

  readonly #transmit = (bytes: Uint8Array): boolean | undefined => {
    this.#transport?.send(bytes);
    const isCopying = this.#transport?.isCopying;
    this.#flow.outbox.left(isCopying);
    return isCopying;
  };

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
        const why = new ConnectionError("Connecting was aborted", { cause: signal.reason, retryable: false });
        this.failed(why, "terminal");
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
    if (message.signal?.aborted) return this.#sends.failed(message.signal.reason);
    if (this.#state.kind === "closed") return this.#sends.refuse(this.#closedError(`send to "${message.topic}"`));
    requirePayload(message.payload, this.#welcome?.limits.payloadBytes ?? PAYLOAD_BYTES);
    return this.#sends.send(message);
  }

  /** Puts a request to a topic. */
  request(
    topic: string,
    payload: Uint8Array,
    options: WaitOptions & { messageType?: number; metadata?: Record<string, string> },
  ): Promise<IncomingMessage> {
    requirePayload(payload, Infinity);
    if (this.#state.kind === "closed") return Promise.reject(this.#closedError(`ask "${topic}"`));
    topicBytes(topic);
    return this.requests.ask(topic, payload, metadataBytes(options.metadata), options);
  }

  /** Has the gateway do a named operation. */
  call<Op extends OpName>(op: Op, input: OpInput<Op>, options: WaitOptions = {}): Promise<OpOutput<Op>> {
    if (this.#state.kind === "closed") return Promise.reject(this.#closedError(op));
    return this.requests.call(op, input, options) as Promise<OpOutput<Op>>;
  }

  /** Where frames of streams are laid. */
  get writer(): FrameWriter {
    return this.#flow.writer;
  }

  /** What was laid leaves at the end of this turn. */
  schedule(): void {
    this.#flow.schedule();
  }

  /** Answers requests; one handler at a time. */
  serve(handler: RequestHandler): () => void {
    return this.requests.serve(handler);
  }

  /** The gateway has switched the workspace; an agent's or task's identity and topic are others now. */
  moved(identity: Identity, topic: string, workspace: string): void {
    this.identity = identity;
    this.held = workspace;
    if (this.ack) this.ack = { ...this.ack, topic };
  }

  #closedError(what: string): AetherError {
    const why = this.#state.kind === "closed" && this.#state.error ? ` (${this.#state.error.message})` : "";
    const isDeliberate = why === "";
    return new ConnectionClosedError(`Cannot ${what}: the client is closed${why}`, {
      retryable: false,
      details: { isDeliberate },
    });
  }

  // ---- the way in -----------------------------------------------------------------------------------------------

  alive(): void {
    this.#heardAt = this.options.clock.now();
  }

  received(bytes: Uint8Array): void {
    this.alive();
    try {
      eachFrame(bytes, this.#frame);
      this.#flow.counted();
    } catch (cause) {
      this.report(new MessageError("The gateway sent a frame that cannot be read", { cause }));
      this.#transport?.close(4400, "malformed frame");
    }
  }

  readonly #frame = (kind: number, bytes: Uint8Array, start: number, end: number): void => {
    if (isNumbered(kind)) this.#flow.count(end - start);
    switch (kind) {
      case FrameKind.Deliver: {
        // A view of its own for each message: it becomes the message's, unread.
        const view = readInto(readDeliver, bytes, start, end);
        if (view.flags & FLAG_QUEUE) this.#flow.isQueueWorker = true;
        return this.inbound.take(new IncomingMessage(view, view.time));
      }
      case FrameKind.Receipts:
        for (let at = start + FRAME_HEAD; at < end; at += RECEIPT_BYTES) {
          this.#sends.taken(readU48(bytes, at + 1), readU48(bytes, at + 7), (bytes[at] & RECEIPT_DUPLICATE) !== 0);
        }
        return;
      case FrameKind.Reject:
        return this.#sends.refused(readU48(bytes, start + 6), fromWireError(bodyOf(bytes, start + 6, end)));
      case FrameKind.Ack:
        return void this.#flow.outbox.acknowledge(readU48(bytes, start + 6));
      case FrameKind.Request:
        return this.requests.asked(readInto(readRequest, bytes, start, end));
      case FrameKind.Reply:
        return this.requests.answered(bytes, start, end);
      case FrameKind.Cancel:
        return this.requests.cancelled(readU32(bytes, start + 6));
      case FrameKind.Notify:
        return this.onNotice.emit(bodyOf(bytes, start, end));
      case FrameKind.Open:
      case FrameKind.Head:
      case FrameKind.Chunk:
      case FrameKind.Credit:
      case FrameKind.Reset:
        if (this.streams) return this.streams.received(kind, bytes, start, end);
        // Only who was asked to open one has streams; to others the first one is a stranger's.
        return kind === FrameKind.Open ? refuseOpen(this, readU32(bytes, start + FRAME_HEAD)) : undefined;
      case FrameKind.Welcome:
        return this.#welcomed(bodyOf(bytes, start, end));
      case FrameKind.Refuse:
        this.#refused = fromWireError(bodyOf(bytes, start, end));
        return;
      case FrameKind.Bye:
        this.#bye = bodyOf(bytes, start, end);
        return;
      default:
        throw new InvalidArgumentError(`Cannot take a frame of kind ${kind} from a gateway`);
    }
  };

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
        this.#refused = this.#bye = undefined;
        this.#attempt?.stop();
        this.#attempt = new Attempt(this.options, this);
        return void this.#attempt.start();
      case "lost":
        this.streams?.lost(effect.error);
        this.#flow.pause();
        this.#stopTimers();
        return this.onDisconnect.emit(effect.error.message);
      case "wait":
        this.onReconnecting.emit(effect.attempt);
        this.#retryTimer = this.options.clock.timer(effect.ms, () => this.#step({ kind: "due" }));
        return;
      case "goodbye":
        return this.#goodbye();
      case "end":
        return this.#end(effect.error);
    }
  }

  opened(transport: Transport, credentials: Record<string, string> | undefined): void {
    this.#transport = transport;
    this.#step({ kind: "opened" });
    const hello: Hello = { identity: this.identity, producer: this.#producer, client: `aether-edge-ts/${VERSION}` };
    if (credentials) hello.credentials = credentials;
    if (this.held !== undefined && this.identity.type === "user") hello.workspace = this.held;
    if (this.options.takeover) hello.takeover = true;
    if (this.#welcome) {
      const { session, token } = this.#welcome;
      hello.resume = { session, token, received: this.#flow.received, handled: this.inbound.handled };
      this.#flow.said();
    }
    const writer = new FrameWriter(0);
    writer.structured(FrameKind.Hello, encodeStructured(hello));
    transport.send(writer.take());
  }

  #welcomed(welcome: Welcome): void {
    if (this.#state.kind !== "authenticating") return;
    this.#attempt?.welcomed();
    const isLost = this.#welcome !== undefined && !welcome.resumed;
    this.#welcome = welcome;
    const { session: sessionId, resumed, assignedId, topic, version: serverVersion } = welcome;
    this.ack = { sessionId, resumed, assignedId, topic, serverVersion };
    const again = resumed ? this.#flow.outbox.replay(welcome.received, BATCH_BYTES) : [];
    if (!resumed) this.#begin();
    this.#step({ kind: "welcomed" });
    for (const message of again) this.#transport?.send(message);
    for (const { frame } of this.#sends.release()) {
      this.#flow.writer.copy(frame, 0, frame.length);
      if (this.#flow.writer.size >= BATCH_BYTES) this.#flow.flush();
    }
    this.#flow.flush();
    this.#pulse();
    this.#stableTimer = this.options.clock.timer(STABLE_MS, () => this.#step({ kind: "stable" }));
    if (isLost) this.onNotice.emit({ name: "gap", body: { reason: "session_lost" } });
    this.onConnect.emit(this.ack);
    const connecting = this.#connecting;
    this.#connecting = undefined;
    connecting?.resolve(this.ack);
  }

  /** A new session: counts begin again, unconfirmed messages go again, open requests fail. */
  #begin(): void {
    const kept = this.#sends.begin();
    this.#flow.reset();
    this.inbound.reset();
    this.requests.lost(new ConnectionClosedError("The session could not be resumed", { retryable: true }), kept);
  }

  closed(info: CloseInfo): void {
    this.#transport = undefined;
    const row = closeCode(info.code);
    const isFinal = row.class !== "retry" && row.class !== "draining";
    const error = this.#refused ??
      (isFinal ? fromWireError({ code: row.error, message: info.reason || row.error }) : new ConnectionClosedError(
        `Connection closed: ${info.reason || row.error} (${info.code})`,
        { retryAfterMs: this.#bye?.retryAfterMs },
      ));
    this.failed(error, this.#refused ? closeCode(closeCodeFor(this.#refused.code)).class : row.class);
  }

  failed(error: AetherError, closeClass: CloseClass): void {
    this.#attempt?.stop(error);
    this.#step({ kind: "failed", error, class: closeClass });
  }

  #goodbye(): void {
    if (this.streams) this.#flow.flushWith(this.streams);
    this.#flow.flush();
    const { writer } = this.#flow;
    this.#flow.layAck();
    writer.structured(FrameKind.Bye, encodeStructured({ code: 1000, reason: "disconnect" }));
    this.#transport?.send(writer.take());
    const late = this.options.clock.timer(GOODBYE_MS, () => this.#transport?.abandon());
    this.#ended?.promise.finally(late);
  }

  #end(error?: AetherError): void {
    this.#stopTimers();
    const why = error ??
      new ConnectionClosedError("The client was disconnected", { retryable: false, details: { isDeliberate: true } });
    this.#attempt?.stop(why);
    this.#attempt = undefined;
    this.streams?.lost(why);
    this.#transport?.close();
    this.#transport = undefined;
    this.#welcome = undefined;
    this.#flow.reset();
    this.inbound.reset();
    this.requests.lost(why);
    this.#sends.end(why);
    const connecting = this.#connecting;
    const ended = this.#ended;
    this.#connecting = undefined;
    this.#ended = undefined;
    if (error && !connecting) this.report(error);
    if (!error) this.onDisconnect.emit("disconnected");
    connecting?.reject(why);
    ended?.resolve();
  }

  #stopTimers(): void {
    for (const cancel of [this.#stableTimer, this.#pulseTimer, this.#retryTimer]) cancel?.();
    this.#stableTimer = this.#pulseTimer = this.#retryTimer = undefined;
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

function readInto(read: typeof readDeliver, bytes: Uint8Array, start: number, end: number): MessageView {
  const view = new MessageView();
  read(bytes, start, end, view);
  return view;
}

function bodyOf<T>(bytes: Uint8Array, start: number, end: number): T {
  return decodeStructured(bytes.subarray(start + FRAME_HEAD, end)) as T;
}
