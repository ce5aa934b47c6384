// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, InvalidArgumentError, QuotaError } from "../errors.ts";
import { utf8 } from "../base/bytes.ts";
import { closeCodeFor } from "../protocol/close_codes.ts";
import { toWireError } from "../protocol/error_wire.ts";
import { FLAG_QUEUE, FrameKind, FrameWriter } from "../protocol/frames.ts";
import { writeReceipts, writeReject } from "../protocol/frames_down.ts";
import type { Welcome } from "../protocol/handshake.ts";
import { BATCH_BYTES } from "../protocol/limits.ts";
import type { Gap, Signal } from "../protocol/messages.ts";
import { type Identity, identityTopic } from "../protocol/principals.ts";
import { encodeStructured } from "../protocol/structured.ts";
import { Outbox } from "../session/outbox.ts";
import type { Transport } from "../transport/transport.ts";
import type { Consumer, Listener } from "./consumer.ts";
import type { Core } from "./core.ts";
import { type Asker, RequestTable } from "./requests.ts";

/** What a client is told without having asked. */
export type Notice = { name: "gap"; body: Gap } | { name: "signal"; body: Signal };

interface Waiting {
  consumer: Consumer;
  sequence: number;
  bytes: Uint8Array;
}

/** One principal's end at the gateway. It outlives its socket for the resume window. */
export class Session implements Listener, Asker {
  readonly core: Core;
  readonly id: string;
  token: string;
  readonly identity: Identity;
  readonly topic: string;
  readonly topicBytes: Uint8Array;
  workspace: string | undefined;
  workspaceBytes: Uint8Array;
  readonly producer: string;
  readonly producerBytes: Uint8Array;
  /** Key of its message numbers in the dedupe store. */
  readonly producerKey: string;
  readonly consumers: Consumer[] = [];
  readonly requests: RequestTable = new RequestTable(this);

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
  #sealed: Uint8Array[] = [];
  readonly #outbox: Outbox = new Outbox();
  #receipts: number[] = [];
  #isDirty = false;

  /** Messages handed out and not yet handled, oldest first: consumer, sequence, bytes. */
  #inflight: Waiting[] = [];
  #inflightHead = 0;
  #inflightBytes = 0;
  #handled = 0;
  #broadcasts: Waiting[] = [];

