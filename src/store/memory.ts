// edge: no Deno, Bun, node: or cloudflare: names
/**
 * A store in memory: the reference implementation of the contracts, and the default.
 * @module
 */
import { Cursors } from "./cursors.ts";
import { firstAt } from "./search.ts";
import type { DedupeStore, LaneExtent, LogRecord, LogStore, MaybePromise, Store } from "./store.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";
import { MemoryKv } from "./memory_kv.ts";
import { MemoryTasks } from "./memory_tasks.ts";

export type {
  DedupeStore,
  KvChange,
  KvExpired,
  KvRecord,
  KvStore,
  KvWrite,
  LaneExtent,
  LogRecord,
  LogStore,
  MaybePromise,
  Store,
  TaskRecord,
  TaskStore,
} from "./store.ts";

interface MemoryLane {
  records: LogRecord[];
  /** Index of the first record that counts; what lies before it is waiting for compaction. */
  head: number;
  bytes: number;
  last: number;
  readonly cursors: Cursors;
}

class MemoryLog implements LogStore {
  readonly #lanes = new Map<string, MemoryLane>();
  #sweep: IterableIterator<[string, MemoryLane]> | undefined;

  #lane(name: string): MemoryLane {
    let lane = this.#lanes.get(name);
    if (!lane) this.#lanes.set(name, lane = { records: [], head: 0, bytes: 0, last: 0, cursors: new Cursors() });
    return lane;
  }

  append(name: string, bytes: Uint8Array, at: number, expiresAt: number): number {
    const lane = this.#lane(name);
    const sequence = ++lane.last;
    lane.records.push({ sequence, at, expiresAt, bytes });
    lane.bytes += bytes.length;
    return sequence;
  }

  read(name: string, after: number, limit: number): LogRecord[] {
    const lane = this.#lanes.get(name);
    if (!lane) return [];
    let low = lane.head;
    let high = lane.records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lane.records[middle].sequence <= after) low = middle + 1;
      else high = middle;
    }
    return lane.records.slice(low, low + limit);
  }

  extent(name: string): LaneExtent {
    const lane = this.#lanes.get(name);
    if (!lane) return { first: 1, last: 0, count: 0, bytes: 0 };
    const count = lane.records.length - lane.head;
    return {
      first: count > 0 ? lane.records[lane.head].sequence : lane.last + 1,
      last: lane.last,
      count,
      bytes: lane.bytes,
    };
  }

  cursor(name: string, consumer: string): number | undefined {
    return this.#lanes.get(name)?.cursors.get(consumer)?.sequence;
  }

  commit(name: string, consumer: string, sequence: number, at: number): void {
    this.#lane(name).cursors.commit(consumer, sequence, at);
  }

  lowestCursor(name: string): number | undefined {
    return this.#lanes.get(name)?.cursors.lowest();
  }

  trim(name: string, through: number): void {
    const lane = this.#lanes.get(name);
    if (!lane) return;
    while (lane.head < lane.records.length && lane.records[lane.head].sequence <= through) {
      lane.bytes -= lane.records[lane.head].bytes.length;
      lane.records[lane.head++] = EMPTY;
    }
    compact(lane);
  }

  remove(name: string, sequence: number): void {
    const lane = this.#lanes.get(name);
    if (!lane) return;
    const first = lane.records[lane.head];
    if (first?.sequence === sequence) return this.trim(name, sequence);
    // What lies before the head has sequence 0.
    const at = firstAt(lane.records, (record) => record.sequence >= sequence);
    if (at < lane.head || lane.records[at]?.sequence !== sequence) return;
    lane.bytes -= lane.records[at].bytes.length;
    lane.records.splice(at, 1);
  }

  expire(olderThan: number, limit: number): number {
    let gone = 0;
    this.#sweep ??= this.#lanes.entries();
    for (let lanes = 0; lanes < limit; lanes++) {
      const next = this.#sweep.next();
      if (next.done) {
        this.#sweep = undefined;
        break;
      }
      const [name, lane] = next.value;
      lane.cursors.expire(olderThan);
      let through = 0;
      for (let at = lane.head; at < lane.records.length && lane.records[at].at < olderThan; at++) {
        through = lane.records[at].sequence;
        gone++;
      }
      if (through > 0) this.trim(name, through);
    }
    return gone;
  }
}

const EMPTY: LogRecord = { sequence: 0, at: 0, expiresAt: 0, bytes: new Uint8Array(0) };

function compact(lane: MemoryLane): void {
  if (lane.head === lane.records.length) {
    lane.records = [];
    lane.head = 0;
  } else if (lane.head > 256 && lane.head * 2 > lane.records.length) {
    lane.records = lane.records.slice(lane.head);
    lane.head = 0;
  }
}

class MemoryDedupe implements DedupeStore {
  // Insertion order is age, so expiry looks at the oldest entries only.
  readonly #ids = new Map<string, { place: number; sequence: number; at: number }>();
  #next = 0;
  readonly #producers = new Map<string, { number: number; at: number }>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  seen(key: string): number | undefined {
    return this.#ids.get(key)?.sequence;
  }

  remember(key: string, sequence: number, at: number): void {
    const place = this.#next++;
    this.#ids.delete(key);
    this.#ids.set(key, { place, sequence, at });
    for (const [oldest, { place }] of this.#ids) {
      if (place >= this.#next - this.#most) break;
      this.#ids.delete(oldest);
    }
  }

  producer(key: string): number {
    return this.#producers.get(key)?.number ?? 0;
  }

  advance(key: string, number: number, at: number): void {
    const producer = this.#producers.get(key);
    if (!producer) this.#producers.set(key, { number, at });
    else if (number > producer.number) {
      producer.number = number;
      producer.at = at;
    }
  }

  expire(olderThan: number): void {
    for (const [key, { at }] of this.#ids) {
      if (at >= olderThan) break;
      this.#ids.delete(key);
    }
    for (const [key, { at }] of this.#producers) if (at < olderThan) this.#producers.delete(key);
  }
}

/**
 * Keeps everything in this process's memory: nothing survives it.
 * @example
 * ```ts
 * import { createGateway, allowAll } from "@aether-edge/sdk/gateway";
 * import { memoryStore } from "@aether-edge/sdk/store/memory";
 * const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
 * await gateway.close();
 * ```
 */
export function memoryStore(options: { dedupeIds?: number } = {}): Store {
  return {
    log: new MemoryLog(),
    dedupe: new MemoryDedupe(options.dedupeIds ?? DEFAULT_LIMITS.dedupeIds),
    kv: new MemoryKv(),
    tasks: new MemoryTasks(),
    isVolatile: true,
    flush: (): MaybePromise<void> => undefined,
    fault: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
