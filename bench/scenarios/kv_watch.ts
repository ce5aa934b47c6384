/** Changes that watchers hear of: `kv_watch:<watchers>`, all on one connection with the writer. */
import { pause, percentile, ratePerSecond } from "../lib/measure.ts";
import { type Figures, KEY_PREFIX, payload, type Setting } from "../lib/scenario.ts";

const WRITERS = 100;

/**
 * How long a change takes from the call that writes until all watchers have it, one at a time; and how many changes a second
 * are heard of with a hundred writers. Whoever watches may hear of the last of several quick changes only.
 */
export async function run({ works, option, ms }: Setting): Promise<Figures> {
  const watchers = Number(option) || 1;
  const { watch, set } = await works();
  const bytes = payload();
  let heard = 0;
  let all = (): void => {};
  await set!(`${KEY_PREFIX}first`, bytes);
  await watch!(watchers, () => {
    if (++heard % watchers === 0) all();
  });
  for (const end = performance.now() + 5000; heard < watchers && performance.now() < end;) await pause(5);
  const times: number[] = [];
  const begin = performance.now();
  for (let at = 0, now = begin; now - begin < 2 * ms; at++) {
    const done = new Promise<void>((resolve) => (all = resolve));
    await Promise.all([set!(`${KEY_PREFIX}one${at % WRITERS}`, bytes), done]);
    const after = performance.now();
    if (now - begin > ms) times.push((after - now) * 1000);
    now = after;
  }
  all = () => {};
  let over = false;
  let written = 0;
  const writer = async (_: unknown, at: number): Promise<void> => {
    for (let turn = 0; !over; turn++, written++) await set!(`${KEY_PREFIX}${at}.${turn % 10}`, bytes);
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, writer));
  const before = { written, heard, at: performance.now() };
  const rate = await Promise.race([ratePerSecond(() => heard, ms), writers.then(() => NaN)]);
  const puts = ((written - before.written) * 1000) / (performance.now() - before.at);
  over = true;
  await writers;
  return {
    change_p50_us: percentile(times, 0.5),
    change_p90_us: percentile(times, 0.9),
    change_p99_us: percentile(times, 0.99),
    changes_per_s: rate,
    watched_put_100_per_s: puts,
  };
}
