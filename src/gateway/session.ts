// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, InvalidArgumentError, QuotaError } from "../errors.ts";
import { NO_BYTES, utf8 } from "../base/bytes.ts";
import { closeCodeFor } from "../protocol/close_codes.ts";
import { toWireError } from "../protocol/error_wire.ts";
import { eachFrame, FLAG_QUEUE, FrameKind, FrameWriter } from "../protocol/frames.ts";
import { writeReceipts, writeReject } from "../protocol/frames_down.ts";
import type { Welcome } from "../protocol/handshake.ts";
import { BATCH_BYTES, type Limits } from "../protocol/limits.ts";
import type { Gap } from "../protocol/messages.ts";
import type { Notice } from "../protocol/ops.ts";
import { type Identity, identityTopic } from "../protocol/principals.ts";
import { encodeBriefly, encodeStructured } from "../protocol/structured.ts";
import { Outbox } from "../session/outbox.ts";
import type { Transport } from "../transport/transport.ts";
import type { Consumer, Listener } from "./consumer.ts";
import { CallTable } from "./calls.ts";
import type { Core } from "./core.ts";
import { joined } from "./joined.ts";
import { type ProgressHost, ProgressLine } from "./progress_line.ts";
import { type Asker, RequestTable } from "./requests.ts";
import type { Caller } from "./openings.ts";
import { type StreamHost, StreamTable } from "./streams.ts";
import { Window, type WindowHost } from "./window.ts";

/** From here on a frame leaves as it is kept: to copy it into a message with others would cost more than sending twice. */
const LARGE_FRAME = 16 * 1024;

/** Switches that a client may have asked for at once and not heard of. */
const FORMER = 16;

/** One principal's end at the gateway. It outlives its socket for the resume window. */
export class Session implements Listener, Asker, StreamHost, WindowHost, ProgressHost {
  readonly core: Core;
  readonly id: string;
  token: string;
  identity!: Identity;
  topic!: string;
  topicBytes!: Uint8Array;
  workspace: string | undefined;
  workspaceBytes!: Uint8Array;
  /** Who it has been: a client that has not heard of its move comes back as before. */
  readonly identities: Identity[] = [];
  /** Whether its credentials are an administrator's. */
  isAdmin = false;
  readonly createdAt: number;
  /** What its client has shown last. */
  credentials: Readonly<Record<string, string>>;
  readonly producer: string;
  #producerBytes: Uint8Array | undefined;
  /** Key of its message numbers in the dedupe store. */
  producerKey!: string;
  consumers: Consumer[] = [];
  /** While its workspace is being switched; never rejects. */
  moving: Promise<void> | undefined;
  #moves: Set<() => void> | undefined;
  // Most sessions are idle most of the time, and there are many of them: what they do not use they do not have.
  #requests: RequestTable | undefined;
  #calls: CallTable | undefined;
  #streams: StreamTable | undefined;

  /** Numbered frames received from the client. */
  received = 0;
  #saidReceived = 0;
  /** When the client was last heard, and when it lost its socket (0 while it has one). */
  heardAt: number;
  detachedAt = 0;
  pinged = false;
  ended = false;

  #transport: Transport | undefined;
  readonly writer: FrameWriter = new FrameWriter();
  /** Whole messages of this turn, and those whose turn is being committed. */
  #sealed: Uint8Array[] = [];
  /** Frames that others get as well, before what the writer has. */
  #common: Uint8Array[] = [];
  #commonBytes = 0;
  #outgoing: Uint8Array[] = [];
  /** Numbered frames in them and before. */
  #sealedTo = 0;
  readonly #outbox: Outbox = new Outbox();
  #receipts: number[] = [];
  #isDirty = false;

  readonly #window: Window = new Window(this);
  #progress: ProgressLine | undefined;

  constructor(
    core: Core,
    id: string,
    token: string,
    identity: Identity,
    workspace: string | undefined,
    producer: string,
    credentials: Readonly<Record<string, string>>,
  ) {
    this.core = core;
    this.id = id;
    this.token = token;
    this.producer = producer;
    this.credentials = credentials;
    this.heardAt = this.createdAt = core.clock.now();
    this.become(identity, workspace, []);
  }

