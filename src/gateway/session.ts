// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, InvalidArgumentError, QuotaError } from "../errors.ts";
import { NO_BYTES, utf8 } from "../base/bytes.ts";
import { closeCodeFor } from "../protocol/close_codes.ts";
import { toWireError } from "../protocol/error_wire.ts";
import { FLAG_QUEUE, FrameKind, FrameWriter } from "../protocol/frames.ts";
import { writeReject } from "../protocol/frames_down.ts";
import type { Welcome } from "../protocol/handshake.ts";
import { BATCH_BYTES, type Limits } from "../protocol/limits.ts";
import type { Gap } from "../protocol/messages.ts";
import type { Notice } from "../protocol/ops.ts";
import { type Identity, identityTopic } from "../protocol/principals.ts";
import { encodeBriefly, encodeStructured } from "../protocol/structured.ts";
import type { Transport } from "../transport/transport.ts";
import type { Consumer, Listener } from "./consumer.ts";
import { CallTable } from "./calls.ts";
import type { Core } from "./core.ts";
import { type ProgressHost, ProgressLine } from "./progress_line.ts";
import { Departures } from "./departures.ts";
import { type Asker, RequestTable } from "./requests.ts";
import type { Caller } from "./openings.ts";
import { type StreamHost, StreamTable } from "./streams.ts";
import { Window, type WindowHost } from "./window.ts";

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
  readonly #departures = new Departures();
  /** Where frames of this turn are laid. */
  readonly writer: FrameWriter = this.#departures.writer;
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
    this.#departures.close();
    this.#use(transport);
    this.detachedAt = 0;
    this.pinged = false;
    this.heardAt = this.core.clock.now();
    const head = new FrameWriter();
    head.structured(FrameKind.Welcome, encodeStructured(welcome));
    transport.send(head.take());
    // Also for a new session: what came in between its lock and its welcome has been laid and not sent.
    this.#departures.replay(received, transport);
    if (welcome.resumed) this.acknowledged(received, handled);
    this.resume();
  }

  #use(transport: Transport | undefined): void {
    this.#transport = transport;
    this.#departures.hasSocket = transport !== undefined;
  }

  /** Whether a client that has so much can go on with this session. */
  canResume(received: number, handled: number): boolean {
    return this.#departures.holds(received) && handled <= this.#window.delivered;
  }

  /** The socket is gone; returns it when `transport` is the one in use. */
  unbind(transport: Transport): boolean {
    if (this.#transport !== transport) return false;
    this.#use(undefined);
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
    this.#departures.message(frame, isCommon);
    this.touch();
  }

  /** What the client says it has. Malformed counts throw. */
  acknowledged(received: number, handled: number): void {
    if (!this.#departures.acknowledge(received)) {
      throw new InvalidArgumentError(
        `Cannot accept ack: ${received} frames received, ${this.#departures.written} were sent`,
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
    this.#departures.receipt(flags, number, sequence);
    this.touch();
  }

  /** A send was refused. */
  reject(number: number, error: unknown): void {
    this.core.counters.rejected++;
    this.#departures.closeReceipts();
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
    return !this.connected || this.#departures.bytes > this.core.limits.windowBytes / 2;
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
    if (this.writer.size >= BATCH_BYTES) this.#departures.close();
    if (this.#isDirty) return;
    this.#isDirty = true;
    this.core.dirty(this);
  }

  seal(): void {
    this.#isDirty = false;
    if (this.ended) return;
    const { received } = this;
    this.#departures.closeReceipts();
    if (received > this.#saidReceived && (this.#departures.isLaid || received - this.#saidReceived >= 64)) {
      this.sayReceived();
    }
    this.#departures.seal(this.#streams);
  }

  release(): void {
    this.#departures.send(this.#transport);
    const { replayBytes } = this.core.limits;
    // A client that is connected gets its answers however many they are; without a socket the bound holds.
    if (this.#transport || this.#departures.kept <= replayBytes || this.ended) return;
    const details = { limit: replayBytes, current: this.#departures.kept };
    this.core.logger("warn", "session.overflow", { topic: this.topic, bytes: details.current });
    const words =
      `Cannot keep the session: ${details.current} bytes wait for an ack, at most ${details.limit} are kept`;
    this.fail(new QuotaError(words, { details, retryAfterMs: 1000 }));
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
    this.#use(undefined);
    this.detachedAt = this.core.clock.now();
    this.#streams?.lost();
    transport?.abandon();
  }

  /** Drops what was not sent: it is not durable. */
  discard(): void {
    this.#departures.discard();
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
      this.#departures.close();
    }
    this.ended = true;
    const transport = this.#transport;
    this.#use(undefined);
    for (const consumer of this.consumers.splice(0)) consumer.lane.detach(consumer);
    this.#window.detach();
    this.#requests?.end();
    this.#calls?.end();
    this.#streams?.lost();
    if (!transport) return;
    this.#departures.sendLast(transport);
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
