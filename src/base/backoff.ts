// edge: no Deno, Bun, node: or cloudflare: names
/** How waiting grows from attempt to attempt. */
export interface BackoffPolicy {
  /** Upper bound of the first wait, in milliseconds. */
  initialMs: number;
  /** Upper bound of every wait, in milliseconds. */
  maxMs: number;
  /** Factor from one attempt to the next. */
  multiplier: number;
}

/**
 * Full jitter: a wait drawn evenly from [0, bound], the bound growing by attempt (1, 2, 3 …). Of the simple schemes it
 * spreads a crowd of clients best (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
 */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: number): number {
  const bound = Math.min(policy.maxMs, policy.initialMs * policy.multiplier ** Math.max(0, attempt - 1));
  return Math.floor(bound * random);
}
