// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../../base/bytes.ts";
import { Batch } from "./batch.ts";
import type { SqlStatement } from "./driver.ts";
import type { Part, Turn } from "./turn.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a name is the name of. The numbers are in databases. */
export const NAME = { lane: 1, producer: 2, space: 3 } as const;
/** One of {@link NAME}. */
export type NameKind = (typeof NAME)[keyof typeof NAME];

/**
 * The text of bytes in the database. Texts are kept as blobs of UTF-8: `node:sqlite` of Node and Deno reads a TEXT up
 * to its first NUL only (Node 22.23, Deno 2.9, 2026-11), and spaces have NULs.
 */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** A text as it will come back: a lone surrogate is U+FFFD in UTF-8. */
export function wellFormed(text: string): string {
  return text.isWellFormed() ? text : textOf(utf8(text));
}

/**
 * Texts that occur again and again, as small numbers. New ones of lanes and producers are written when the turn is saved,
 * many to a statement; those of spaces at once, for there are statements that join them.
 */
export class Names implements Part {
  readonly #find: Pick<SqlStatement, "all">;
  readonly #first: SqlStatement;
  readonly #rows: Batch;
  readonly #all: Pick<SqlStatement, "all">;
  readonly #forget: SqlStatement;
  /** The number that was given last; undefined until the database has given one. */
  #last: number | undefined;
  /** Those not written yet, with their kinds before them. */
  readonly #pending = new Map<string, number>();
  /** What was looked for last and in vain: it mostly is looked for again at once, and added. */
  #missed: string | undefined;

  constructor(turn: Turn) {
    this.#find = turn.reader("SELECT id FROM names WHERE kind = ? AND name = ?");
    this.#first = turn.writer("INSERT INTO names (kind, name) VALUES (?, ?) RETURNING id");
    this.#rows = new Batch(turn, "INSERT INTO names (id, kind, name)", 3);
    this.#all = turn.reader("SELECT id, name FROM names WHERE id IN (SELECT value FROM json_each(?))");
    this.#forget = turn.writer("DELETE FROM names WHERE id IN (SELECT value FROM json_each(?))");
  }

  find(kind: NameKind, text: string): number | undefined {
    const key = kind + text;
    const pending = this.#pending.get(key);
    if (pending !== undefined || key === this.#missed) return pending;
    const id = this.#find.all<{ id: number }>(kind, utf8(text))[0]?.id;
    if (id === undefined) this.#missed = key;
    return id;
  }

  /** Adds one that is not there. */
  add(kind: NameKind, text: string): number {
    this.#missed = undefined;
    if (this.#last === undefined) return this.#last = this.#first.all<{ id: number }>(kind, utf8(text))[0].id;
    this.#rows.add(++this.#last, kind, utf8(text));
    if (kind === NAME.space) this.#rows.end();
    else this.#pending.set(kind + text, this.#last);
    return this.#last;
  }

  /** The names of some ids, of those that are there. */
  all(ids: readonly number[]): [id: number, name: string][] {
    if (ids.length === 0) return [];
    return this.#all.all<{ id: number; name: Uint8Array }>(JSON.stringify(ids)).map((
      { id, name },
    ) => [id, textOf(name)]);
  }

  forget(ids: readonly number[]): void {
    this.save();
    if (ids.length > 0) this.#forget.run(JSON.stringify(ids));
  }

  /** Writes the new ones, which statements that look at all names would miss. */
  save(): void {
    this.#rows.end();
    this.#pending.clear();
  }

  saved(): void {}

  drop(): void {
    this.#last = this.#missed = undefined;
    this.#pending.clear();
    this.#rows.drop();
  }
}
