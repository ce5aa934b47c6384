/**
 * A store in one file, by `node:sqlite`: Node 22.13, Deno 2.2, Bun 1.4 and later.
 * @module
 */
import fs from "node:fs";
import { dirname, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { AetherError, ConflictError, ConnectionError, InvalidArgumentError, NotFoundError } from "../errors.ts";
import { faultOf, openError } from "../store/sqlite/faults.ts";
import { openSqliteStore } from "../store/sqlite/sqlite_store.ts";
import type { Store } from "../store/store.ts";
import { configure, NodeSqlDriver, openDatabase } from "./sqlite_driver.ts";

export type {
  DedupeStore,
  KvChange,
  KvExpired,
  KvRecord,
  KvStore,
  KvWrite,
  LaneExtent,
  LogRecord,
  LogStore,
  MaybePromise,
  Store,
} from "../store/store.ts";

/** How a store is kept. */
export interface SqliteOptions {
  /**
   * What a flush waits for. With `"normal"`, the default, nothing is lost when the process is killed, but a power cut
   * takes the last moments: what was committed since the disk was last synchronised, though never a part of a turn nor
   * the order. With `"full"` each flush waits for the disk, some milliseconds, and a power cut takes nothing.
   */
  readonly synchronous?: "normal" | "full";
  /** How many message ids are remembered; 1 000 000 when left out. A gateway's limits do not reach here. */
  readonly dedupeIds?: number;
  /** How long a write waits for another program's lock, in ms, 250 when left out. All of this thread waits. */
  readonly busyTimeoutMs?: number;
}

/** Up to this size a database is looked through when it is opened: some tenths of a second. */
const CHECK_BYTES = 64 * 1024 * 1024;
const MAGIC = "SQLite format 3\0";

/**
 * Opens a store in a file, which is made, with its folder, when it is not there; `":memory:"` keeps it in memory. One store
 * at a time may have a file: beside it lies `<path>-lock`, locked as long as the process lives. Other programs may read.
 * @throws {InvalidArgumentError} when the file is no store, damaged, read-only, or written by a newer version
 * @throws {ConflictError} when another store, here or in another process, has the file
 * @throws {ConnectionError} when the file cannot be used at the moment: locked by another program, disk full
 * @throws {UnimplementedError} where there is no `node:sqlite`
 * @example
 * ```ts
 * import { allowAll, createGateway } from "@aether-edge/sdk/gateway";
 * import { sqliteStore } from "@aether-edge/sdk/store/sqlite";
 * const gateway = await createGateway({ store: sqliteStore(":memory:"), auth: allowAll() });
 * await gateway.close();
 * ```
 */
export function sqliteStore(path: string, options: SqliteOptions = {}): Store {
  const { synchronous = "normal", dedupeIds, busyTimeoutMs = 250 } = options;
  if (!["normal", "full"].includes(synchronous)) {
    throw new InvalidArgumentError(`"synchronous" must be "normal" or "full", not "${synchronous}"`, "synchronous");
  }
  if (path === "") {
    throw new InvalidArgumentError(`Cannot open a store: give the path of its file, or ":memory:"`, "path");
  }
  let lock: DatabaseSync | undefined;
  let database: DatabaseSync | undefined;
  try {
    if (path !== ":memory:") {
      fs.mkdirSync(dirname(path), { recursive: true });
      checkHeader(path, `Cannot open the store "${path}"`);
      // By whatever name it is called, a file has one lock.
      lock = takeLock(path, fs.existsSync(path) ? fs.realpathSync(path) : path);
    }
    database = openDatabase(path, { busyTimeoutMs });
    configure(database, synchronous);
    check(database, path);
    return openSqliteStore(new NodeSqlDriver(database), { where: path, dedupeIds, onClose: () => lock?.close() });
  } catch (error) {
    database?.close();
    lock?.close();
    throw isRefusal(error) ? refused(path, (error as Error).message) : openError(path, error);
  }
}

/** Whether the system or the runtime's own permissions said no: a path is wrong then, rather than a database. */
function isRefusal(error: unknown): boolean {
  const { name, syscall } = error as { name?: string; syscall?: string };
  return syscall !== undefined || name === "NotCapable";
}

function refused(path: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Cannot open the store "${path}": ${reason}; give a path that can be written`,
    "path",
  );
}

/** Says at once, and without leaving a lock behind, that a file is something else. */
function checkHeader(path: string, what: string): void {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (!stat || (stat.isFile() && stat.size === 0)) return;
  if (stat.isDirectory()) throw new InvalidArgumentError(`${what}: it is a folder`, "path");
  const start = new Uint8Array(MAGIC.length);
  const file = fs.openSync(path, "r");
  try {
    fs.readSync(file, start);
  } finally {
    fs.closeSync(file);
  }
  if (new TextDecoder().decode(start) === MAGIC) return;
  throw new InvalidArgumentError(`${what}: the file is not a SQLite database; give the path of a store`, "path");
}

/** The lock is a transaction that never ends, in a database with nothing in it: the system ends it with the process. */
function takeLock(path: string, file: string): DatabaseSync {
  const lock = openDatabase(`${file}-lock`, { busyTimeoutMs: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock.close();
    if (!/is locked/.test((cause as Error).message)) throw cause;
    throw new ConflictError(
      `Cannot open the store "${path}": another store, of this process or another, has it open; give each gateway a file of its own, or end the other one`,
      { retryable: true, cause },
    );
  }
}

function check(database: DatabaseSync, path: string): void {
  const { bytes } = database.prepare(
    "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size",
  ).get() as { bytes: number };
  if (bytes > CHECK_BYTES) return;
  const found = database.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (found.quick_check === "ok") return;
  throw new InvalidArgumentError(
    `Cannot open the store "${path}": the database is damaged (${
      found.quick_check.split("\n").at(-1)
    }); put a backup in its place`,
    "path",
  );
}

/** A copy of a store. */
export interface Backup {
  /** Where it is. */
  readonly file: string;
  /** Its size. */
  readonly bytes: number;
}

/**
 * Copies a store, as it is at this moment, into a new file, while a gateway may be running on it, here or in another
 * process. The copy is compact, a store of its own, and appears under its name only when it is whole and on the disk.
 * This thread does nothing else meanwhile, about a second per gigabyte: for a large store run `aether backup`.
 * @throws {NotFoundError} when there is no store at the path
 * @throws {InvalidArgumentError} when it is no store, or when the file to be made is there already
 * @throws {ConnectionError} when the copy could not be written
 */
export function backup(path: string, file: string): Backup {
  const fail = (reason: string, argument: string): never => {
    throw new InvalidArgumentError(`Cannot back up "${path}" to "${file}": ${reason}`, argument);
  };
  if (!fs.existsSync(path)) throw new NotFoundError(`Cannot back up "${path}": there is no such file`);
  checkHeader(path, `Cannot back up "${path}"`);
  if (fs.existsSync(file)) fail("that file is there already, and a backup never overwrites one", "file");
  if (!fs.existsSync(dirname(resolve(file)))) fail("the folder it is to be in is not there", "file");
  const partial = `${file}.partial`;
  let database: DatabaseSync | undefined;
  try {
    fs.rmSync(partial, { force: true });
    database = openDatabase(path, { readOnly: true, busyTimeoutMs: 5000 });
    database.prepare("VACUUM INTO ?").run(partial);
    const copy = fs.openSync(partial, "r+");
    fs.fsyncSync(copy);
    fs.closeSync(copy);
    fs.renameSync(partial, file);
    return { file, bytes: fs.statSync(file).size };
  } catch (error) {
    fs.rmSync(partial, { force: true });
    if (error instanceof AetherError) throw error;
    throw new ConnectionError(`Cannot back up "${path}" to "${file}": ${faultOf(error).reason}`, { cause: error });
  } finally {
    database?.close();
  }
}
