// edge: no Deno, Bun, node: or cloudflare: names
import { Batch } from "./batch.ts";
import type { SqlStatement } from "./driver.ts";
import type { Turn } from "./turn.ts";

export interface TaskRow {
  number: number;
  id: Uint8Array;
  overAt: number;
  made: Uint8Array;
  payload: Uint8Array | null;
  state: Uint8Array | null;
}

type Reader = Pick<SqlStatement, "all">;

/** The statements of the tasks. */
export interface TaskStatements {
  readonly puts: Batch;
  /** With a payload that is not null where it is to go. */
  readonly changes: Batch;
  readonly get: Reader;
  readonly first: Reader;
  readonly after: Reader;
  readonly alive: Reader;
  readonly ended: Reader;
  readonly drop: SqlStatement;
}

const ROW = "number, id, over_at AS overAt, made, payload, state";
const INTO = "INSERT INTO tasks (id, over_at, made, payload, state)";

/** Prepares them. */
export function taskStatements(turn: Turn): TaskStatements {
  return {
    puts: new Batch(
      turn,
      INTO,
      5,
      `ON CONFLICT (id) DO UPDATE SET over_at = excluded.over_at, made = excluded.made, payload = excluded.payload,
        state = excluded.state`,
    ),
    // A task that is not there cannot be changed: the row is for the conflict, and many go by one statement.
    changes: new Batch(
      turn,
      INTO,
      5,
      `ON CONFLICT (id) DO UPDATE SET over_at = excluded.over_at, state = excluded.state,
        payload = CASE WHEN excluded.payload IS NULL THEN payload END`,
    ),
    get: turn.reader(`SELECT ${ROW} FROM tasks WHERE id = ?`),
    first: turn.reader(`SELECT ${ROW} FROM tasks ORDER BY id LIMIT ?`),
    after: turn.reader(`SELECT ${ROW} FROM tasks WHERE id > ? ORDER BY id LIMIT ?`),
    alive: turn.reader(`SELECT ${ROW} FROM tasks WHERE over_at = 0 AND number > ? ORDER BY number LIMIT ?`),
    ended: turn.reader(
      "SELECT number, id FROM tasks WHERE over_at > 0 AND over_at < ? ORDER BY over_at, number LIMIT ?",
    ),
    drop: turn.writer("DELETE FROM tasks WHERE number IN (SELECT value FROM json_each(?))"),
  };
}
