// edge: no Deno, Bun, node: or cloudflare: names
import { NO_BYTES, utf8 } from "../../base/bytes.ts";
import type { KvChange, KvExpired, KvRecord, KvStore, KvWrite } from "../store.ts";
import type { Counters } from "./counters.ts";
import { MOST_ROWS } from "./driver.ts";
import { type Entry, isAlive } from "./entries.ts";
import { type EntryRow, type KvStatements, kvStatements, type OwnedRow } from "./kv_sql.ts";
import { KvTable } from "./kv_table.ts";
import { type Names, textOf } from "./names.ts";
import type { Sizes } from "./sizes.ts";
import { type Space, Spaces } from "./spaces.ts";
import type { Part, Turn } from "./turn.ts";

/** Above every key: no byte of UTF-8 is 255. */
const TOP = Uint8Array.of(255);

/** Keys and values in a database. Whoever asks for more than single keys sees what the turn has written so far. */
export class SqlKv implements KvStore, Part {
  readonly #turn: Turn;
  readonly #counters: Counters;
  readonly #spaces: Spaces;
  readonly #sql: KvStatements;
  readonly #table: KvTable;

  constructor(turn: Turn, names: Names, counters: Counters, sizes: Sizes) {
    this.#turn = turn;
    this.#counters = counters;
    this.#spaces = new Spaces(turn, names, sizes);
    this.#sql = kvStatements(turn);
    this.#table = new KvTable(this.#sql, this.#spaces, sizes);
    turn.join(this);
  }

  get(name: string, key: string, now: number): KvRecord | undefined {
    const space = this.#spaces.find(name);
    const entry = space && this.#table.find(space, key);
    if (!entry || !isAlive(entry, now)) return undefined;
    const { value, revision, expiresAt, kind } = entry;
    return { key, value: value!, revision, expiresAt, kind };
  }

  put(name: string, key: string, value: Uint8Array, write: KvWrite): number {
    this.#turn.change();
    const { now, expected, expiresAt = 0, kind = 0 } = write;
    let space = this.#spaces.find(name);
    if (expected !== undefined) {
      const before = space && this.#table.find(space, key);
      if (expected !== (before && isAlive(before, now) ? before.revision : 0)) return 0;
    }
    space ??= this.#spaces.make(name);
    const entry = this.#table.known(space, key) ?? this.#table.blind(space, key);
    const revision = this.#revise();
    this.#table.write(space, entry, { value: value.slice(), revision, at: now, expiresAt, kind });
    return revision;
  }

  delete(name: string, key: string, now: number, expected?: number): number {
    this.#turn.change();
    const space = this.#spaces.find(name);
    const before = space && this.#table.find(space, key);
    if (!before || !isAlive(before, now) || (expected !== undefined && expected !== before.revision)) return 0;
    return this.#remove(space, before, now);
  }

  purge(name: string, key: string): void {
    this.#turn.change();
    const space = this.#spaces.find(name);
    const entry = space && this.#table.find(space, key);
    if (entry?.value) this.#table.write(space!, entry, { value: undefined, revision: 0, at: 0, expiresAt: 0, kind: 0 });
  }

  #remove(space: Space, entry: Entry, at: number): number {
    const revision = this.#revise();
    this.#table.write(space, entry, { value: undefined, revision, at, expiresAt: 0, kind: 0 });
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
    this.#table.settle();
    const [from, until] = range(prefix, after);
    const rows = this.#sql.list.all<EntryRow>(space.id, from, until, now, Math.min(limit, MOST_ROWS));
    return rows.map((row) => recordOf(row, textOf(row.key)));
  }

  changes(name: string, prefix: string, after: number, limit: number): KvChange[] {
    const space = this.#spaces.find(name);
    if (!space || limit <= 0) return [];
    this.#table.settle();
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
    this.#table.look();
    return this.#spaces.find(space)?.live ?? 0;
  }

  expire(now: number, limit: number): KvExpired[] {
    if (this.nextExpiry() > now) return [];
    this.#turn.change();
    this.#table.settle();
    return this.#sql.ending.all<OwnedRow>(now, Math.min(limit, MOST_ROWS)).map((row) => {
      const [space, key] = [textOf(row.name), textOf(row.key)];
      const found = this.#spaces.find(space)!;
      const entry = this.#table.known(found, key) ?? this.#table.add(found, key, { ...row, value: NO_BYTES, kind: 0 });
      return { space, key, revision: this.#remove(found, entry, now) };
    });
  }

  nextExpiry(): number {
    return this.#table.nextExpiry();
  }

  forget(olderThan: number, limit: number): number {
    this.#turn.change();
    this.#table.settle();
    const rows = this.#sql.removed.all<OwnedRow>(olderThan, Math.min(limit, MOST_ROWS));
    if (rows.length === 0) return 0;
    for (const { name, key, revision } of rows) {
      const space = this.#spaces.find(textOf(name))!;
      this.#spaces.forget(space, revision);
      this.#table.forget(space, textOf(key));
    }
    this.#sql.drop.run(JSON.stringify(rows.map(({ id }) => id)));
    return rows.length;
  }

  // ---- part of a turn -------------------------------------------------------------------------------------------

  save(): void {
    this.#table.settle();
    this.#spaces.save();
  }

  saved(): void {
    this.#spaces.saved();
  }

  drop(): void {
    this.#table.drop();
    this.#spaces.drop();
  }
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
