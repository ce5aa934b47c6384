// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../../base/bytes.ts";
import type { KvChange, KvExpired, KvRecord, KvStore, KvWrite } from "../store.ts";
import type { Counters } from "./counters.ts";
import { type EntryRow, type KvStatements, kvStatements, type OwnedRow } from "./kv_sql.ts";
import { type Names, textOf } from "./names.ts";
import type { Sizes } from "./sizes.ts";
import { Recent, type RecentEntry } from "./recent.ts";
import { type Space, Spaces } from "./spaces.ts";
import type { Part, Turn } from "./turn.ts";

/** SQLite knows no Infinity. */
const MOST_ROWS = 2 ** 31;
/** Above every key: no byte of UTF-8 is 255. */
const TOP = Uint8Array.of(255);

/** Keys and values in a database: written at once, inside the turn's transaction. */
export class SqlKv implements KvStore, Part {
  readonly #turn: Turn;
  readonly #counters: Counters;
  readonly #spaces: Spaces;
  readonly #sql: KvStatements;
  /** When the next record's time is over; undefined when that has to be looked up. */
  #next: number | undefined;
  readonly #recent = new Recent();

  constructor(turn: Turn, names: Names, counters: Counters, sizes: Sizes) {
    this.#turn = turn;
    this.#counters = counters;
    this.#spaces = new Spaces(turn, names, sizes);
    this.#sql = kvStatements(turn);
    turn.join(this);
  }

  get(space: string, key: string, now: number): KvRecord | undefined {
    const id = this.#spaces.find(space)?.id;
    if (id === undefined) return undefined;
    let entry = this.#recent.get(id, key);
    if (!entry) {
      const row = this.#sql.get.all<EntryRow>(id, utf8(key))[0];
      if (!row || row.value === null) return undefined;
      entry = row as RecentEntry & EntryRow;
      this.#recent.set(id, key, entry);
    }
    if (!isAlive(entry, now)) return undefined;
    const { value, revision, expiresAt, kind } = entry;
    return { key, value, revision, expiresAt, kind };
  }

