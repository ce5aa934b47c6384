// edge: no Deno, Bun, node: or cloudflare: names

/** For a LIMIT: SQLite knows no Infinity. */
export const MOST_ROWS = 2 ** 31;

/** What may be bound and what comes back. Nothing else: the engines disagree on booleans, dates and big integers. */
export type SqlValue = null | number | string | Uint8Array;

/** One row by column name. */
export type SqlRow = Record<string, SqlValue>;

/** A statement that is used again and again. */
export interface SqlStatement {
  /** Runs it and returns its rows. Blobs MUST come as Uint8Arrays that nobody else changes. */
  all<R = SqlRow>(...args: SqlValue[]): R[];
  /** Runs it for its effect. MUST have taken what it was given when it returns. */
  run(...args: SqlValue[]): void;
}

/**
 * A database as the store needs it, small enough for `node:sqlite` and for the SQL of a Durable Object. Errors are passed
 * through as the engine throws them, with SQLite's own words in the message.
 */
export interface SqlDriver {
  /** Prepares one statement. */
  prepare(sql: string): SqlStatement;
  /** Begins a transaction that may write. MAY do nothing where the platform joins writes by itself. */
  begin(): void;
  /** Ends it; what it wrote is durable. */
  commit(): void;
  /** Undoes it. MUST NOT throw, also when SQLite has undone it already. */
  rollback(): void;
  /** Lets go of the database. */
  close(): void;
}
