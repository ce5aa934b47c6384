import { configure, NodeSqlDriver, openDatabase } from "../../src/runtime/sqlite_driver.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite_store.ts";
import type { Store } from "../../src/store/store.ts";

/** Fails unless a call throws an error of that name, whose words match. */
export function throws(call: () => unknown, name: string, words: RegExp): Error & Record<string, unknown> {
  try {
    call();
  } catch (error) {
    if (error instanceof Error && error.name === name && words.test(error.message)) {
      return error as Error & Record<string, unknown>;
    }
    throw new Error(`expected ${name} with ${words}, got ${error}`, { cause: error });
  }
  throw new Error(`expected ${name} with ${words}, but nothing was thrown`);
}

/** A store over a file whose database a case can get at, with a clock that stands still. */
export function opened(file: string): { store: Store; sql(text: string): unknown; clock: { at: number } } {
  const database = openDatabase(file, { busyTimeoutMs: 10 });
  configure(database, "normal");
  const clock = { at: 0 };
  const store = openSqliteStore(new NodeSqlDriver(database), { where: file, clock: { now: () => clock.at } });
  return { store, sql: (text) => database.prepare(text).get(), clock };
}
