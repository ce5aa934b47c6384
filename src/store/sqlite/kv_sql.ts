// edge: no Deno, Bun, node: or cloudflare: names
import type { SqlStatement } from "./driver.ts";
import type { Turn } from "./turn.ts";

type Reader = Pick<SqlStatement, "all">;

/** One key as the database has it; the value is null when it was removed. */
export interface EntryRow {
  key: Uint8Array;
  value: Uint8Array | null;
  revision: number;
  expiresAt: number;
  kind: number;
}

/** One key together with the name of its space. */
export interface OwnedRow {
  id: number;
  name: Uint8Array;
  key: Uint8Array;
  revision: number;
  expiresAt: number;
}

/** The statements of keys and values. */
export interface KvStatements {
  readonly get: Reader;
  readonly peek: Reader;
  readonly put: SqlStatement;
  readonly remove: SqlStatement;
  readonly purge: SqlStatement;
  readonly list: Reader;
  readonly changes: Reader;
  readonly ending: Reader;
  readonly nextEnd: Reader;
  readonly removed: Reader;
  readonly forget: SqlStatement;
}

/** Prepares them. */
export function kvStatements(turn: Turn): KvStatements {
  const record = "value, revision, expires_at AS expiresAt, kind";
  return {
    get: turn.reader(`SELECT ${record} FROM entries WHERE space = ? AND key = ? AND value IS NOT NULL`),
    peek: turn.reader(
      `SELECT id, revision, expires_at AS expiresAt, value IS NOT NULL AS isLive FROM entries
        WHERE space = ? AND key = ?`,
    ),
    put: turn.writer(
      `INSERT INTO entries (space, key, revision, at, expires_at, kind, value) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (space, key) DO UPDATE SET revision = excluded.revision, at = excluded.at,
        expires_at = excluded.expires_at, kind = excluded.kind, value = excluded.value`,
    ),
    remove: turn.writer(
      "UPDATE entries SET revision = ?, at = ?, expires_at = 0, kind = 0, value = NULL WHERE id = ?",
    ),
    purge: turn.writer("DELETE FROM entries WHERE id = ?"),
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
      `SELECT entries.id, name, key, revision, expires_at AS expiresAt FROM entries
        JOIN names ON names.id = space WHERE expires_at > 0 AND expires_at <= ? ORDER BY expires_at, revision LIMIT ?`,
    ),
    nextEnd: turn.reader("SELECT min(expires_at) AS at FROM entries WHERE expires_at > 0"),
    removed: turn.reader(
      `SELECT entries.id, name, key, revision, expires_at AS expiresAt FROM entries
        JOIN names ON names.id = space WHERE value IS NULL AND at < ? ORDER BY at, revision LIMIT ?`,
    ),
    forget: turn.writer("DELETE FROM entries WHERE id IN (SELECT value FROM json_each(?))"),
  };
}