  put(name: string, key: string, value: Uint8Array, write: KvWrite): number {
    this.#turn.change();
    const { now, expected, expiresAt = 0, kind = 0 } = write;
    const id = utf8(key);
    let space = this.#spaces.find(name);
    const before = space && (this.#recent.get(space.id, key) ?? this.#sql.peek.all<Peek>(space.id, id)[0]);
    const isThere = before !== undefined && isAlive(before, now);
    if (expected !== undefined && expected !== (isThere ? before.revision : 0)) return 0;
    space ??= this.#spaces.make(name);
    const revision = this.#revise();
    this.#sql.put.run(space.id, id, revision, now, expiresAt, kind, value);
    this.#recent.set(space.id, key, { value: value.slice(), revision, expiresAt, kind });
    if (!before || ("isLive" in before && !before.isLive)) this.#spaces.grow(space, 1);
    else if (before.expiresAt > 0 && before.expiresAt === this.#next) this.#next = undefined;
    if (expiresAt > 0 && this.#next !== undefined && expiresAt < this.#next) this.#next = expiresAt;
    return revision;
  }

  delete(name: string, key: string, now: number, expected?: number): number {
    this.#turn.change();
    const space = this.#spaces.find(name);
    const before = space && this.#sql.peek.all<Peek>(space.id, utf8(key))[0];
    if (!before || !isAlive(before, now) || (expected !== undefined && expected !== before.revision)) return 0;
    this.#recent.delete(space.id, key);
    return this.#remove(space, before, now);
  }

  purge(name: string, key: string): void {
    this.#turn.change();
    const space = this.#spaces.find(name);
    const before = space && this.#sql.peek.all<Peek>(space.id, utf8(key))[0];
    if (!space || !before?.isLive) return;
    this.#recent.delete(space.id, key);
    this.#sql.purge.run(before.id);
    this.#spaces.grow(space, -1);
    if (before.expiresAt > 0 && before.expiresAt === this.#next) this.#next = undefined;
  }

  #remove(space: Space, { id, expiresAt }: { id: number; expiresAt: number }, at: number): number {
    const revision = this.#revise();
    this.#sql.remove.run(revision, at, id);
    this.#spaces.grow(space, -1);
    if (expiresAt > 0 && expiresAt === this.#next) this.#next = undefined;
    return revision;
  }

  #revise(): number {
    const revision = this.#counters.get("revision") + 1;
    this.#counters.set("revision", revision);
    return revision;
  }

  list(name: string, prefix: string, after: string | undefined, limit: number, now: number): KvRecord[] {
    const space = this.#spaces.find(name);
    if (!space || limit <= 0) return [];
    const [from, until] = range(prefix, after);
    const rows = this.#sql.list.all<EntryRow>(space.id, from, until, now, Math.min(limit, MOST_ROWS));
    return rows.map((row) => recordOf(row, textOf(row.key)));
  }

  changes(name: string, prefix: string, after: number, limit: number): KvChange[] {
    const space = this.#spaces.find(name);
    if (!space || limit <= 0) return [];
    const [from, until] = range(prefix);
    const rows = this.#sql.changes.all<EntryRow>(space.id, after, from, until, Math.min(limit, MOST_ROWS));
    return rows.map((row) => {
      const key = textOf(row.key);
      return { key, record: row.value === null ? undefined : recordOf(row, key), revision: row.revision };
    });
  }

  forgotten(space: string): number {
    return this.#spaces.find(space)?.forgotten ?? 0;
  }

  count(space: string): number {
    return this.#spaces.find(space)?.live ?? 0;
  }

  expire(now: number, limit: number): KvExpired[] {
    if (this.nextExpiry() > now) return [];
    this.#turn.change();
    return this.#sql.ending.all<OwnedRow>(now, Math.min(limit, MOST_ROWS)).map((row) => {
      const [space, key] = [textOf(row.name), textOf(row.key)];
      const found = this.#spaces.find(space)!;
      this.#recent.delete(found.id, key);
      return { space, key, revision: this.#remove(found, row, now) };
    });
  }

  nextExpiry(): number {
    return this.#next ??= this.#sql.nextEnd.all<{ at: number | null }>()[0].at ?? Infinity;
  }

  forget(olderThan: number, limit: number): number {
    this.#turn.change();
    const rows = this.#sql.removed.all<OwnedRow>(olderThan, Math.min(limit, MOST_ROWS));
    if (rows.length === 0) return 0;
    for (const { name, revision } of rows) this.#spaces.forget(this.#spaces.find(textOf(name))!, revision);
    this.#sql.forget.run(JSON.stringify(rows.map(({ id }) => id)));
    return rows.length;
  }

  // ---- part of a turn -------------------------------------------------------------------------------------------

  save(): void {
    this.#spaces.save();
  }

  saved(): void {
    this.#spaces.saved();
  }

  drop(): void {
    this.#recent.clear();
    this.#next = undefined;
    this.#spaces.drop();
  }
}

interface Peek {
  id: number;
  revision: number;
  expiresAt: number;
  isLive: number;
}

function isAlive(row: { expiresAt: number; isLive?: number }, now: number): boolean {
  return row.isLive !== 0 && (row.expiresAt === 0 || row.expiresAt > now);
}

function recordOf({ value, revision, expiresAt, kind }: EntryRow, key: string): KvRecord {
  return { key, value: value!, revision, expiresAt, kind };
}

/** Keys that begin with a prefix and come after one of them, as a half-open range of bytes. */
function range(prefix: string, after?: string): [from: Uint8Array, until: Uint8Array] {
  let from = utf8(prefix);
  // The next key in order after any other is that one with a zero byte.
  const next = after === undefined ? undefined : utf8(`${after}\0`);
  let until = TOP;
  if (from.length > 0) {
    until = from.slice();
    // Never past 255: no byte of UTF-8 is that high.
    until[until.length - 1]++;
  }
  if (next && compare(next, from) > 0) from = next;
  return [from, until];
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return a[at] - b[at];
  return a.length - b.length;
}