  constructor(
    core: Core,
    id: string,
    token: string,
    identity: Identity,
    workspace: string | undefined,
    producer: string,
  ) {
    this.core = core;
    this.id = id;
    this.token = token;
    this.identity = identity;
    this.topic = identityTopic(identity);
    this.topicBytes = utf8(this.topic);
    this.workspace = workspace;
    this.workspaceBytes = utf8(workspace ?? "");
    this.producer = producer;
    this.producerBytes = utf8(producer);
    this.producerKey = `${this.topic} ${producer}`;
    this.heardAt = core.clock.now();
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
    // Also for a new session: what came in between its lock and its welcome has been laid and not sent.
    for (const message of this.#outbox.replay(received, BATCH_BYTES)) transport.send(message);
    if (welcome.resumed) this.acknowledged(received, handled);
    this.resume();
  }

  /** Whether a client that has so much can go on with this session. */
  canResume(received: number, handled: number): boolean {
    this.flushWriter();
    return this.#outbox.holds(received) && handled <= this.#handled + this.#inflight.length - this.#inflightHead;
  }

  /** The socket is gone; returns it when `transport` is the one in use. */
  unbind(transport: Transport): boolean {
    if (this.#transport !== transport) return false;
    this.#transport = undefined;
    this.detachedAt = this.core.clock.now();
    return true;
  }

  /** Whether the window has room for another message. */
  hasRoom(): boolean {
    return this.#inflight.length - this.#inflightHead < this.core.limits.windowMessages &&
      this.#inflightBytes < this.core.limits.windowBytes;
  }

  /** Hands a message over if the window has room. Hot path. */
  offer(consumer: Consumer, sequence: number, bytes: Uint8Array): boolean {
    if (this.ended || !this.hasRoom()) return false;
    this.#write(bytes);
    this.#inflight.push({ consumer, sequence, bytes });
    this.#inflightBytes += bytes.length;
    this.core.counters.messagesOut++;
    return true;
  }

  #write(frame: Uint8Array): void {
    this.writer.copy(frame, 0, frame.length);
    if (this.writer.size >= BATCH_BYTES) this.flushWriter();
    this.touch();
  }

  /** Hands over a live broadcast, or keeps it in a bounded queue; what falls out of it is said as a gap. */
  broadcast(consumer: Consumer, sequence: number, bytes: Uint8Array): void {
    if (this.#broadcasts.length === 0 && this.offer(consumer, sequence, bytes)) return;
    this.#broadcasts.push({ consumer, sequence, bytes });
    if (this.#broadcasts.length > this.core.limits.broadcastQueue) {
      const oldest = this.#broadcasts.shift()!;
      this.gap({ topic: oldest.consumer.lane.topic, reason: "slow_consumer", missed: 1 });
    }
  }

  /** What the client says it has. Malformed counts throw. */
  acknowledged(received: number, handled: number): void {
    this.flushWriter();
    if (!this.#outbox.acknowledge(received)) {
      throw new InvalidArgumentError(
        `Cannot accept ack: ${received} frames received, ${this.#outbox.written} were sent`,
      );
    }
    const open = this.#inflight.length - this.#inflightHead;
    if (handled > this.#handled + open) {
      throw new InvalidArgumentError(
        `Cannot accept ack: ${handled} messages handled, ${this.#handled + open} were delivered`,
      );
    }
    if (handled <= this.#handled) return;
    let last: Waiting | undefined;
    while (this.#handled < handled) {
      const entry = this.#inflight[this.#inflightHead++];
      this.#handled++;
      this.#inflightBytes -= entry.bytes.length;
      // A run of one lane is committed once, by its last message; a queue lane counts each.
      if (last && (last.consumer !== entry.consumer || entry.consumer.lane.policy === "queue")) {
        last.consumer.lane.handled(last.consumer, last.sequence);
      }
      last = entry;
    }
    last?.consumer.lane.handled(last.consumer, last.sequence);
    if (this.#inflightHead === this.#inflight.length) {
      this.#inflight = [];
      this.#inflightHead = 0;
    } else if (this.#inflightHead > 1024) {
      this.#inflight = this.#inflight.slice(this.#inflightHead);
      this.#inflightHead = 0;
    }
    this.resume();
  }

  /** There is room again: queued broadcasts first, then lanes that are behind. */
  resume(): void {
    while (this.#broadcasts.length > 0 && this.hasRoom()) {
      const { consumer, sequence, bytes } = this.#broadcasts.shift()!;
      this.offer(consumer, sequence, bytes);
    }
    for (const consumer of this.consumers) {
      if (consumer.lane.policy === "queue") consumer.lane.fill();
      else consumer.lane.pump(consumer);
    }
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
    this.writer.structured(FrameKind.Notify, encodeStructured(notice));
    this.touch();
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
    if (this.writer.size === 0) return;
    const count = this.writer.numbered;
    const bytes = this.writer.take();
    this.#outbox.push(bytes, count);
    if (this.#transport) this.#sealed.push(bytes);
  }

  /** Sends the turn: everything written since the last one, in as few messages as size allows, with the ack in the last. */
  flush(): void {
    this.#isDirty = false;
    if (this.ended) return;
    this.#closeReceipts();
    const transport = this.#transport;
    if (this.received > this.#saidReceived && (this.writer.size > 0 || this.received - this.#saidReceived >= 64)) {
      this.sayReceived();
    }
    this.flushWriter();
    if (transport) {
      const sealed = this.#sealed;
      this.#sealed = [];
      for (const bytes of sealed) transport.send(bytes);
    }
    // A client that is connected gets its answers however many they are; without a socket the bound holds.
    if (!transport && this.#outbox.bytes > this.core.limits.replayBytes) {
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
    transport?.abandon();
  }

  /** Ends the session over an error of the client's; set by the registry. */
  onFail: (error: unknown) => void = () => {};

  /** The client did something that cannot be, or something of its own broke: the session ends, the process does not. */
  fail(error: unknown): void {
    this.onFail(error);
  }

  /** Ends it: what is written goes out, then goodbye. The caller frees identity and lanes. */
  end(code: number, reason: string, retryAfterMs?: number, error?: AetherError): void {
    if (this.ended) return;
    this.sayReceived();
    this.flushWriter();
    this.ended = true;
    const transport = this.#transport;
    this.#transport = undefined;
    for (const consumer of this.consumers.splice(0)) consumer.lane.detach(consumer);
    this.requests.end();
    if (!transport) return;
    for (const bytes of this.#sealed) transport.send(bytes);
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

/** Marks an encoded `Deliver` as one of a queue lane. */
export function markQueue(frame: Uint8Array): void {
  frame[5] |= FLAG_QUEUE;
}
