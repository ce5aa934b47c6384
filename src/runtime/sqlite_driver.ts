import process from "node:process";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { UnimplementedError } from "../errors.ts";
import type { SqlDriver, SqlRow, SqlStatement, SqlValue } from "../store/sqlite/driver.ts";

/** How a database is opened. */
export interface OpenOptions {
  /** How long to wait for a lock that somebody else has; this thread waits. */
  readonly busyTimeoutMs?: number;
  readonly readOnly?: boolean;
}

/**
 * Opens a database by `node:sqlite`.
 * @throws {UnimplementedError} where there is no such module
 */
export function openDatabase(path: string, { busyTimeoutMs = 250, readOnly = false }: OpenOptions = {}): DatabaseSync {
  // Asked for when it is needed: an import would make this file, and the command, unloadable on Node 20.
  const sqlite = process.getBuiltinModule?.("node:sqlite");
  if (!sqlite) {
    throw new UnimplementedError(
      `Cannot open "${path}": this runtime has no node:sqlite; Node 22.13, Deno 2.2, Bun 1.4 and later have it`,
    );
  }
  return new sqlite.DatabaseSync(path, { timeout: busyTimeoutMs, readOnly });
}

/** Sets a database up for one writer and turns that are committed as a whole. */
export function configure(database: DatabaseSync, synchronous: "normal" | "full"): void {
  for (
    const pragma of [
      "journal_mode = WAL",
      `synchronous = ${synchronous}`,
      // 16 MiB of log between checkpoints: a page that is written again and again is copied once.
      "wal_autocheckpoint = 4000",
      // What a long reader, such as a backup, makes the log grow to is given back.
      "journal_size_limit = 67108864",
      "cache_size = -65536",
      "temp_store = memory",
    ]
  ) database.exec(`PRAGMA ${pragma}`);
}

/** A database of `node:sqlite` as the store sees it. */
export class NodeSqlDriver implements SqlDriver {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  prepare(sql: string): SqlStatement {
    const statement = this.#database.prepare(sql);
    return {
      all: <R = SqlRow>(...args: SqlValue[]): R[] => statement.all(...bindable(args)) as R[],
      run: (...args: SqlValue[]): void => void statement.run(...bindable(args)),
    };
  }

  begin(): void {
    this.#begin.run();
  }

  commit(): void {
    this.#commit.run();
  }

  rollback(): void {
    try {
      this.#rollback.run();
    } catch {
      // There is none: SQLite has undone it by itself, as it does when a disk is full.
    }
  }

  close(): void {
    this.#database.close();
  }
}

const EMPTY = new Uint8Array(1).subarray(1);

/** Node (22.23, 2026-11) binds NULL for an empty array that has no memory, as that of an empty text has. */
function bindable(args: SqlValue[]): SqlValue[] {
  for (let at = 0; at < args.length; at++) {
    const value = args[at];
    if (typeof value === "object" && value !== null && value.length === 0) args[at] = EMPTY;
  }
  return args;
}
