// edge: no Deno, Bun, node: or cloudflare: names
import { Batch, sized } from "./batch.ts";
import type { SqlStatement } from "./driver.ts";
import type { Turn } from "./turn.ts";

type Reader = Pick<SqlStatement, "all">;

/** One key as the database has it; the value is null when it was removed. */
export interface EntryRow {
  id: number;
  key: Uint8Array;
  value: Uint8Array | null;
  revision: number;
  at: number;
  expiresAt: number;
  kind: number;
}

/** Columns of a look at many keys. */
export const LOOK_COLUMNS = 3;

/** What a look at many keys finds: the place of the one that was asked for, and its row. */
export interface LookRow {
  place: number;
  id: number;
  expiresAt: number;
  isLive: number;
}

/** One key together with the name of its space. */
export interface OwnedRow {
  id: number;
  name: Uint8Array;
  key: Uint8Array;
  revision: number;
  at: number;
  expiresAt: number;
}

/** The statements of keys and values. */
export interface KvStatements {
  readonly get: Reader;
  readonly look: ReturnType<typeof sized<Reader>>;
  readonly put: Batch;
  readonly lastId: Reader;
  readonly list: Reader;
  readonly changes: Reader;
  readonly ending: Reader;
  readonly nextEnd: Reader;
  readonly removed: Reader;
  readonly drop: SqlStatement;
}

/** Prepares them. */
export function kvStatements(turn: Turn): KvStatements {
  const record = "value, revision, expires_at AS expiresAt, kind";
  return {
    get: turn.reader(`SELECT id, at, ${record} FROM entries WHERE space = ? AND key = ?`),
    look: sized(LOOK_COLUMNS, (rows) =>
      turn.reader(
        `WITH wanted (place, space, key) AS (VALUES ${rows})
          SELECT place, id, expires_at AS expiresAt, value IS NOT NULL AS isLive FROM wanted CROSS JOIN entries
          ON entries.space = wanted.space AND entries.key = wanted.key`,
      )),
    put: new Batch(
      turn,
      "INSERT INTO entries (id, space, key, revision, at, expires_at, kind, value)",
      8,
      `ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, at = excluded.at,
        expires_at = excluded.expires_at, kind = excluded.kind, value = excluded.value`,
    ),
    lastId: turn.reader("SELECT max(id) AS id FROM entries"),
    list: turn.reader(
      `SELECT key, ${record} FROM entries WHERE space = ? AND key >= ? AND key < ? AND value IS NOT NULL
        AND (expires_at = 0 OR expires_at > ?) ORDER BY key LIMIT ?`,
    ),
    // The plus keeps SQLite to the index by revision, whose order is the one asked for.
    changes: turn.reader(
      `SELECT key, ${record} FROM entries WHERE space = ? AND revision > ? AND +key >= ? AND +key < ?
        ORDER BY revision LIMIT ?`,
    ),
    ending: turn.reader(
      `SELECT entries.id, name, key, revision, at, expires_at AS expiresAt FROM entries
        JOIN names ON names.id = space WHERE expires_at > 0 AND expires_at <= ? ORDER BY expires_at, revision LIMIT ?`,
    ),
    nextEnd: turn.reader("SELECT min(expires_at) AS at FROM entries WHERE expires_at > 0"),
    removed: turn.reader(
      `SELECT entries.id, name, key, revision, at, expires_at AS expiresAt FROM entries
        JOIN names ON names.id = space WHERE value IS NULL AND at < ? ORDER BY at, revision LIMIT ?`,
    ),
    drop: turn.writer("DELETE FROM entries WHERE id IN (SELECT value FROM json_each(?))"),
  };
}
