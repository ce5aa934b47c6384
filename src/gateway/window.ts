// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { Gap } from "../protocol/messages.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Consumer } from "./consumer.ts";

/** What the window needs of its session. */
export interface WindowHost {
  readonly limits: Pick<Limits, "windowMessages" | "windowBytes" | "broadcastQueue">;
  /** Puts a message on its way; `isCommon` when others get the very same. */
  write(bytes: Uint8Array, isCommon: boolean): void;
  /** Messages are gone, and the client must know. */
  gap(gap: Gap): void;
}

interface Waiting {
  readonly consumer: Consumer;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Messages handed to one client and not yet handled, oldest first, and the live ones that wait for room among them. */
export class Window {
  readonly #host: WindowHost;
  #open: Waiting[] = [];
  #head = 0;
  #bytes = 0;
  #handled = 0;
  #broadcasts: Waiting[] = [];
  /** Places in lanes the session has left, with work it may not have finished. */
  #left: Set<Consumer> | undefined;

  constructor(host: WindowHost) {
    this.#host = host;
  }

  /** Messages ever handed out. */
  get delivered(): number {
    return this.#handled + this.#open.length - this.#head;
  }

  /** Whether there is room for another message. */
  hasRoom(): boolean {
    const { windowMessages, windowBytes } = this.#host.limits;
    return this.#open.length - this.#head < windowMessages && this.#bytes < windowBytes;
  }

  /** Hands a message over if there is room. Hot path. */
  offer(consumer: Consumer, sequence: number, bytes: Uint8Array): boolean {
    if (!this.hasRoom()) return false;
    this.#host.write(bytes, consumer.lane.isCommon);
    this.#open.push({ consumer, sequence, bytes });
    this.#bytes += bytes.length;
    return true;
  }

  /** Hands over a live broadcast, or keeps it in a bounded queue; what falls out of it is said as a gap. */
  broadcast(consumer: Consumer, sequence: number, bytes: Uint8Array): void {
    if (this.#broadcasts.length === 0 && this.offer(consumer, sequence, bytes)) return;
    this.#broadcasts.push({ consumer, sequence, bytes });
    if (this.#broadcasts.length > this.#host.limits.broadcastQueue) {
      const oldest = this.#broadcasts.shift()!;
      this.#host.gap({ topic: oldest.consumer.lane.topic, reason: "slow_consumer", missed: 1 });
    }
  }

  /** The client counts so many as handled: false when it has said so before. A count from the future throws. */
  handled(count: number): boolean {
    if (count > this.delivered) {
      throw new InvalidArgumentError(
        `Cannot accept ack: ${count} messages handled, ${this.delivered} were delivered`,
      );
    }
    if (count <= this.#handled) return false;
    let last: Waiting | undefined;
    while (this.#handled < count) {
      const entry = this.#open[this.#head++];
      this.#handled++;
      this.#bytes -= entry.bytes.length;
      // A run of one lane is committed once, by its last message; a queue lane counts each.
      if (last && (last.consumer !== entry.consumer || entry.consumer.lane.policy === "queue")) this.#finish(last);
      last = entry;
    }
    if (last) this.#finish(last);
    if (this.#head === this.#open.length) {
      this.#open = [];
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#open = this.#open.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  #finish({ consumer, sequence }: Waiting): void {
    // Before it is free: a lane that was left must not give it the next one.
    if (this.#left?.delete(consumer)) consumer.lane.leave(consumer);
    consumer.lane.handled(consumer, sequence);
  }

  /** There is room again: queued broadcasts first, then lanes that are behind. */
  resume(consumers: readonly Consumer[]): void {
    while (this.#broadcasts.length > 0 && this.hasRoom()) {
      const { consumer, sequence, bytes } = this.#broadcasts.shift()!;
      consumer.session.offer(consumer, sequence, bytes);
    }
    for (const consumer of consumers) {
      if (consumer.lane.policy === "queue") consumer.lane.fill();
      else consumer.lane.pump(consumer);
    }
  }

  /** Wants nothing more of a lane. A queue that waits for its answer is left when that has come. */
  leave(consumer: Consumer): void {
    if (consumer.working > 0) (this.#left ??= new Set()).add(consumer);
    else consumer.lane.leave(consumer);
  }

  /** Lets go of the lanes that were left and are still waited for. */
  detach(): void {
    for (const consumer of this.#left ?? []) consumer.lane.detach(consumer);
    this.#left = undefined;
  }
}
