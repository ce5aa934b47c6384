// edge: no Deno, Bun, node: or cloudflare: names
import { Batch } from "./batch.ts";
import type { SqlStatement } from "./driver.ts";
import type { Turn } from "./turn.ts";

export interface LaneRow {
  first: number;
  last: number;
  held: number;
  bytes: number;
}
export interface NameRow {
  id: number;
  name: Uint8Array;
}
export interface CursorRow {
  consumer: Uint8Array;
  sequence: number;
  at: number;
}

type Reader = Pick<SqlStatement, "all">;

/** The statements of the log. */
export interface LogStatements {
  readonly lanes: Batch;
  readonly cursors: Batch;
  readonly lane: Reader;
  readonly lanesAfter: Reader;
  readonly lanesUntil: Reader;
  readonly cursorsOf: Reader;
  readonly expireCursors: SqlStatement;
  readonly removeCursor: SqlStatement;
  readonly read: Reader;
  readonly look: Reader;
  readonly trim: SqlStatement;
  readonly removeSettled: SqlStatement;
}

/** Prepares them. */
export function logStatements(turn: Turn): LogStatements {
  return {
    lanes: new Batch(turn, "INSERT OR REPLACE INTO lanes (id, first, last, held, bytes)", 5),
    cursors: new Batch(turn, "INSERT OR REPLACE INTO cursors (lane, consumer, sequence, at)", 4),
    lane: turn.reader("SELECT first, last, held, bytes FROM lanes WHERE id = ?"),
    // Without the plus SQLite takes the index by kind, and sorts.
    lanesAfter: turn.reader("SELECT id FROM names WHERE +kind = 1 AND id > ? ORDER BY id LIMIT ?"),
    lanesUntil: turn.reader("SELECT id, name FROM names WHERE +kind = 1 AND id > ? AND id <= ? ORDER BY id"),
    cursorsOf: turn.reader("SELECT consumer, sequence, at FROM cursors WHERE lane = ?"),
    expireCursors: turn.writer("DELETE FROM cursors WHERE lane = ? AND at < ? RETURNING consumer"),
    removeCursor: turn.writer("DELETE FROM cursors WHERE lane = ? AND consumer = ?"),
    read: turn.reader(
      `SELECT sequence, at, expires_at AS expiresAt, bytes FROM records
        WHERE settled = 1 AND lane = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
    ),
    look: turn.reader(
      `SELECT sequence, at, length(bytes) AS size FROM records
        WHERE settled = 1 AND lane = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
    ),
    trim: turn.writer("DELETE FROM records WHERE settled = 1 AND lane = ? AND sequence <= ?"),
    removeSettled: turn.writer(
      "DELETE FROM records WHERE settled = 1 AND lane = ? AND sequence = ? RETURNING length(bytes) AS size",
    ),
  };
}
