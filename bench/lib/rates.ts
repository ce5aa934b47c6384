/** Rates with what they cost. */
import { pause } from "./measure.ts";
import type { Figures, Setting } from "./scenario.ts";

/**
 * How much a counter grows per second, and what one step costs both sides in CPU: `<name>_per_s`, `<name>_server_us`,
 * `<name>_client_us`. The warm-up is as long as the measurement, if nothing else is said.
 */
export async function rateOf(
  name: string,
  count: () => number,
  { ms, cost }: Pick<Setting, "ms" | "cost">,
  warmMs = ms,
): Promise<Figures> {
  await pause(warmMs);
  const [before, paid, start] = [count(), cost(), performance.now()];
  await pause(ms);
  const [done, spent, elapsed] = [count() - before, cost(), performance.now() - start];
  if (done === 0) throw new Error("nothing was delivered while measuring");
  const figures: Figures = { [`${name}_per_s`]: (done * 1000) / elapsed };
  if (paid && spent) {
    figures[`${name}_server_us`] = (spent.server - paid.server) / done;
    figures[`${name}_client_us`] = (spent.client - paid.client) / done;
  }
  return figures;
}
