// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "./heap.ts";
import { OrderedKeys } from "./ordered_keys.ts";
import { Queue } from "./queue.ts";
import { byCodePoint, firstAt } from "./search.ts";
import type { KvChange, KvExpired, KvRecord, KvStore, KvWrite } from "./store.ts";

/** A write or removal of a key; the last one of each key counts. */
interface Entry {
  readonly space: string;
  readonly key: string;
  /** Undefined for a removal, and for what was written over. */
  value: Uint8Array | undefined;
  readonly revision: number;
  /** When it was written or removed. */
  readonly at: number;
  readonly expiresAt: number;
  readonly kind: number;
}

interface Space {
  /** By key. Removals stay until forgotten. */
  readonly entries: Map<string, Entry>;
  /** In the order of their revisions; among them some that do not count any more. */
  order: Entry[];
  live: number;
  forgotten: number;
  /** Live keys in order, once somebody has asked for them. */
  keys: OrderedKeys | undefined;
}

/** Keys and values in this process's memory: one object for each write, besides the bytes. */
export class MemoryKv implements KvStore {
  readonly #spaces = new Map<string, Space>();
  readonly #ends = new MinHeap<Entry>((entry) => entry.expiresAt);
  /** Removals that may still be remembered, oldest first. */
  readonly #removals = new Queue<Entry>();
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
    return alive(this.#spaces.get(space)?.entries.get(key), now);
  }

  put(name: string, key: string, value: Uint8Array, write: KvWrite): number {
    const { now, expected, expiresAt = 0, kind = 0 } = write;
    const before = this.#spaces.get(name)?.entries.get(key);
    if (expected !== undefined && (isAlive(before, now) ? before!.revision : 0) !== expected) return 0;
    const space = this.#space(name);
    if (!before?.value) {
      space.live++;
      space.keys?.add(key);
    }
    const revision = ++this.#revision;
    const entry = { space: name, key, value: value.slice(), revision, at: now, expiresAt, kind };
    this.#set(space, before, entry);
    if (expiresAt > 0) this.#ends.push(entry);
    return revision;
  }

  #set(space: Space, before: Entry | undefined, entry: Entry): void {
    // It may stand in some orders for a while.
    if (before) before.value = undefined;
    space.entries.set(entry.key, entry);
    space.order.push(entry);
    if (space.order.length > 64 && space.order.length > space.entries.size * 2) {
      space.order = space.order.filter((item) => space.entries.get(item.key) === item);
    }
  }

  delete(name: string, key: string, now: number, expected?: number): number {
    const before = this.#spaces.get(name)?.entries.get(key);
    if (!isAlive(before, now) || (expected !== undefined && before!.revision !== expected)) return 0;
    return this.#remove(before!, now);
  }

  purge(name: string, key: string): void {
    const space = this.#spaces.get(name);
    const entry = space?.entries.get(key);
    if (!space || !entry?.value) return;
    entry.value = undefined;
    space.entries.delete(key);
    leave(space);
    // What was never told needs no space to remember it: an unknown one answers 0 to everybody.
    if (space.entries.size === 0 && space.forgotten === 0) this.#spaces.delete(name);
  }

  #remove(before: Entry, at: number): number {
    const space = this.#space(before.space);
    const revision = ++this.#revision;
    const entry = { space: before.space, key: before.key, value: undefined, revision, at, expiresAt: 0, kind: 0 };
    this.#set(space, before, entry);
    this.#removals.push(entry);
    leave(space);
    return revision;
  }

  list(name: string, prefix: string, after: string | undefined, limit: number, now: number): KvRecord[] {
    const space = this.#spaces.get(name);
    if (!space) return [];
    space.keys ??= new OrderedKeys([...space.entries].filter(([, { value }]) => value).map(([key]) => key));
    const found: KvRecord[] = [];
    if (limit <= 0) return found;
    const from = after !== undefined && byCodePoint(after, prefix) > 0 ? after : prefix;
    for (const key of space.keys.from(from)) {
      if (!key.startsWith(prefix)) break;
      if (key === after) continue;
      const record = alive(space.entries.get(key), now);
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
      const entry = order[at];
      const { key, revision } = entry;
      if (entries.get(key) !== entry || !key.startsWith(prefix)) continue;
      found.push({ key, record: alive(entry, -Infinity), revision });
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
      const entry = this.#ends.pop()!;
      gone.push({ space: entry.space, key: entry.key, revision: this.#remove(entry, now) });
    }
    return gone;
  }

  nextExpiry(): number {
    for (let next = this.#ends.first; next; next = this.#ends.first) {
      // Written again or removed since: that end is void.
      if (next.value) return next.expiresAt;
      this.#ends.pop();
    }
    return Infinity;
  }

  forget(olderThan: number, limit: number): number {
    let gone = 0;
    for (let first = this.#removals.first; first && gone < limit; first = this.#removals.first) {
      const space = this.#spaces.get(first.space);
      // Written again or purged since: there is nothing to forget.
      if (space?.entries.get(first.key) === first) {
        if (first.at >= olderThan) break;
        space.entries.delete(first.key);
        space.forgotten = first.revision;
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

function isAlive(entry: Entry | undefined, now: number): boolean {
  return entry?.value !== undefined && (entry.expiresAt === 0 || entry.expiresAt > now);
}

function alive(entry: Entry | undefined, now: number): KvRecord | undefined {
  if (!isAlive(entry, now)) return undefined;
  const { key, value, revision, expiresAt, kind } = entry!;
  return { key, value: value!, revision, expiresAt, kind };
}
