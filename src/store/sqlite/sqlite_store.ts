// edge: no Deno, Bun, node: or cloudflare: names
import { type Clock, systemClock } from "../../base/clock.ts";
import { ConnectionError } from "../../errors.ts";
import { DEFAULT_LIMITS } from "../../protocol/limits.ts";
import type { Store } from "../store.ts";
import { Counters } from "./counters.ts";
import { SqlDedupe } from "./dedupe.ts";
import type { SqlDriver } from "./driver.ts";
import { openError } from "./faults.ts";
import { Journal } from "./journal.ts";
import { SqlKv } from "./kv.ts";
import { SqlLog } from "./log.ts";
import { Names } from "./names.ts";
import { migrate } from "./schema.ts";
import { SIZES, type Sizes } from "./sizes.ts";
import { SqlTasks } from "./tasks.ts";
import { Turn } from "./turn.ts";

/** What a store over SQL may be told. */
export interface SqlStoreOptions {
  /** What errors call it. */
  readonly where: string;
  /** How many message ids are remembered. */
  readonly dedupeIds?: number;
  /** For probes after a fault. */
  readonly clock?: Pick<Clock, "now">;
  /** For tests. */
  readonly sizes?: Sizes;
  /** Called at the end, after the database is closed. */
  readonly onClose?: () => void;
}

/**
 * A store over a database. It owns the driver and closes it.
 * @throws {InvalidArgumentError} when the database is no store, damaged, or of a newer version
 * @throws {ConnectionError} when it cannot be used now: locked, full
 */
export function openSqliteStore(driver: SqlDriver, options: SqlStoreOptions): Store {
  const { where, dedupeIds = DEFAULT_LIMITS.dedupeIds, clock = systemClock, sizes = SIZES, onClose } = options;
  try {
    migrate(driver, where);
    const turn = new Turn(driver, where, clock);
    const names = new Names(turn);
    const counters = new Counters(turn);
    const journal = new Journal(turn, sizes);
    const log = new SqlLog(turn, names, counters, journal, sizes);
    const dedupe = new SqlDedupe(turn, names, counters, journal, sizes, dedupeIds);
    const kv = new SqlKv(turn, names, counters, sizes);
    const tasks = new SqlTasks(turn);
    // Last, for the others name things, note changes and set counters while they are saved.
    turn.join(names);
    turn.join(journal);
    turn.join(counters);
    let isOpen = true;
    return {
      log,
      dedupe,
      kv,
      tasks,
      isVolatile: false,
      flush: () => turn.flush(),
      fault: () => turn.fault(),
      [Symbol.asyncDispose]: () => {
        if (!isOpen) return Promise.resolve();
        isOpen = false;
        return new Promise((resolve) => {
          try {
            turn.flush();
          } finally {
            driver.close();
            onClose?.();
          }
          resolve();
        });
      },
    };
  } catch (error) {
    // A turn says "cannot write"; here nothing has been opened yet.
    throw openError(where, error instanceof ConnectionError ? error.cause : error);
  }
}
