// edge: no Deno, Bun, node: or cloudflare: names
import type { RetryPolicy } from "../../protocol/tasks.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** How long to wait before the next attempt, after so many failures; `chance` is in [0, 1). */
export function retryDelayMs(policy: RetryPolicy, failures: number, chance: number): number {
  if (policy.scheduleMs && policy.scheduleMs.length > 0) {
    return policy.scheduleMs[Math.min(failures, policy.scheduleMs.length) - 1];
  }
  const { initialDelayMs = FIRST_MS, maxDelayMs = LONGEST_MS, backoff = "exponential", jitter = 0.2 } = policy;
  const grown = backoff === "fixed" ? initialDelayMs : initialDelayMs * 2 ** Math.min(failures - 1, 40);
  const wait = Math.min(grown, maxDelayMs);
  // Between (1 - jitter) and 1 of the wait, so that maxDelayMs stays the longest.
  return Math.round(wait * (1 - jitter * chance));
}
