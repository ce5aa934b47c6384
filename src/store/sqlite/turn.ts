// edge: no Deno, Bun, node: or cloudflare: names
import type { Clock } from "../../base/clock.ts";
import type { ConnectionError } from "../../errors.ts";
import type { SqlDriver, SqlRow, SqlStatement, SqlValue } from "./driver.ts";
import { type Fault, faultOf, writeError } from "./faults.ts";

const PROBE_MS = 1000;
/** More than a page: a database that is only just full must not look healed because a small row fits. */
const PROBE_BYTES = 65_536;

/** A part of the store that remembers what it has not written yet. */
export interface Part {
  /** Writes everything that is not written. */
  save(): void;
  /** All that was written is durable. */
  saved(): void;
  /** All since the last `saved` is undone: forgets whatever it holds. */
  drop(): void;
}

/**
 * The transaction of one turn: begun by its first write, committed by `flush`. When anything fails it is undone as a
 * whole, and changes are refused until a probe, at most one a second, could write again.
 */
export class Turn {
  readonly #driver: SqlDriver;
  readonly #where: string;
  readonly #clock: Pick<Clock, "now">;
  readonly #parts: Part[] = [];
  #isOpen = false;
  #isChanged = false;
  /** Why this turn cannot be flushed: somebody's change went with a failure that somebody else has heard of. */
  #poison: ConnectionError | undefined;
  #fault: (Fault & { readonly cause: unknown }) | undefined;
  #triedAt = 0;

  constructor(driver: SqlDriver, where: string, clock: Pick<Clock, "now">) {
    this.#driver = driver;
    this.#where = where;
    this.#clock = clock;
  }

  /** Parts are saved in the order in which they join. */
  join(part: Part): void {
    this.#parts.push(part);
  }

  /**
   * A statement that only reads. In a turn that has changed something it is a part of the transaction, which is going to be
   * begun anyway: a reading transaction of its own costs more than the reading.
   */
  reader(sql: string): Pick<SqlStatement, "all"> {
    return this.#guard(this.#driver.prepare(sql), () => {
      if (this.#isChanged && !this.#fault) this.#begin();
    });
  }

  /** A statement that writes: it begins the turn's transaction. */
  writer(sql: string): SqlStatement {
    return this.#guard(this.#driver.prepare(sql), () => this.#begin());
  }

  #guard(statement: SqlStatement, before: () => void): SqlStatement {
    return {
      all: <R = SqlRow>(...args: SqlValue[]): R[] => {
        try {
          before();
          return statement.all<R>(...args);
        } catch (error) {
          throw this.#fail(error);
        }
      },
      run: (...args: SqlValue[]): void => {
        try {
          before();
          statement.run(...args);
        } catch (error) {
          throw this.#fail(error);
        }
      },
    };
  }

  #begin(): void {
    if (this.#isOpen) return;
    this.#driver.begin();
    this.#isOpen = true;
  }

  /** To be called before every change. Throws while changes cannot be kept. */
  change(): void {
    this.#isChanged = true;
    if (this.#poison) throw this.#poison;
    if (this.#fault && !this.#heals()) throw writeError(this.#where, this.#fault.reason, this.#fault.cause);
  }

  /** Makes the turn's changes durable. Throws when they are undone. */
  flush(): void {
    if (this.#poison) {
      const error = this.#poison;
      this.#poison = undefined;
      this.#isChanged = false;
      throw error;
    }
    if (!this.#isChanged) return;
    try {
      for (const part of this.#parts) part.save();
      if (this.#isOpen) this.#driver.commit();
    } catch (error) {
      const told = this.#poison ?? this.#fail(error);
      this.#poison = undefined;
      this.#isChanged = false;
      throw told;
    }
    this.#isOpen = false;
    this.#isChanged = false;
    for (const part of this.#parts) part.saved();
  }

  /** Why changes are refused; undefined when they are not. */
  fault(): string | undefined {
    if (this.#fault && !this.#poison) this.#heals();
    return this.#fault?.reason;
  }

  /** Says that what was read makes no sense. */
  damaged(what: string): never {
    throw this.#fail(new Error(`database disk image is malformed: ${what}`));
  }

  #fail(cause: unknown): ConnectionError {
    this.#driver.rollback();
    this.#isOpen = false;
    for (const part of this.#parts) part.drop();
    this.#fault = { ...faultOf(cause), cause };
    this.#triedAt = this.#clock.now();
    return this.#poison = writeError(this.#where, this.#fault.reason, cause);
  }

  /** Whether the fault is over: a row of some size is written for real, and taken away again. */
  #heals(): boolean {
    const now = this.#clock.now();
    // A clock that was set back must not keep the store shut.
    if (!this.#fault!.mayHeal || (now >= this.#triedAt && now - this.#triedAt < PROBE_MS)) return false;
    try {
      this.#transact(`INSERT OR REPLACE INTO probe (id, bytes) VALUES (1, zeroblob(${PROBE_BYTES}))`);
      this.#transact("DELETE FROM probe");
      this.#fault = undefined;
      return true;
    } catch (cause) {
      this.#driver.rollback();
      this.#fault = { ...faultOf(cause), cause };
      // From the end on, for a probe may have waited for a lock.
      this.#triedAt = this.#clock.now();
      return false;
    }
  }

  #transact(sql: string): void {
    this.#driver.begin();
    this.#driver.prepare(sql).run();
    this.#driver.commit();
  }
}
