/** Small numbers work: percentiles, pauses, counts over a stretch of time. */

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The value below which a share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** The middle value; of an even count, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How much a counter grows per second, after a warm-up of the same length if nothing else is said. */
export async function ratePerSecond(count: () => number, ms: number, warmMs = ms): Promise<number> {
  await pause(warmMs);
  const before = count();
  const start = performance.now();
  await pause(ms);
  const rate = ((count() - before) * 1000) / (performance.now() - start);
  if (rate === 0) throw new Error("nothing was delivered while measuring");
  return rate;
}
