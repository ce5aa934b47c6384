import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { NodeSqlDriver, openDatabase } from "../../src/runtime/sqlite_driver.ts";
import { sqliteStore } from "../../src/runtime/sqlite.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite_store.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bytes, text } from "./store_case.ts";
import { opened, throws } from "./store_files.ts";
import { smallShelf, temporaryFolder } from "./store_shelf.ts";

/** A fault that comes and goes: what it is called, how it is made, how it is mended. */
interface Trouble {
  name: string;
  words: RegExp;
  begin(world: ReturnType<typeof opened>, file: string): Disposable;
}

const troubles: Trouble[] = [
  {
    name: "the disk is full",
    words: /the disk is full/,
    begin({ sql }) {
      const { page_count: pages } = sql("PRAGMA page_count") as { page_count: number };
      sql(`PRAGMA max_page_count = ${pages + 3}`);
      return { [Symbol.dispose]: () => void sql("PRAGMA max_page_count = 1000000") };
    },
  },
  {
    name: "another program holds the lock",
    words: /another program has locked/,
    begin(_, file) {
      const other = openDatabase(file);
      other.exec("BEGIN IMMEDIATE");
      return { [Symbol.dispose]: () => other.close() };
    },
  },
  {
    name: "the database became read-only",
    words: /read-only/,
    begin({ sql }) {
      sql("PRAGMA query_only = 1");
      return { [Symbol.dispose]: () => void sql("PRAGMA query_only = 0") };
    },
  },
];

const troubleCases: Case[] = troubles.map(({ name, words, begin }) => ({
  name:
    `sqlite store: when ${name}, nothing of the turn has happened, changes are refused, and it is well again by itself`,
  async run() {
    using folder = temporaryFolder();
    const file = path.join(folder.at, "store.db");
    const world = opened(file);
    const { store, clock } = world;
    const { log, kv, dedupe } = store;
    log.append("a", bytes("kept"), 1, 0);
    kv.put("s", "k", bytes("kept"), { now: 1 });
    dedupe.advance("p", 1, 1);
    store.flush();
    const big = new Uint8Array(100_000);
    {
      using _ = begin(world, file);
      log.append("a", big, 2, 0);
      dedupe.advance("p", 2, 2);
      const told = throws(() => store.flush(), "ConnectionError", words);
      equal([told.code, told.retryable, told.retryAfterMs], ["UNAVAILABLE", true, 1000]);
      if (!told.message.includes(file)) throw new Error(`the file is not named in "${told.message}"`);
      if (!words.test(store.fault() ?? "")) throw new Error(`the fault is "${store.fault()}"`);
      equal([log.extent("a").last, dedupe.producer("p")], [1, 1]);
      equal(text((kv.get("s", "k", 1) as { value: Uint8Array }).value), "kept");
      throws(() => log.append("a", big, 3, 0), "ConnectionError", words);
      equal(store.flush(), undefined, "a turn in which everything was refused");
      clock.at += 1000;
      throws(() => kv.put("s", "k", big, { now: 1 }), "ConnectionError", words);
    }
    throws(() => log.append("a", big, 4, 0), "ConnectionError", words);
    clock.at += 1000;
    equal(log.append("a", big, 5, 0), 2);
    equal([store.flush(), store.fault()], [undefined, undefined]);
    equal((log.read("a", 0, 9) as unknown[]).length, 2);
    await store[Symbol.asyncDispose]();
  },
}));

