// edge: no Deno, Bun, node: or cloudflare: names
import { QuotaError } from "../errors.ts";
import { utf8 } from "../base/bytes.ts";
import type { LogRecord } from "../store/store.ts";
import type { Consumer, LanePolicy, Listened, Listener } from "./consumer.ts";
import type { Core } from "./core.ts";

const READ = 128;

/** A lane at run time: who listens, and what the store keeps of it. */
export class Lane implements Listened {
  readonly topic: string;
  readonly topicBytes: Uint8Array;
  readonly policy: LanePolicy;
  readonly consumers: Consumer[] = [];
  readonly #core: Core;
  /** Live lanes number their messages here; the others in the store. */
  #live = 0;
  /** Queue lanes: last sequence given to a worker, and those that came back. */
  #assigned = 0;
  #returned: number[] = [];
  #filling = false;

  constructor(core: Core, topic: string, policy: LanePolicy) {
    this.#core = core;
    this.topic = topic;
    this.topicBytes = utf8(topic);
    this.policy = policy;
    if (policy === "queue") this.#assigned = core.store.log.extent(topic).first - 1;
  }

  get isCommon(): boolean {
    // Of a few each is written faster than all are compared.
    return this.consumers.length > 3 && this.policy !== "queue";
  }

  /** Throws {@link QuotaError} when a message has no room here. Called before the message is encoded. */
  admit(bytes: number): void {
    if (this.policy === "live") return;
    const { laneMessages, laneBytes } = this.#core.limits;
    const { log } = this.#core.store;
    let extent = log.extent(this.topic);
    if (extent.count < laneMessages && extent.bytes + bytes <= laneBytes) return;
    if (this.policy === "identity" || this.policy === "queue") {
      throw new QuotaError(
        `Cannot keep the message for "${this.topic}": ${extent.count} messages (${extent.bytes} bytes) wait there, at most ${laneMessages} (${laneBytes} bytes) are kept`,
        {
          details: { limit: laneMessages, current: extent.count, limitBytes: laneBytes, currentBytes: extent.bytes },
          retryAfterMs: 1000,
        },
      );
    }
    while (extent.count > 0 && (extent.count >= laneMessages || extent.bytes + bytes > laneBytes)) {
      log.trim(this.topic, extent.first);
      extent = log.extent(this.topic);
    }
  }

  /** Number the next message will get; it goes into the frame before the frame is appended. */
  next(): number {
    return this.policy === "live" ? this.#live + 1 : this.#core.store.log.extent(this.topic).last + 1;
  }

