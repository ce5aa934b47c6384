// edge: no Deno, Bun, node: or cloudflare: names
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/ids.ts";
import type { Logger } from "../base/logger.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Store } from "../store/store.ts";
import type { Counters } from "./counters.ts";

/** What the parts of a gateway share: time, chance, limits, the store, and who wants to write at the end of this turn. */
export interface Core {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly store: Store;
  readonly counters: Counters;
  /** Asks for `session.flush()` at the end of the turn, after the store has made the turn durable. */
  dirty(session: { flush(): void; fail(error: unknown): void }): void;
}