/** What a store in a file does when the file cannot be used, from the start or from some moment on. */
export const faultCases: Case[] = [
  ...troubleCases,
  {
    name: "sqlite store: a change that fails in the middle of a turn takes the whole turn with it",
    async run() {
      using shelf = smallShelf();
      const store = shelf.open();
      store.log.append("a", bytes("told nobody"), 1, 0);
      shelf.driver.healthy = 0;
      throws(() => store.kv.put("s", "k", bytes("v"), { now: 1 }), "ConnectionError", /the disk is full/);
      shelf.driver.healthy = Infinity;
      shelf.now += 5000;
      throws(() => store.log.append("a", bytes("x"), 1, 0), "ConnectionError", /full/);
      throws(() => store.flush(), "ConnectionError", /full/);
      equal(store.log.append("a", bytes("x"), 1, 0), 1);
      await store.flush();
      await store[Symbol.asyncDispose]();
    },
  },
  {
    name: "sqlite store: what is no store is refused in words, and nothing is left beside it",
    run() {
      using folder = temporaryFolder();
      const at = (name: string): string => path.join(folder.at, name);
      fs.writeFileSync(at("text"), "not a database at all ".repeat(100));
      fs.writeFileSync(at("short"), "x");
      throws(() => sqliteStore(at("text")), "InvalidArgumentError", /text": the file is not a SQLite database/);
      throws(() => sqliteStore(at("short")), "InvalidArgumentError", /not a SQLite database/);
      throws(() => sqliteStore(folder.at), "InvalidArgumentError", /it is a folder/);
      equal(fs.readdirSync(folder.at).sort(), ["short", "text"]);
      const other = openDatabase(at("other"));
      other.exec("CREATE TABLE invoices (id INTEGER)");
      other.close();
      throws(() => sqliteStore(at("other")), "InvalidArgumentError", /another program \(with a table "invoices"\)/);
      throws(
        () => sqliteStore(at("x"), { synchronous: "off" as "full" }),
        "InvalidArgumentError",
        /"normal" or "full"/,
      );
    },
  },
  {
    name: "sqlite store: a folder that cannot be written is refused in words",
    skip: () => process.platform === "linux" ? undefined : "a folder nobody can write to is known on Linux only",
    run() {
      throws(() => sqliteStore("/proc/self/store.db"), "InvalidArgumentError", /cannot be opened for writing/);
    },
  },
  {
    name: "sqlite store: a database that can only be read is refused in words",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      openDatabase(file).exec("PRAGMA journal_mode = WAL");
      const database = openDatabase(file, { readOnly: true });
      throws(
        () => openSqliteStore(new NodeSqlDriver(database), { where: file }),
        "InvalidArgumentError",
        /the database is read-only/,
      );
      database.close();
      await Promise.resolve();
    },
  },
  {
    name: "sqlite store: a damaged database is refused at the start, and at run time for good",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      {
        await using store = sqliteStore(file);
        for (let n = 0; n < 500; n++) {
          store.kv.put("s", `key ${n}`, new Uint8Array(3000).fill(n), { now: 1 });
          store.flush();
        }
      }
      const page = 4096;
      const handle = fs.openSync(file, "r+");
      for (let at = 40; at < 60; at++) fs.writeSync(handle, new Uint8Array(page).fill(0x5a), 0, page, at * page);
      fs.closeSync(handle);
      throws(() => sqliteStore(file), "InvalidArgumentError", /damaged .*backup/);
      const { store, clock } = opened(file);
      throws(() => store.kv.list("s", "", undefined, 1000, 1), "ConnectionError", /the database is damaged/);
      throws(() => store.flush(), "ConnectionError", /damaged/);
      clock.at += 100_000;
      equal(store.fault(), "the database is damaged");
      throws(() => store.kv.put("s", "k", bytes("v"), { now: 1 }), "ConnectionError", /damaged/);
      await store[Symbol.asyncDispose]();
    },
  },
  {
    name: "sqlite store: a journal that cannot be read is damage, not an empty journal",
    async run() {
      // Not JSON, cut short, of no kind, a name that is cut short.
      for (const changes of ["'{'", "x'0281'", "x'0901'", "x'0301020205'"]) {
        using folder = temporaryFolder();
        const file = path.join(folder.at, "store.db");
        {
          await using store = sqliteStore(file);
          store.log.commit("a", "a", 1, 1);
          store.flush();
        }
        const database = openDatabase(file);
        database.exec(`UPDATE turns SET changes = ${changes}`);
        database.close();
        throws(() => sqliteStore(file), "InvalidArgumentError", /the database is damaged/);
      }
    },
  },
];
