// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskState } from "./record.ts";

/** Why a task may not begin now. */
export type Blocked =
  /** Nothing of its type may. */
  | { by: "total" }
  /** Nothing with its key may until one of them is over. */
  | { by: "key" }
  /** Not before this moment, ms since epoch. */
  | { by: "rate"; until: number };

interface Bucket {
  tokens: number;
  at: number;
}

/** How many of one type run at once, in all and for each key, and how often they begin. */
export class Limiter {
  #total = 0;
  readonly #perKey = new Map<string, number>();
  readonly #buckets = new Map<string, Bucket>();

  /** How many run. */
  get running(): number {
    return this.#total;
  }

  /** What stands in the way of a task, or undefined. */
  blocked({ concurrency, rateLimit }: TaskState, now: number): Blocked | undefined {
    if (concurrency?.total !== undefined && this.#total >= concurrency.total) return { by: "total" };
    const running = this.#perKey.get(concurrency?.key ?? "") ?? 0;
    if (concurrency?.perKey !== undefined && running >= concurrency.perKey) return { by: "key" };
    if (!rateLimit) return undefined;
    const { tokens } = this.#refill(rateLimit.key ?? "", rateLimit, now);
    return tokens >= 1
      ? undefined
      : { by: "rate", until: now + Math.ceil(((1 - tokens) * 1000) / rateLimit.perSecond) };
  }

  #refill(
    key: string,
    { perSecond, burst = Math.max(1, perSecond) }: { perSecond: number; burst?: number },
    now: number,
  ): Bucket {
    let bucket = this.#buckets.get(key);
    if (!bucket) this.#buckets.set(key, bucket = { tokens: burst, at: now });
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000);
    bucket.at = now;
    return bucket;
  }

  /** A task begins. */
  enter({ concurrency, rateLimit }: TaskState, now: number): void {
    this.#total++;
    const key = concurrency?.key ?? "";
    this.#perKey.set(key, (this.#perKey.get(key) ?? 0) + 1);
    if (rateLimit) this.#refill(rateLimit.key ?? "", rateLimit, now).tokens--;
  }

  /** It is over, or was taken back. */
  leave({ concurrency }: TaskState): void {
    this.#total--;
    const key = concurrency?.key ?? "";
    const left = (this.#perKey.get(key) ?? 1) - 1;
    if (left > 0) this.#perKey.set(key, left);
    else this.#perKey.delete(key);
  }
}
