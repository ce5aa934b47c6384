// edge: no Deno, Bun, node: or cloudflare: names
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { Limits } from "../protocol/limits.ts";
import type { MaybePromise, Store } from "../store/store.ts";
import type { Counters } from "./counters.ts";
import type { StreamRouter } from "./streams.ts";
import type { Writer } from "./turns.ts";

/** What the parts of a gateway share: time, chance, limits, the store, and who wants to write at the end of this turn. */
export interface Core {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly store: Store;
  readonly counters: Counters;
  /** Joins streams of one client to those of another. */
  readonly splicer: StreamRouter;
  /** Asks for `release()` at the end of the turn, after the store has made the turn durable. */
  dirty(writer: Writer): void;
  /** Makes everything so far durable, now. */
  commit(): MaybePromise<void>;
  /** Has something done before every commit: what is kept of a turn is written once, however often it changed. */
  beforeCommit(run: () => void): void;
  /** Asks for a commit at the end of the turn, when the store was changed and nobody writes. */
  commitSoon(): void;
  /** An operation was done: after some of them the turn ends early. */
  done(weight?: number): void;
  /** Asks to be woken at a moment, ms since epoch: time has work to do then. */
  wakeAt(at: number): void;
}
