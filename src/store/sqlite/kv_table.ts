// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../../base/bytes.ts";
import { inSizes } from "./batch.ts";
import type { SqlValue } from "./driver.ts";
import { Entries, type Entry } from "./entries.ts";
import { type EntryRow, type KvStatements, LOOK_COLUMNS, type LookRow } from "./kv_sql.ts";
import { wellFormed } from "./names.ts";
import type { Sizes } from "./sizes.ts";
import type { Space, Spaces } from "./spaces.ts";

/** What a key is to hold. */
type State = Pick<Entry, "value" | "revision" | "at" | "expiresAt" | "kind">;

/**
 * The table of entries. What a turn writes stays in memory until it is settled: then each key is written once, many by one
 * statement, and the keys that were written without a look are looked up together.
 */
export class KvTable {
  readonly #sql: KvStatements;
  readonly #spaces: Spaces;
  readonly #entries: Entries;
  /** What is not written yet. */
  #dirty: Entry[] = [];
  /** Of these, those that may have a row or not. */
  #unknown: Entry[] = [];
  /** The highest id of a row; undefined when that has to be looked up. */
  #lastId: number | undefined;
  /** When the next record's time is over; undefined when that has to be looked up. */
  #next: number | undefined;

  constructor(sql: KvStatements, spaces: Spaces, sizes: Sizes) {
    this.#entries = new Entries(sizes);
    this.#sql = sql;
    this.#spaces = spaces;
  }

  /** A key that is in memory. */
  known(space: Space, key: string): Entry | undefined {
    const entry = this.#entries.get(space.id, key);
    // Half a character is another one in the database.
    return entry || key.isWellFormed() ? entry : this.#entries.get(space.id, wellFormed(key));
  }

  /** A key as it is, looked up when it is not in memory. */
  find(space: Space, key: string): Entry {
    const known = this.known(space, key);
    if (known) return known;
    const name = utf8(key);
    return this.add(space, wellFormed(key), this.#sql.get.all<EntryRow>(space.id, name)[0], name);
  }

  /** A key that is not in memory and going to be written, whatever it is. */
  blind(space: Space, key: string): Entry {
    const entry = this.add(space, wellFormed(key));
    entry.isKnown = false;
    return entry;
  }

  /** Takes a key into memory as its row has it. */
  add(space: Space, key: string, row?: Omit<EntryRow, "key">, name?: Uint8Array): Entry {
    if (this.#entries.isFull) this.#makeRoom();
    const entry: Entry = {
      space,
      key,
      name,
      id: row?.id ?? 0,
      isKnown: true,
      isDirty: false,
      value: row?.value ?? undefined,
      revision: row?.revision ?? 0,
      at: row?.at ?? 0,
      expiresAt: row?.expiresAt ?? 0,
      kind: row?.kind ?? 0,
    };
    this.#entries.add(entry);
    return entry;
  }

  /** Writes, or removes; a revision of 0 leaves no trace. */
  write(space: Space, entry: Entry, { value, revision, at, expiresAt, kind }: State): void {
    entry.space = space;
    if (!entry.isDirty) {
      entry.isDirty = true;
      this.#dirty.push(entry);
      if (!entry.isKnown) this.#unknown.push(entry);
    }
    if (entry.isKnown) this.#counted(space, entry.value !== undefined, value !== undefined);
    this.#ended(entry.expiresAt);
    if (expiresAt > 0 && this.#next !== undefined && expiresAt < this.#next) this.#next = expiresAt;
    this.#entries.replace(entry, value);
    entry.revision = revision;
    entry.at = at;
    entry.expiresAt = expiresAt;
    entry.kind = kind;
    if (this.#entries.isFull) this.#makeRoom();
  }

  #counted(space: Space, was: boolean, is: boolean): void {
    if (was !== is) this.#spaces.grow(space, is ? 1 : -1);
  }

  /** An end is void. */
  #ended(expiresAt: number): void {
    if (expiresAt > 0 && expiresAt === this.#next) this.#next = undefined;
  }

  #makeRoom(): void {
    this.settle();
    this.#entries.rotate();
  }

  /** A removal is forgotten. */
  forget(space: Space, key: string): void {
    const entry = this.known(space, key);
    if (entry) this.#entries.delete(entry);
  }

  nextExpiry(): number {
    this.look();
    if (this.#next !== undefined) return this.#next;
    this.settle();
    return this.#next = this.#sql.nextEnd.all<{ at: number | null }>()[0].at ?? Infinity;
  }

  /** Looks up what was written without a look. */
  look(): void {
    const unknown = this.#unknown;
    if (unknown.length === 0) return;
    this.#unknown = [];
    const args: SqlValue[] = [];
    unknown.forEach((entry, place) => args.push(place, entry.space.id, entry.name ??= utf8(entry.key)));
    const rows = new Map<number, LookRow>();
    inSizes(this.#sql.look, LOOK_COLUMNS, args, (statement, some) => {
      for (const row of statement.all<LookRow>(...some)) rows.set(row.place, row);
    });
    unknown.forEach((entry, place) => {
      const row = rows.get(place);
      entry.id = row?.id ?? 0;
      entry.isKnown = true;
      this.#counted(entry.space, row?.isLive === 1, entry.value !== undefined);
      this.#ended(row?.expiresAt ?? 0);
    });
  }

  /** Writes what is not written. */
  settle(): void {
    if (this.#dirty.length === 0) return;
    this.look();
    const dirty = this.#dirty;
    this.#dirty = [];
    const gone: number[] = [];
    for (const entry of dirty) {
      entry.isDirty = false;
      if (entry.revision > 0) this.#put(entry);
      else {
        if (entry.id > 0) gone.push(entry.id);
        this.#entries.delete(this.#entries.get(entry.space.id, entry.key)!);
      }
    }
    if (gone.length > 0) this.#sql.drop.run(JSON.stringify(gone));
    this.#sql.put.end();
  }

  #put(entry: Entry): void {
    const { space, revision, at, expiresAt, kind, value } = entry;
    if (entry.id === 0) {
      this.#lastId ??= this.#sql.lastId.all<{ id: number | null }>()[0].id ?? 0;
      entry.id = ++this.#lastId;
    }
    const name = entry.name ??= utf8(entry.key);
    this.#sql.put.add(entry.id, space.id, name, revision, at, expiresAt, kind, value ?? null);
  }

  drop(): void {
    this.#entries.clear();
    this.#dirty = [];
    this.#unknown = [];
    this.#sql.put.drop();
    this.#lastId = this.#next = undefined;
  }
}
