// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../../base/bytes.ts";
import type { SqlStatement } from "./driver.ts";
import type { Turn } from "./turn.ts";

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

/** Texts that occur again and again, as small numbers. */
export class Names {
  readonly #find: Pick<SqlStatement, "all">;
  readonly #add: SqlStatement;
  readonly #all: Pick<SqlStatement, "all">;
  readonly #forget: SqlStatement;

  constructor(turn: Turn) {
    this.#find = turn.reader("SELECT id FROM names WHERE kind = ? AND name = ?");
    this.#add = turn.writer("INSERT INTO names (kind, name) VALUES (?, ?) RETURNING id");
    this.#all = turn.reader("SELECT id, name FROM names WHERE id IN (SELECT value FROM json_each(?))");
    this.#forget = turn.writer("DELETE FROM names WHERE id IN (SELECT value FROM json_each(?))");
  }

  find(kind: NameKind, text: string): number | undefined {
    return this.#find.all<{ id: number }>(kind, utf8(text))[0]?.id;
  }

  add(kind: NameKind, text: string): number {
    return this.#add.all<{ id: number }>(kind, utf8(text))[0].id;
  }

  /** The names of some ids, of those that are there. */
  all(ids: readonly number[]): [id: number, name: string][] {
    if (ids.length === 0) return [];
    return this.#all.all<{ id: number; name: Uint8Array }>(JSON.stringify(ids)).map((
      { id, name },
    ) => [id, textOf(name)]);
  }

  forget(ids: readonly number[]): void {
    if (ids.length > 0) this.#forget.run(JSON.stringify(ids));
  }
}
