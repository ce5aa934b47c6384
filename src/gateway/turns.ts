// edge: no Deno, Bun, node: or cloudflare: names
import type { EndOfTurn } from "../base/clock.ts";
import type { MaybePromise, Store } from "../store/store.ts";

/** Who wants to write at the end of the turn. */
export interface Writer {
  /** Closes what was written in this turn. */
  seal(): void;
  /** Sends what was sealed: it is durable now. */
  release(): void;
  fail(error: unknown): void;
}

/** Operations after which a turn ends early. */
const MOST = 64;

/**
 * Group commit: everything of a turn of the event loop is made durable at once, and only then do receipts, replies and
 * deliveries of that turn leave.
 */
export class Turns {
  readonly #store: Store;
  readonly #endOfTurn: EndOfTurn;
  readonly #broken: (error: unknown) => void;
  readonly #before: (() => void)[] = [];
  #writers: Writer[] = [];
  #isScheduled = false;
  /** A commit is under way, and another turn has ended meanwhile. */
  #isUnderWay = false;
  #isLate = false;
  /** Operations done in this turn, or since it was ended early. */
  #done = 0;

  constructor(store: Store, endOfTurn: EndOfTurn, broken: (error: unknown) => void) {
    this.#store = store;
    this.#endOfTurn = endOfTurn;
    this.#broken = broken;
  }

  /** Asks to be released at the end of the turn. */
  enqueue(writer: Writer): void {
    this.#writers.push(writer);
    this.schedule();
  }

  /** Asks for a commit at the end of the turn, whether or not anybody writes. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#endOfTurn(this.#commit);
  }

  /**
   * An operation was done. After some of them the turn ends early: who hears of those may work while the rest is done here.
   */
  done(weight = 1): void {
    this.#done += weight;
    if (this.#done < MOST || !this.#isScheduled) return;
    this.#commit();
    // What ends the turn in time is still to come.
    this.#isScheduled = true;
  }

  /** Has something done before every commit. */
  beforeCommit(run: () => void): void {
    this.#before.push(run);
  }

  /** Makes everything so far durable, now. Throws or rejects when that failed, for all who have changed something since the last time. */
  commit(): MaybePromise<void> {
    try {
      for (const run of this.#before) run();
      const durable = this.#store.flush();
      return durable instanceof Promise ? durable.catch((error) => this.#fail(error)) : durable;
    } catch (error) {
      return this.#fail(error);
    }
  }

  readonly #commit = (): void => {
    if (this.#isUnderWay) {
      this.#isLate = true;
      return;
    }
    this.#done = 0;
    // Those who come while a commit is under way belong to the next one: what they wrote may not be in this one.
    const writers = this.#writers;
    this.#writers = [];
    try {
      for (const writer of writers) writer.seal();
      const durable = this.commit();
      this.#isUnderWay = durable instanceof Promise;
      if (durable instanceof Promise) durable.then(() => this.#write(writers), () => {});
      else this.#write(writers);
    } catch {
      // It was said already, and nobody who wrote in this turn may hear that all is well.
    }
  };

  #write(writers: Writer[]): void {
    this.#isScheduled = this.#isUnderWay = false;
    for (const writer of writers) {
      try {
        writer.release();
      } catch (error) {
        writer.fail(error);
      }
    }
    if (this.#writers.length > 0 || this.#isLate) this.schedule();
    this.#isLate = false;
  }

  #fail(error: unknown): never {
    this.#isScheduled = this.#isUnderWay = false;
    this.#writers = [];
    this.#broken(error);
    throw error;
  }
}
