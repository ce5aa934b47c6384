// edge: no Deno, Bun, node: or cloudflare: names
import type { RateLimit } from "../../protocol/tasks.ts";
import type { TaskState } from "./record.ts";

/** Why a task may not begin now: nothing of its type may, nothing with its key may, or not before `until`. */
export type Blocked = { by: "total" } | { by: "key" } | { by: "rate"; until: number };

const TOTAL: Blocked = { by: "total" };
const KEY: Blocked = { by: "key" };

/** How many of one type run at once, in all and for each key, and how often they begin. */
export class Limiter {
  #total = 0;
  readonly #perKey = new Map<string, number>();
  /**
   * When each bucket will be full again, ms since epoch: that one number says how many tokens it has, for each token
   * brings it forward by the time that one takes to come (the generic cell rate algorithm, ITU-T I.371).
   */
  readonly #fullAt = new Map<string, number>();

  /** How many run. */
  get running(): number {
    return this.#total;
  }

  /** What stands in the way of a task, or undefined. */
  blocked({ concurrency, rateLimit }: TaskState, now: number): Blocked | undefined {
    if (concurrency?.total !== undefined && this.#total >= concurrency.total) return TOTAL;
    if (concurrency?.perKey !== undefined) {
      const running = this.#perKey.get(concurrency.key ?? "") ?? 0;
      if (running >= concurrency.perKey) return KEY;
    }
    if (!rateLimit) return undefined;
    const { perSecond, burst = Math.max(1, perSecond), key = "" } = rateLimit;
    const until = (this.#fullAt.get(key) ?? now) - ((burst - 1) * 1000) / perSecond;
    // Half a thousandth of a millisecond is rounding, not time.
    return until <= now + 0.0005 ? undefined : { by: "rate", until: Math.ceil(until) };
  }

  /** A task begins. */
  enter({ concurrency, rateLimit }: TaskState, now: number): void {
    this.#total++;
    if (concurrency) {
      const { key = "" } = concurrency;
      this.#perKey.set(key, (this.#perKey.get(key) ?? 0) + 1);
    }
    if (rateLimit) this.#spend(rateLimit, now);
  }

  #spend({ key = "", perSecond }: RateLimit, now: number): void {
    this.#fullAt.set(key, Math.max(now, this.#fullAt.get(key) ?? now) + 1000 / perSecond);
  }

  /** It is over, or was taken back. */
  leave({ concurrency }: TaskState): void {
    this.#total--;
    if (!concurrency) return;
    const { key = "" } = concurrency;
    const left = (this.#perKey.get(key) ?? 1) - 1;
    if (left > 0) this.#perKey.set(key, left);
    else this.#perKey.delete(key);
  }

  /** Forgets buckets that are full. True when there is nothing left to know. */
  sweep(now: number): boolean {
    for (const [key, at] of this.#fullAt) if (at <= now) this.#fullAt.delete(key);
    return this.#total === 0 && this.#fullAt.size === 0;
  }
}
