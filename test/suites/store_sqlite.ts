import fs from "node:fs";
import path from "node:path";
import { configure, NodeSqlDriver, openDatabase } from "../../src/runtime/sqlite_driver.ts";
import { backup, sqliteStore } from "../../src/runtime/sqlite.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite_store.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bytes, text } from "./store_case.ts";
import { throws } from "./store_files.ts";
import { SMALL, temporaryFolder } from "./store_shelf.ts";

/** What a store in a file promises beyond the contract. */
export const sqliteCases: Case[] = [
  {
    name: "sqlite store: a file that was begun and never written is a new store, and folders are made",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "deep", "er", "store.db");
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, "");
      await sqliteStore(file)[Symbol.asyncDispose]();
      await sqliteStore(path.join(folder.at, "new", "store.db"))[Symbol.asyncDispose]();
      await using store = sqliteStore(":memory:", { synchronous: "full" });
      equal(store.log.append("a", bytes("x"), 1, 0), 1);
    },
  },
  {
    name: "sqlite store: a database of a newer version is refused, with both numbers",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      await sqliteStore(file)[Symbol.asyncDispose]();
      const database = openDatabase(file);
      database.exec("UPDATE counters SET value = 99 WHERE name = 'schema'");
      database.close();
      const { details } = throws(
        () => sqliteStore(file),
        "InvalidArgumentError",
        /version 99 .* made for \d+ and older/,
      );
      equal((details as { version: number }).version, 99);
    },
  },
  {
    name: "sqlite store: tasks of version 1 are there in the next, and their spaces are gone",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      {
        await using store = sqliteStore(file);
        store.kv.put("tl", "b", bytes("alive"), { now: 5 });
        store.kv.put("tl", "c", bytes("older"), { now: 4 });
        store.kv.put("td", "a", bytes("over"), { now: 6, expiresAt: 99 });
        store.kv.put("tl", "d", bytes("gone"), { now: 6 });
        store.kv.purge("tl", "d");
        store.kv.put("t", "a", bytes("another"), { now: 6 });
      }
      const database = openDatabase(file);
      database.exec("DROP TABLE tasks");
      database.exec("UPDATE counters SET value = 1 WHERE name = 'schema'");
      database.close();
      for (let round = 0; round < 2; round++) {
        await using store = sqliteStore(file);
        const found = [...await store.tasks.list(undefined, 9)];
        const plain = found.map(({ id, made, payload, state, overAt }) => [id, text(made), payload, state, overAt]);
        equal(plain, [
          ["a", "over", undefined, undefined, 6],
          ["b", "alive", undefined, undefined, 0],
          ["c", "older", undefined, undefined, 0],
        ]);
        equal([...await store.tasks.alive()].map(({ id }) => id), ["c", "b"]);
        equal([store.kv.count("tl"), store.kv.count("td"), store.kv.count("t")], [0, 0, 1]);
        equal(store.kv.nextExpiry(), Infinity);
      }
    },
  },
  {
    name: "sqlite store: a database of version 1, whose journal is JSON, is read and goes on",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      {
        await using store = sqliteStore(file);
        for (const payload of ["one", "two", "three"]) store.log.append("a", bytes(payload), 1, 0);
        store.log.commit("a", "a", 1, 1);
        store.dedupe.advance("p", 1, 1);
      }
      const database = openDatabase(file);
      const ids = database.prepare("SELECT kind, id FROM names").all() as { kind: number; id: number }[];
      const id = (kind: number): number => ids.find((name) => name.kind === kind)!.id;
      database.prepare("UPDATE turns SET changes = ?").run(JSON.stringify({
        since: 1000,
        lanes: [id(1), 2, 3, 2, 8],
        cursors: [id(1), 0, 1, 5, id(1), "other", 2, 0, id(1), "gone", 1, 0, id(1), "gone", -1, 0],
        producers: [id(2), 7, -3],
      }));
      database.exec("DROP TABLE tasks");
      database.exec("UPDATE counters SET value = 1 WHERE name = 'schema'");
      database.close();
      for (const last of [3, 4]) {
        await using store = sqliteStore(file);
        const { log, dedupe } = store;
        equal(log.extent("a"), { first: 2, last, count: last - 1, bytes: 8 + (last - 3) });
        equal([log.cursor("a", "a"), log.cursor("a", "other"), log.cursor("a", "gone")], [1, 2, undefined]);
        equal(dedupe.producer("p"), 7);
        log.append("a", bytes("4"), 2000, 0);
        log.commit("b", "b", 1, 2000);
      }
      await using store = sqliteStore(file);
      equal((store.log.read("a", 0, 9) as { bytes: Uint8Array }[]).map((record) => text(record.bytes)), [
        "two",
        "three",
        "4",
        "4",
      ]);
      store.dedupe.expire(998);
      store.log.expire(999, 9);
      equal([store.dedupe.producer("p"), store.log.cursor("a", "a"), store.log.cursor("a", "other")], [0, 1, 2]);
    },
  },
  {
    name: "sqlite store: a file has one store at a time",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      {
        await using first = sqliteStore(file);
        const { retryable } = throws(() => sqliteStore(file), "ConflictError", /store.db": another store/);
        equal(retryable, true);
        fs.symlinkSync(file, path.join(folder.at, "link.db"));
        throws(() => sqliteStore(path.join(folder.at, "link.db")), "ConflictError", /another store/);
        equal(first.log.append("a", bytes("x"), 1, 0), 1);
      }
      await using second = sqliteStore(file);
      equal(second.log.extent("a").last, 1);
    },
  },
  {
    name: "sqlite store: more than is kept in memory is there again, to the last byte",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      const lanes = 7;
      const count = 12_000;
      {
        await using store = sqliteStore(file);
        for (let n = 0; n < count; n++) {
          store.log.append(`lane ${n % lanes}`, bytes(`message ${n}`), n, 0);
          if (n % 50 === 0) store.flush();
        }
        for (let lane = 0; lane < lanes; lane++) store.log.trim(`lane ${lane}`, 100 * lane);
      }
      await using store = sqliteStore(file);
      for (let lane = 0; lane < lanes; lane++) {
        const { first, last, count } = store.log.extent(`lane ${lane}`);
        equal([first, count], [100 * lane + 1, last - 100 * lane]);
        let after = 0;
        for (
          let page = store.log.read(`lane ${lane}`, after, 700);;
          page = store.log.read(`lane ${lane}`, after, 700)
        ) {
          const records = page as { sequence: number; bytes: Uint8Array }[];
          if (records.length === 0) break;
          for (const { sequence, bytes } of records) {
            if (text(bytes) !== `message ${(sequence - 1) * lanes + lane}`) {
              throw new Error(`${sequence}: ${text(bytes)}`);
            }
          }
          after = records.at(-1)!.sequence;
        }
        equal(after, last);
      }
    },
  },
  {
    name: "sqlite store: what nobody holds leaves the file",
    async run() {
      using folder = temporaryFolder();
      const file = path.join(folder.at, "store.db");
      const database = openDatabase(file);
      configure(database, "normal");
      const store = openSqliteStore(new NodeSqlDriver(database), { where: file, sizes: SMALL });
      const rows = (table: string): number =>
        (database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
      for (let n = 1; n <= 300; n++) {
        const lane = `lane ${n % 5}`;
        store.log.append(lane, bytes("x"), n, 0);
        store.log.commit(lane, `consumer ${n % 3}`, n, n);
        store.dedupe.advance(`producer ${n}`, 1, n);
        store.dedupe.remember(`id ${n}`, n, n);
        store.flush();
      }
      store.log.expire(1000, 1000);
      store.dedupe.expire(1000);
      // The rest goes little by little, in turns that have something of their own to write.
      for (let n = 1001; n < 1400; n++) {
        store.log.trim("busy", store.log.append("busy", bytes("x"), n, 0));
        store.flush();
      }
      equal([rows("cursors"), rows("producers"), rows("ids")], [0, 0, 0]);
      equal(rows("names"), 6, "lanes are remembered");
      for (const table of ["records", "turns"]) equal(rows(table) < 50, true, `${rows(table)} rows of ${table}`);
      await store[Symbol.asyncDispose]();
    },
  },
  {
    name: "sqlite store: a backup is a store of its own, made while the other goes on",
    async run() {
      using folder = temporaryFolder();
      const at = (name: string): string => path.join(folder.at, name);
      {
        await using store = sqliteStore(at("store.db"));
        store.log.append("a", bytes("kept"), 1, 0);
        store.kv.put("s", "k", bytes("v"), { now: 1 });
        store.flush();
        store.log.append("a", bytes("not yet"), 1, 0);
        store.kv.put("s", "l", bytes("w"), { now: 1 });
        const { bytes: size } = backup(at("store.db"), at("copy.db"));
        equal(size, fs.statSync(at("copy.db")).size);
        equal(store.flush(), undefined);
        equal(store.log.extent("a").last, 2);
      }
      await using copy = sqliteStore(at("copy.db"));
      equal([copy.log.extent("a").last, copy.kv.count("s")], [1, 1]);
      throws(() => backup(at("store.db"), at("copy.db")), "InvalidArgumentError", /never overwrites/);
      throws(() => backup(at("nowhere.db"), at("x.db")), "NotFoundError", /no such file/);
      throws(() => backup(at("store.db"), at("no/where.db")), "InvalidArgumentError", /folder .* is not there/);
      fs.writeFileSync(at("text"), "not a database");
      throws(() => backup(at("text"), at("x.db")), "InvalidArgumentError", /not a SQLite database/);
      equal(fs.readdirSync(folder.at).filter((name) => /partial|x\.db/.test(name)), []);
    },
  },
];
