import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { NodeSqlDriver, openDatabase } from "../../src/runtime/sqlite_driver.ts";
import { sqliteStore } from "../../src/runtime/sqlite.ts";
import type { SqlDriver, SqlStatement } from "../../src/store/sqlite/driver.ts";
import type { Sizes } from "../../src/store/sqlite/sizes.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite_store.ts";
import type { Shelf } from "./store_case.ts";

/** A folder that is gone afterwards. */
export function temporaryFolder(): Disposable & { readonly at: string } {
  const at = fs.mkdtempSync(path.join(os.tmpdir(), "aether-store-"));
  return { at, [Symbol.dispose]: () => fs.rmSync(at, { recursive: true }) };
}

/** A file, as a user opens it. */
export function fileShelf(options: { dedupeIds?: number } = {}): Shelf {
  const folder = temporaryFolder();
  return {
    open: () => sqliteStore(path.join(folder.at, "store.db"), options),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** Every bound so small that a handful of records crosses all of them. */
export const SMALL: Sizes = {
  tailRecords: 4,
  tailBytes: 64,
  settle: 2,
  look: 2,
  drop: 3,
  expire: 1000,
  forget: 2,
  journal: 8,
  journalMost: 24,
  home: 2,
  cached: 2,
  keys: 3,
  keyBytes: 64,
};

/** A database in memory with small bounds, whose driver can be made to fail. It is the same after each opening. */
export function smallShelf(
  options: { dedupeIds?: number } = {},
): Shelf & { readonly driver: BreakableDriver; now: number } {
  const database = openDatabase(":memory:");
  const driver = new BreakableDriver(new NodeSqlDriver(database));
  const shelf = {
    driver,
    now: 0,
    open: () => openSqliteStore(driver, { where: "small", sizes: SMALL, clock: { now: () => shelf.now }, ...options }),
    [Symbol.dispose]: () => database.close(),
  };
  return shelf;
}

/** A driver that fails when it is told to. Closing it does nothing: the shelf owns the database. */
export class BreakableDriver implements SqlDriver {
  readonly #inner: SqlDriver;
  /** Calls that still work; then each fails, with these words. */
  healthy = Infinity;
  words = "database or disk is full";

  constructor(inner: SqlDriver) {
    this.#inner = inner;
  }

  #step(): void {
    if (this.healthy-- <= 0) throw new Error(this.words);
  }

  prepare(sql: string): SqlStatement {
    const statement = this.#inner.prepare(sql);
    return {
      all: (...args) => {
        this.#step();
        return statement.all(...args);
      },
      run: (...args) => {
        this.#step();
        statement.run(...args);
      },
    };
  }

  begin(): void {
    this.#step();
    this.#inner.begin();
  }

  commit(): void {
    this.#step();
    this.#inner.commit();
  }

  rollback(): void {
    this.#inner.rollback();
  }

  close(): void {
    this.#inner.rollback();
  }
}
