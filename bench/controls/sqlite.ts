/** What the database itself costs, without us: the same writes and reads, as durable, in a process of the same kind. */
import { configure, openDatabase } from "../../src/runtime/sqlite_driver.ts";
import { expect, keys, type Work, type Works } from "../lib/scenario.ts";

/** Opens a database in a folder. Groups of writes are transactions, as large as the callers are many. */
export function works(folder: string): Works {
  const database = openDatabase(`${folder}/control.db`);
  configure(database, "normal");
  database.exec("CREATE TABLE records (id INTEGER PRIMARY KEY, lane INTEGER, at INTEGER, bytes BLOB)");
  database.exec("CREATE TABLE pairs (key TEXT PRIMARY KEY, revision INTEGER, bytes BLOB) WITHOUT ROWID");
  const insert = database.prepare("INSERT INTO records (lane, at, bytes) VALUES (?, ?, ?)");
  const put = database.prepare("INSERT OR REPLACE INTO pairs (key, revision, bytes) VALUES (?, ?, ?)");
  const get = database.prepare("SELECT revision, bytes FROM pairs WHERE key = ?");
  const [begin, commit] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")];
  const written = (write: () => void): Promise<Work> => {
    const group = (count: number): void => {
      begin.run();
      for (let at = 0; at < count; at++) write();
      commit.run();
    };
    return Promise.resolve({ group });
  };
  const key = keys();
  let revision = 0;
  return {
    send: (bytes) => written(() => void insert.run(1, Date.now(), bytes)),
    put: (bytes) => written(() => void put.run(key(), ++revision, bytes)),
    get: () => {
      const group = (count: number): void => {
        for (let at = 0; at < count; at++) expect((get.get(key()) as { bytes: Uint8Array }).bytes);
      };
      return Promise.resolve({ group });
    },
  };
}
