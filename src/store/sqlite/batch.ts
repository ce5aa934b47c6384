// edge: no Deno, Bun, node: or cloudflare: names
import type { SqlStatement, SqlValue } from "./driver.ts";
import type { Turn } from "./turn.ts";

/** A Durable Object takes a hundred values to a statement. */
const VALUES = 100;
/** Rows of one statement at the most; beyond, nothing is gained. */
const ROWS = 16;
/** Rows of the smaller statements, for what does not fill a larger one. */
const FEWER = [4, 1];

/** A statement for so many rows. */
interface Sized<S> {
  readonly rows: number;
  readonly statement: S;
}

/**
 * Statements that differ in the number of their rows, the largest first.
 * @param prepare is given rows of question marks
 */
export function sized<S>(columns: number, prepare: (rows: string) => S): readonly Sized<S>[] {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return [Math.min(ROWS, Math.floor(VALUES / columns)), ...FEWER].map((rows) => ({
    rows,
    statement: prepare(Array(rows).fill(row).join(", ")),
  }));
}

/** Gives values out to statements, of a few rows each. */
export function inSizes<S>(
  statements: readonly Sized<S>[],
  columns: number,
  args: SqlValue[],
  run: (statement: S, args: SqlValue[]) => void,
): void {
  let at = 0;
  for (const { rows, statement } of statements) {
    const length = rows * columns;
    for (; args.length - at >= length; at += length) run(statement, args.slice(at, at + length));
  }
}

/**
 * Rows that go into one table, sixteen by one statement: a call into the engine costs as much as a small row. With rows of
 * 256 bytes, a hundred to a transaction, that is 1.2 times as fast on Bun and 1.6 times on Deno (2026-11-21).
 */
export class Batch {
  readonly #columns: number;
  readonly #statements: readonly Sized<SqlStatement>[];
  readonly #most: number;
  #args: SqlValue[] = [];

  /**
   * @param into what stands before VALUES
   * @param after what stands behind the rows
   */
  constructor(turn: Turn, into: string, columns: number, after = "") {
    this.#columns = columns;
    this.#statements = sized(columns, (rows) => turn.writer(`${into} VALUES ${rows} ${after}`));
    this.#most = this.#statements[0].rows * columns;
  }

  add(...row: SqlValue[]): void {
    for (const value of row) this.#args.push(value);
    if (this.#args.length < this.#most) return;
    const args = this.#args;
    this.#args = [];
    this.#statements[0].statement.run(...args);
  }

  /** Writes the rows that did not fill a statement. */
  end(): void {
    if (this.#args.length === 0) return;
    const args = this.#args;
    this.#args = [];
    inSizes(this.#statements, this.#columns, args, (statement, some) => statement.run(...some));
  }

  drop(): void {
    this.#args = [];
  }
}