  /** Is somebody else, or somewhere else, from now on. */
  become(identity: Identity, workspace: string | undefined, consumers: Consumer[]): void {
    const former = this.producerKey;
    this.identity = identity;
    this.identities.push(identity);
    if (this.identities.length > FORMER) this.identities.shift();
    this.topic = identityTopic(identity);
    this.topicBytes = utf8(this.topic);
    this.workspace = workspace;
    this.workspaceBytes = sharedBytes(workspace ?? "");
    this.producerKey = `${this.topic} ${this.producer}`;
    this.consumers = consumers;
    for (const heard of this.#moves ?? []) heard();
    if (former === undefined || former === this.producerKey) return;
    // Its messages go on counting; what was taken under the old name is not taken again under the new one.
    const { dedupe } = this.core.store;
    dedupe.advance(this.producerKey, dedupe.producer(former), this.core.clock.now());
  }

  /** Wants nothing more of a lane. */
  leave(consumer: Consumer): void {
    this.#window.leave(consumer);
  }

  /** Its client is away for too long: others get what it works on. */
  giveBack(): void {
    for (const consumer of this.consumers) consumer.lane.giveBack(consumer);
    this.#window.detach();
  }

  /** The producer's name as it stands in frames. */
  get producerBytes(): Uint8Array {
    return (this.#producerBytes ??= utf8(this.producer));
  }

  /** Those who hear that it has moved. */
  get moves(): Set<() => void> {
    return (this.#moves ??= new Set());
  }

  /** Requests on their way through it. */
  get requests(): RequestTable {
    return (this.#requests ??= new RequestTable(this));
  }

  /** Operations it has asked for. */
  get calls(): CallTable {
    return (this.#calls ??= new CallTable(this));
  }

  /** Its streams; most sessions never have one. */
  get streams(): StreamTable {
    return (this.#streams ??= new StreamTable(this, this.core.splicer));
  }

  /** As whom it opens them. */
  get caller(): Caller {
    return this;
  }

  /** Whether it has a socket now. */
  get connected(): boolean {
    return this.#transport !== undefined;
  }

  /** Binds a socket, says welcome, and replays what the client does not have. */
  bind(transport: Transport, welcome: Welcome, received: number, handled: number): void {
    this.flushWriter();
    this.#transport = transport;
    this.detachedAt = 0;
    this.pinged = false;
    this.heardAt = this.core.clock.now();
    const head = new FrameWriter();
    head.structured(FrameKind.Welcome, encodeStructured(welcome));
    transport.send(head.take());
    this.#sealed = [];
    this.#outgoing = [];
    // Also for a new session: what came in between its lock and its welcome has been laid and not sent.
    for (const message of this.#outbox.replay(received, BATCH_BYTES)) transport.send(message);
    if (welcome.resumed) this.acknowledged(received, handled);
    this.resume();
  }

  /** Whether a client that has so much can go on with this session. */
  canResume(received: number, handled: number): boolean {
    this.flushWriter();
    return this.#outbox.holds(received) && handled <= this.#window.delivered;
  }

  /** The socket is gone; returns it when `transport` is the one in use. */
  unbind(transport: Transport): boolean {
    if (this.#transport !== transport) return false;
    this.#transport = undefined;
    this.detachedAt = this.core.clock.now();
    this.#streams?.lost();
    return true;
  }

  /** Bounds of what is on its way. */
  get limits(): Limits {
    return this.core.limits;
  }

  /** Whether the window has room for another message. */
  hasRoom(): boolean {
    return this.#window.hasRoom();
  }

  /** Hands a message over if the window has room. Hot path. */
  offer(consumer: Consumer, sequence: number, bytes: Uint8Array): boolean {
    return !this.ended && this.#window.offer(consumer, sequence, bytes);
  }

  /** Hands over a live broadcast, or keeps it until there is room. */
  broadcast(consumer: Consumer, sequence: number, bytes: Uint8Array): void {
    this.#window.broadcast(consumer, sequence, bytes);
  }

  /** Puts a message on its way. Hot path. */
  write(frame: Uint8Array, isCommon: boolean): void {
    this.core.counters.messagesOut++;
    if (frame.length >= LARGE_FRAME) {
      this.flushWriter();
      this.#keep(frame, 1, true);
    } else if (isCommon && this.writer.size === 0) {
      this.#common.push(frame);
      this.#commonBytes += frame.length;
      if (this.#commonBytes >= BATCH_BYTES) this.flushWriter();
    } else this.writer.copy(frame, 0, frame.length);
    this.touch();
  }

  /** What the client says it has. Malformed counts throw. */
  acknowledged(received: number, handled: number): void {
    this.flushWriter();
    if (!this.#outbox.acknowledge(received)) {
      throw new InvalidArgumentError(
        `Cannot accept ack: ${received} frames received, ${this.#outbox.written} were sent`,
      );
    }
    this.#progress?.catchUp();
    if (!this.#window.handled(handled)) return;
    this.core.commitSoon();
    this.resume();
  }

  /** There is room again. */
  resume(): void {
    this.#progress?.catchUp();
    this.#window.resume(this.consumers);
  }

  /** A send was taken. Hot path. */
  receipt(flags: number, number: number, sequence: number): void {
    this.#receipts.push(flags, number, sequence);
    this.touch();
  }

  /** A send was refused. */
  reject(number: number, error: unknown): void {
    this.core.counters.rejected++;
    this.#closeReceipts();
    writeReject(this.writer, number, encodeStructured(toWireError(error)));
    this.touch();
  }

  /** Something the client did not ask for. */
  notify(notice: Notice): void {
    if (this.ended) return;
    this.writer.structured(FrameKind.Notify, encodeBriefly(notice));
    this.touch();
  }

  /** Somebody's progress. */
  progress(key: string, notice: Uint8Array): void {
    if (!this.ended) (this.#progress ??= new ProgressLine(this, this.core.limits.broadcastQueue)).add(key, notice);
  }

  /** Whether more than half of what may be on its way is: then what can wait does. */
  isBehind(): boolean {
    return !this.connected ||
      this.#outbox.bytes + this.#commonBytes + this.writer.size > this.core.limits.windowBytes / 2;
  }

  /** Puts a notice on its way. */
  tell(notice: Uint8Array): void {
    this.writer.structured(FrameKind.Notify, notice);
    this.touch();
  }

  /** Progress was dropped: more pieces of work than may wait. */
  dropped(): void {
    this.gap({ topic: `pg::${this.workspace ?? ""}`, reason: "slow_consumer", missed: 1 });
  }

  /** Messages are gone, and the client must know. */
  gap(gap: Gap): void {
    this.core.counters.gaps++;
    this.notify({ name: "gap", body: gap });
  }

  /** Wants to be flushed at the end of the turn. */
  touch(): void {
    if (this.writer.size >= BATCH_BYTES) this.flushWriter();
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.core.dirty(this);
  }

  #closeReceipts(): void {
    if (this.#receipts.length === 0) return;
    writeReceipts(this.writer, this.#receipts);
    this.#receipts = [];
  }

  /** Turns what was written into a message that is kept for replay. */
  flushWriter(): void {
    this.#closeReceipts();
    if (this.#common.length > 0) this.#keepCommon();
    if (this.writer.size === 0) return;
    const count = this.writer.numbered;
    this.#keep(this.writer.take(), count);
  }

  #keepCommon(): void {
    const frames = this.#common;
    this.#common = [];
    this.#commonBytes = 0;
    if (this.writer.size === 0) return this.#keep(joined(frames), frames.length, true);
    // With more behind them that is this one's alone they are written as others are.
    const rest = this.writer.take();
    for (const frame of frames) this.writer.copy(frame, 0, frame.length);
    eachFrame(rest, (_, bytes, start, end) => this.writer.copy(bytes, start, end));
  }

  #keep(bytes: Uint8Array, count: number, isShared = false): void {
    this.#outbox.push(bytes, count, isShared);
    if (this.#transport) this.#sealed.push(bytes);
  }

  seal(): void {
    this.#isDirty = false;
    if (this.ended) return;
    this.#closeReceipts();
    const isWriting = this.writer.size > 0 || this.#common.length > 0;
    if (this.received > this.#saidReceived && (isWriting || this.received - this.#saidReceived >= 64)) {
      this.sayReceived();
    }
    if (this.#streams) this.#layStreams(this.#streams);
    this.flushWriter();
    this.#outgoing.push(...this.#sealed);
    this.#sealed = [];
    this.#sealedTo = this.#outbox.written;
  }

  /** Data of streams, which is not replayed, does not share a message with what is kept for that. */
  #layStreams(streams: StreamTable): void {
    if (this.writer.numbered > 0) this.flushWriter();
    streams.flush(this.writer, (bytes) => this.#sealed.push(bytes));
  }

  release(): void {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    const transport = this.#transport;
    if (transport) {
      for (const bytes of outgoing) transport.send(bytes);
      this.#outbox.left(transport.isCopying, this.#sealedTo);
    } // A client that is connected gets its answers however many they are; without a socket the bound holds.
    else if (this.#outbox.bytes > this.core.limits.replayBytes && !this.ended) {
      this.core.logger("warn", "session.overflow", { topic: this.topic, bytes: this.#outbox.bytes });
      const details = { limit: this.core.limits.replayBytes, current: this.#outbox.bytes };
      const words =
        `Cannot keep the session: ${details.current} bytes wait for an ack, at most ${details.limit} are kept`;
      this.fail(new QuotaError(words, { details, retryAfterMs: 1000 }));
    }
  }

  /** Puts the count of received frames into what leaves next. */
  sayReceived(): void {
    if (this.received === this.#saidReceived || !this.#transport) return;
    this.writer.ack(this.received, 0);
    this.#saidReceived = this.received;
  }

  /** Whether the client is owed a count. */
  get owesAck(): boolean {
    return this.received > this.#saidReceived;
  }

  /** Asks the socket for a sign of life. */
  ping(): void {
    this.pinged = true;
    this.#transport?.ping();
  }

  /** Gives the socket up: its peer is silent, or has come back by another one. */
  abandon(): void {
    const transport = this.#transport;
    this.#transport = undefined;
    this.detachedAt = this.core.clock.now();
    this.#streams?.lost();
    transport?.abandon();
  }

  /** Drops what was not sent: it is not durable. */
  discard(): void {
    this.#sealed = [];
    this.#outgoing = [];
    this.#common = [];
    this.#receipts = [];
    this.writer.take();
    this.isDiscarded = true;
  }
  /** Nothing more leaves but the goodbye. */
  isDiscarded = false;

  /** Ends the session over an error of the client's; set by the registry. */
  onFail: (error: unknown) => void = () => {};

  /** The client did something that cannot be, or something of its own broke: the session ends, the process does not. */
  fail(error: unknown): void {
    this.onFail(error);
  }

  /** Ends it: what is written goes out, then goodbye. The caller frees identity and lanes. */
  end(code: number, reason: string, retryAfterMs?: number, error?: AetherError): void {
    if (this.ended) return;
    if (!this.isDiscarded) {
      this.sayReceived();
      this.flushWriter();
    }
    this.ended = true;
    const transport = this.#transport;
    this.#transport = undefined;
    for (const consumer of this.consumers.splice(0)) consumer.lane.detach(consumer);
    this.#window.detach();
    this.#requests?.end();
    this.#calls?.end();
    this.#streams?.lost();
    if (!transport) return;
    for (const bytes of [...this.#outgoing, ...this.#sealed]) transport.send(bytes);
    const last = new FrameWriter();
    if (error) last.structured(FrameKind.Refuse, encodeStructured(toWireError(error)));
    else {last.structured(
        FrameKind.Bye,
        encodeStructured(retryAfterMs === undefined ? { code, reason } : { code, reason, retryAfterMs }),
      );}
    transport.send(last.take());
    transport.close(error ? closeCodeFor(error.code) : code, reason);
  }
}

/** The workspace that was named last. */
let last: { readonly text: string; readonly bytes: Uint8Array } = { text: "", bytes: NO_BYTES };

/** Bytes of a text: those who come after each other are mostly in one workspace, and share them. */
function sharedBytes(text: string): Uint8Array {
  if (text !== last.text) last = { text, bytes: utf8(text) };
  return last.bytes;
}

/** Marks an encoded `Deliver` as one of a queue lane. */
export function markQueue(frame: Uint8Array): void {
  frame[5] |= FLAG_QUEUE;
}
