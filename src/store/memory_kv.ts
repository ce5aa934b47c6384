// edge: no Deno, Bun, node: or cloudflare: names
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
  /** Live keys in order; undefined when a key came or went since. */
  sorted: string[] | undefined;
}

/** Keys and values in this process's memory. */
export class MemoryKv implements KvStore {
  readonly #spaces = new Map<string, Space>();
  readonly #ends = new ExpiryHeap();
  #revision = 0;

  #space(name: string): Space {
    let space = this.#spaces.get(name);
    if (!space) {
      space = { entries: new Map(), order: [], live: 0, forgotten: 0, sorted: undefined };
      this.#spaces.set(name, space);
    }
    return space;
  }

  get(space: string, key: string, now: number): KvRecord | undefined {
    return alive(this.#spaces.get(space)?.entries.get(key)?.record, now);
  }

  put(name: string, key: string, value: Uint8Array, write: KvWrite): number {
    const space = this.#space(name);
    const before = space.entries.get(key);
    if (write.expected !== undefined && (alive(before?.record, write.now)?.revision ?? 0) !== write.expected) return 0;
    const revision = ++this.#revision;
    const { expiresAt = 0, kind = 0 } = write;
    const record: KvRecord = { key, value: value.slice(), revision, expiresAt, kind };
    if (!before?.record) {
      space.live++;
      space.sorted = undefined;
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
    return this.#remove(space, key, now);
  }

  #remove(space: Space, key: string, at: number): number {
    const revision = ++this.#revision;
    this.#set(space, key, { record: undefined, revision, at });
    space.live--;
    space.sorted = undefined;
    return revision;
  }

  list(name: string, prefix: string, after: string | undefined, limit: number, now: number): KvRecord[] {
    const space = this.#spaces.get(name);
    if (!space) return [];
    const keys = (space.sorted ??= [...space.entries].filter(([, { record }]) => record).map(([key]) => key).sort(
      byCodePoint,
    ));
    const found: KvRecord[] = [];
    const from = after !== undefined && byCodePoint(after, prefix) > 0 ? after : prefix;
    for (
      let at = firstAt(keys, (key) => byCodePoint(key, from) >= 0);
      at < keys.length && found.length < limit && keys[at].startsWith(prefix);
      at++
    ) {
      if (keys[at] === after) continue;
      const record = alive(space.entries.get(keys[at])!.record, now);
      if (record) found.push(record);
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
      const { space: name, key } = this.#ends.pop();
      const space = this.#spaces.get(name)!;
      gone.push({ space: name, key, revision: this.#remove(space, key, now) });
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
    for (const [name, space] of this.#spaces) {
      for (const { key, revision } of space.order) {
        if (gone === limit) return gone;
        const entry = space.entries.get(key);
        if (entry?.revision !== revision) continue;
        if (entry.at >= olderThan) break;
        if (entry.record) continue;
        space.entries.delete(key);
        space.forgotten = revision;
        gone++;
      }
      // What was forgotten there is said by its absence: an empty space answers 0 to everybody.
      if (space.entries.size === 0 && space.forgotten === 0) this.#spaces.delete(name);
    }
    return gone;
  }
}

function alive(record: KvRecord | undefined, now: number): KvRecord | undefined {
  return record && (record.expiresAt === 0 || record.expiresAt > now) ? record : undefined;
}

/** Order of code points, which is that of UTF-8 bytes; JavaScript's own order puts U+E000–U+FFFF after the astral ones. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    let x = a.charCodeAt(at);
    let y = b.charCodeAt(at);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

/** Index of the first item that is on the far side, in an order where all after it are too. */
function firstAt<T>(items: readonly T[], isFar: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isFar(items[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

interface End {
  at: number;
  space: string;
  key: string;
  revision: number;
}

/** Ends by time, the soonest first: a binary heap. */
class ExpiryHeap {
  readonly #ends: End[] = [];

  get first(): End | undefined {
    return this.#ends[0];
  }

  push(end: End): void {
    const ends = this.#ends;
    let at = ends.length;
    ends.push(end);
    for (let up = (at - 1) >> 1; at > 0 && ends[up].at > end.at; up = (at - 1) >> 1) {
      ends[at] = ends[up];
      at = up;
    }
    ends[at] = end;
  }

  pop(): End {
    const ends = this.#ends;
    const first = ends[0];
    const last = ends.pop()!;
    if (ends.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= ends.length) break;
      if (child + 1 < ends.length && ends[child + 1].at < ends[child].at) child++;
      if (ends[child].at >= last.at) break;
      ends[at] = ends[child];
      at = child;
    }
    ends[at] = last;
    return first;
  }
}
