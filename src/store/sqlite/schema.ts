// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../../errors.ts";
import type { SqlDriver } from "./driver.ts";

/**
 * Steps from one version to the next, each a list of single statements. Forward only: what has been released is never
 * changed, a new version is a new step at the end.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE probe (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    "CREATE TABLE turns (id INTEGER PRIMARY KEY, changes TEXT NOT NULL)",
    // Numbers of forgotten names are never given again: AUTOINCREMENT.
    `CREATE TABLE names (id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, name BLOB NOT NULL,
      UNIQUE (kind, name))`,
    `CREATE TABLE lanes (id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, held INTEGER NOT NULL,
      bytes INTEGER NOT NULL)`,
    // In the order in which they came, so that neighbours in time are neighbours on disk, whatever their lanes.
    `CREATE TABLE records (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL, settled INTEGER NOT NULL DEFAULT 0, bytes BLOB NOT NULL)`,
    "CREATE INDEX records_settled ON records (lane, sequence) WHERE settled = 1",
    `CREATE TABLE cursors (lane INTEGER NOT NULL, consumer BLOB NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (lane, consumer)) WITHOUT ROWID`,
    "CREATE TABLE producers (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL)",
    `CREATE TABLE ids (place INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, sequence INTEGER NOT NULL,
      at INTEGER NOT NULL)`,
    "CREATE TABLE spaces (id INTEGER PRIMARY KEY, live INTEGER NOT NULL, forgotten INTEGER NOT NULL)",
    // A removal is a row without a value.
    `CREATE TABLE entries (id INTEGER PRIMARY KEY, space INTEGER NOT NULL, key BLOB NOT NULL, revision INTEGER NOT NULL,
      at INTEGER NOT NULL, expires_at INTEGER NOT NULL, kind INTEGER NOT NULL, value BLOB, UNIQUE (space, key))`,
    "CREATE INDEX entries_changed ON entries (space, revision)",
    "CREATE INDEX entries_ending ON entries (expires_at, revision) WHERE expires_at > 0",
    "CREATE INDEX entries_removed ON entries (at, revision) WHERE value IS NULL",
  ],
  // Changes of turns are bytes from here on, and lanes are silent about records of the tail. What there is already stays.
  [
    `CREATE TABLE tasks (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, over_at INTEGER NOT NULL, made BLOB NOT NULL,
      payload BLOB, state BLOB)`,
    "CREATE INDEX tasks_over ON tasks (over_at)",
    // They were entries of two spaces, their payloads among the rest.
    `INSERT INTO tasks (id, over_at, made) SELECT key, iif(name = x'746c', 0, entries.at), value
      FROM entries JOIN names ON names.id = space
      WHERE names.kind = 3 AND name IN (x'746c', x'7464') AND value IS NOT NULL ORDER BY key DESC`,
    `DELETE FROM entries WHERE space IN (SELECT id FROM names WHERE kind = 3 AND name IN (x'746c', x'7464'))`,
    `DELETE FROM spaces WHERE id IN (SELECT id FROM names WHERE kind = 3 AND name IN (x'746c', x'7464'))`,
  ],
];

/** The version this code writes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

/**
 * Brings a database to the version of this code.
 * @throws {InvalidArgumentError} when it is another program's, or a newer version's
 */
export function migrate(driver: SqlDriver, where: string): void {
  const version = versionOf(driver, where);
  if (version > SCHEMA_VERSION) {
    throw new InvalidArgumentError(
      `Cannot open the store "${where}": it has version ${version} of the schema and this is made for ${SCHEMA_VERSION} and older; use the version of the package that wrote it, or a newer one`,
      "path",
      { details: { version, supported: SCHEMA_VERSION } },
    );
  }
  if (version === SCHEMA_VERSION) return;
  driver.begin();
  try {
    for (const sql of MIGRATIONS.slice(version).flat()) driver.prepare(sql).run();
    driver.prepare("INSERT OR REPLACE INTO counters (name, value) VALUES ('schema', ?)").run(SCHEMA_VERSION);
    driver.commit();
  } catch (error) {
    driver.rollback();
    throw error;
  }
}

/** 0 for an empty database. */
function versionOf(driver: SqlDriver, where: string): number {
  // Durable Objects have tables of their own, whose names begin with "_cf_".
  const sql =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";
  const tables = driver.prepare(sql).all<{ name: string }>().map(({ name }) => name);
  if (tables.length === 0) return 0;
  if (tables.includes("counters") && tables.includes("records")) {
    const [row] = driver.prepare("SELECT value FROM counters WHERE name = 'schema'").all<{ value: number }>();
    if (row) return row.value;
  }
  throw new InvalidArgumentError(
    `Cannot open the store "${where}": it is a database of another program (with a table "${
      tables[0]
    }"); give the path of a store, or of a new file`,
    "path",
  );
}
