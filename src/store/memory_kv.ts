// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "./heap.ts";
import { OrderedKeys } from "./ordered_keys.ts";
import { Queue } from "./queue.ts";
import { byCodePoint, firstAt } from "./search.ts";
import type { KvChange, KvExpired, KvRecord, KvStore, KvWrite } from "./store.ts";

interface Entry {
  readonly record: KvRecord | undefined;
  readonly revision: number;
  /** When it was written or removed. */
  readonly at: number;
}

interface Space {
  /** By key. Removals stay until forgotten. */
  readonly entries: Map<string, Entry>;
  /** Keys in the order of their revisions; a key that was written again stands here more than once, and the last counts. */
  order: { key: string; revision: number }[];
  live: number;
  forgotten: number;
  /** Live keys in order, once somebody has asked for them. */
  keys: OrderedKeys | undefined;
}

/** Keys and values in this process's memory. */
export class MemoryKv implements KvStore {
  readonly #spaces = new Map<string, Space>();
  readonly #ends = new MinHeap<End>((end) => end.at);
  /** Removals that may still be remembered, oldest first. */
  readonly #removals = new Queue<{ space: string; key: string; revision: number; at: number }>();
  #revision = 0;

  #space(name: string): Space {
    let space = this.#spaces.get(name);
    if (!space) {
      space = { entries: new Map(), order: [], live: 0, forgotten: 0, keys: undefined };
      this.#spaces.set(name, space);
    }
    return space;
  }

  get(space: string, key: string, now: number): KvRecord | undefined {
    return alive(this.#spaces.get(space)?.entries.get(key)?.record, now);
  }

  put(name: string, key: string, value: Uint8Array, write: KvWrite): number {
    const before = this.#spaces.get(name)?.entries.get(key);
    if (write.expected !== undefined && (alive(before?.record, write.now)?.revision ?? 0) !== write.expected) return 0;
    const space = this.#space(name);
    const revision = ++this.#revision;
    const { expiresAt = 0, kind = 0 } = write;
    const record: KvRecord = { key, value: value.slice(), revision, expiresAt, kind };
    if (!before?.record) {
      space.live++;
      space.keys?.add(key);
    }
    this.#set(space, key, { record, revision, at: write.now });
    if (expiresAt > 0) this.#ends.push({ at: expiresAt, space: name, key, revision });
    return revision;
  }

  #set(space: Space, key: string, entry: Entry): void {
    space.entries.set(key, entry);
    space.order.push({ key, revision: entry.revision });
    if (space.order.length > 64 && space.order.length > space.entries.size * 2) {
      space.order = space.order.filter((item) => space.entries.get(item.key)?.revision === item.revision);
    }
  }

  delete(name: string, key: string, now: number, expected?: number): number {
    const space = this.#spaces.get(name);
    const record = alive(space?.entries.get(key)?.record, now);
    if (!space || !record || (expected !== undefined && record.revision !== expected)) return 0;
    return this.#remove(name, key, now);
  }

  purge(name: string, key: string): void {
    const space = this.#spaces.get(name);
    if (!space?.entries.get(key)?.record) return;
    space.entries.delete(key);
    leave(space);
    // What was never told needs no space to remember it: an unknown one answers 0 to everybody.
    if (space.entries.size === 0 && space.forgotten === 0) this.#spaces.delete(name);
  }

  #remove(name: string, key: string, at: number): number {
    const space = this.#space(name);
    const revision = ++this.#revision;
    this.#set(space, key, { record: undefined, revision, at });
    this.#removals.push({ space: name, key, revision, at });
    leave(space);
    return revision;
  }

  list(name: string, prefix: string, after: string | undefined, limit: number, now: number): KvRecord[] {
    const space = this.#spaces.get(name);
    if (!space) return [];
    space.keys ??= new OrderedKeys([...space.entries].filter(([, { record }]) => record).map(([key]) => key));
    const found: KvRecord[] = [];
    if (limit <= 0) return found;
    const from = after !== undefined && byCodePoint(after, prefix) > 0 ? after : prefix;
    for (const key of space.keys.from(from)) {
      if (!key.startsWith(prefix)) break;
      if (key === after) continue;
      const record = alive(space.entries.get(key)?.record, now);
      if (record && found.push(record) === limit) break;
    }
    return found;
  }

  changes(name: string, prefix: string, after: number, limit: number): KvChange[] {
    const found: KvChange[] = [];
    const space = this.#spaces.get(name);
    if (!space) return found;
    const { order, entries } = space;
    let at = firstAt(order, (item) => item.revision > after);
    for (; at < order.length && found.length < limit; at++) {
      const { key, revision } = order[at];
      const entry = entries.get(key);
      if (entry?.revision === revision && key.startsWith(prefix)) found.push({ key, record: entry.record, revision });
    }
    return found;
  }

  forgotten(space: string): number {
    return this.#spaces.get(space)?.forgotten ?? 0;
  }

  count(space: string): number {
    return this.#spaces.get(space)?.live ?? 0;
  }

  expire(now: number, limit: number): KvExpired[] {
    const gone: KvExpired[] = [];
    while (gone.length < limit && this.nextExpiry() <= now) {
      const { space, key } = this.#ends.pop()!;
      gone.push({ space, key, revision: this.#remove(space, key, now) });
    }
    return gone;
  }

  nextExpiry(): number {
    for (let next = this.#ends.first; next; next = this.#ends.first) {
      // Written again or removed since: that end is void.
      if (this.#spaces.get(next.space)?.entries.get(next.key)?.record?.revision === next.revision) return next.at;
      this.#ends.pop();
    }
    return Infinity;
  }

  forget(olderThan: number, limit: number): number {
    let gone = 0;
    for (let first = this.#removals.first; first && gone < limit; first = this.#removals.first) {
      const { space: name, key, revision, at } = first;
      const space = this.#spaces.get(name);
      // Written again or purged since: there is nothing to forget.
      if (space?.entries.get(key)?.revision === revision) {
        if (at >= olderThan) break;
        space.entries.delete(key);
        space.forgotten = revision;
        gone++;
      }
      this.#removals.shift();
    }
    return gone;
  }
}

/** A live key has gone. */
function leave(space: Space): void {
  space.live--;
  space.keys?.gone();
  if (space.keys?.isWorn) space.keys = undefined;
}

function alive(record: KvRecord | undefined, now: number): KvRecord | undefined {
  return record && (record.expiresAt === 0 || record.expiresAt > now) ? record : undefined;
}

interface End {
  at: number;
  space: string;
  key: string;
  revision: number;
}