  /** Takes an encoded message and hands it to whoever is ready for it. `from` does not hear its own broadcast. */
  publish(frame: Uint8Array, at: number, expiresAt: number, from: Listener | undefined): void {
    if (this.policy === "live") {
      this.#live++;
      for (const consumer of this.consumers) {
        if (consumer.session !== from) consumer.session.broadcast(consumer, this.#live, frame);
      }
      return;
    }
    const { log } = this.#core.store;
    const sequence = log.append(this.topic, frame, at, expiresAt);
    if (this.policy === "queue") return this.fill();
    if (this.consumers.length === 0 && this.policy === "cursors" && log.lowestCursor(this.topic) === undefined) {
      // Nobody has ever listened, so nobody can come back for it.
      return log.trim(this.topic, sequence);
    }
    for (const consumer of this.consumers) {
      if (
        consumer.position === sequence - 1 && !consumer.reading && consumer.session.offer(consumer, sequence, frame)
      ) consumer.position = sequence;
      else this.pump(consumer);
    }
  }

  /** A session starts to listen: where its cursor stands, or at the tail. */
  async attach(session: Listener, name: string): Promise<Consumer> {
    const consumer: Consumer = { session, lane: this, name, position: 0, reading: false, working: 0 };
    const { log } = this.#core.store;
    if (this.policy === "identity" || this.policy === "fan_in" || this.policy === "cursors") {
      const cursor = log.cursor(this.topic, name);
      const known = cursor instanceof Promise ? await cursor : cursor;
      // A lane with one consumer keeps everything for it from the first message on; others begin where they join.
      consumer.position = known ?? (this.policy === "cursors" ? log.extent(this.topic).last : 0);
      log.commit(this.topic, name, consumer.position, this.#core.clock.now());
    }
    this.consumers.push(consumer);
    return consumer;
  }

  /** A session stops listening; what it had not handled is there for the next one. */
  detach(consumer: Consumer): void {
    this.leave(consumer);
    this.giveBack(consumer);
  }

  /** A session wants nothing more, but will finish what it has. */
  leave(consumer: Consumer): void {
    const at = this.consumers.indexOf(consumer);
    if (at >= 0) this.consumers.splice(at, 1);
  }

  /** Queue lanes: takes back what a worker had not handled, for another one. */
  giveBack(consumer: Consumer): void {
    if (this.policy !== "queue" || consumer.working === 0) return;
    this.#returned.push(consumer.working);
    this.#returned.sort((a, b) => a - b);
    consumer.working = 0;
    this.fill();
  }

  /** The consumer has handled everything up to a sequence. */
  handled(consumer: Consumer, sequence: number): void {
    const { log } = this.#core.store;
    switch (this.policy) {
      case "live":
        return;
      case "queue":
        // An answer for what was taken back meanwhile changes nothing: somebody else has it.
        if (consumer.working !== sequence) return;
        consumer.working = 0;
        log.remove(this.topic, sequence);
        return this.fill();
      case "cursors":
        log.commit(this.topic, consumer.name, sequence, this.#core.clock.now());
        return log.trim(this.topic, log.lowestCursor(this.topic) ?? sequence);
      default:
        log.commit(this.topic, consumer.name, sequence, this.#core.clock.now());
        return log.trim(this.topic, sequence);
    }
  }

  touch(consumer: Consumer): void {
    if (this.policy === "live" || this.policy === "queue") return;
    const { log } = this.#core.store;
    const cursor = log.cursor(this.topic, consumer.name);
    const commit = (at: number | undefined): void =>
      log.commit(this.topic, consumer.name, at ?? 0, this.#core.clock.now());
    if (cursor instanceof Promise) cursor.then(commit, (error) => consumer.session.fail(error));
    else commit(cursor);
  }

  /** Hands a consumer that is behind what its window has room for. */
  pump(consumer: Consumer): void {
    if (this.policy === "live" || this.policy === "queue" || consumer.reading || !this.consumers.includes(consumer)) {
      return;
    }
    const { log } = this.#core.store;
    while (consumer.position < log.extent(this.topic).last && consumer.session.hasRoom()) {
      const read = log.read(this.topic, consumer.position, READ);
      if (read instanceof Promise) {
        consumer.reading = true;
        read.then((records) => this.#hand(consumer, records)).catch((error) => consumer.session.fail(error)).finally(
          () => {
            consumer.reading = false;
            this.pump(consumer);
          },
        );
        return;
      }
      if (!this.#hand(consumer, read)) return;
    }
  }

  #hand(consumer: Consumer, records: LogRecord[]): boolean {
    const { first, last } = this.#core.store.log.extent(this.topic);
    const from = records[0]?.sequence ?? last + 1;
    // Positions before `first` were trimmed by age or size, unless they were the consumer's own handled ones.
    if (from > consumer.position + 1 && first > consumer.position + 1) {
      consumer.session.gap({ topic: this.topic, reason: "trimmed", missed: from - consumer.position - 1 });
      consumer.position = from - 1;
    }
    const now = this.#core.clock.now();
    for (const record of records) {
      const dead = record.expiresAt > 0 && record.expiresAt <= now;
      if (!dead && !consumer.session.offer(consumer, record.sequence, record.bytes)) return false;
      consumer.position = record.sequence;
    }
    return records.length > 0;
  }

  /** Queue lanes: gives waiting messages to free workers, the one that has waited longest first. */
  fill(): void {
    if (this.#filling) return;
    this.#filling = true;
    try {
      for (;;) {
        const worker = this.consumers.find((consumer) =>
          consumer.working === 0 && consumer.session.connected && consumer.session.hasRoom()
        );
        if (!worker) return;
        const record = this.#take();
        if (record instanceof Promise) {
          record.then((found) => {
            if (found) this.#returned.unshift(found.sequence);
            this.fill();
          }, (error) => worker.session.fail(error));
          return;
        }
        if (!record) return;
        worker.working = record.sequence;
        // To the end of the line: turns are fair.
        this.consumers.push(...this.consumers.splice(this.consumers.indexOf(worker), 1));
        worker.session.offer(worker, record.sequence, record.bytes);
      }
    } finally {
      this.#filling = false;
    }
  }

  #take(): LogRecord | undefined | Promise<LogRecord | undefined> {
    const { log } = this.#core.store;
    for (;;) {
      const returned = this.#returned.shift();
      const read = log.read(this.topic, returned === undefined ? this.#assigned : returned - 1, 1);
      const pick = ([record]: LogRecord[]): LogRecord | "next" | undefined => {
        if (!record) return undefined;
        if (returned !== undefined && record.sequence !== returned) return "next";
        this.#assigned = Math.max(this.#assigned, record.sequence);
        if (record.expiresAt === 0 || record.expiresAt > this.#core.clock.now()) return record;
        log.remove(this.topic, record.sequence);
        return "next";
      };
      if (read instanceof Promise) {
        return read.then((records) => {
          const picked = pick(records);
          return picked === "next" ? this.#take() : picked;
        });
      }
      const picked = pick(read);
      if (picked !== "next") return picked;
    }
  }
}
