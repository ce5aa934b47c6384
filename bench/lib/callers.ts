/** Callers who do one thing again and again, each waiting for its end. */
import process from "node:process";
import { pause, percentile } from "./measure.ts";
import { rateOf } from "./rates.ts";
import type { Figures, Setting, Work } from "./scenario.ts";

/** Compilers need this long before the first figure of a kind, in ms. */
const WARM_MS = 1000;
/** A control gives way to timers this often, in ms. */
const TURN_MS = 5;

/** How often a second, by so many callers at a time, and what one costs. */
async function calls(name: string, work: Work, callers: number, setting: Costed, warmMs: number): Promise<Figures> {
  let done = 0;
  let over = false;
  const caller = async (call: () => Promise<unknown>): Promise<void> => {
    while (!over) {
      await call();
      done++;
    }
  };
  const groups = async (group: (count: number) => void): Promise<void> => {
    while (!over) {
      for (const end = performance.now() + TURN_MS; performance.now() < end; done += callers) group(callers);
      await pause(0);
    }
  };
  const { call, group } = work;
  const all = group ? groups(group) : Promise.all(Array.from({ length: callers }, () => caller(call!)));
  // A caller that fails ends the measuring.
  const figures = await Promise.race([rateOf(name, () => done, setting, warmMs), all.then(() => ({}))]);
  over = true;
  await all;
  return figures;
}

/** How long one figure takes, and what both sides have cost so far. */
type Costed = Pick<Setting, "ms" | "cost">;

/** A profile is of one figure: the others are not taken then. */
export function isWanted(figure: string): boolean {
  return (process.env.FIGURE ?? figure) === figure;
}

/**
 * Figures `<name>_<callers>_per_s`, and of the most callers what one call costs both sides in CPU. Many callers come first: they warm up what is to be measured, so that fewer need a
 * quarter of the time for it.
 */
export async function ratesOf(
  name: string,
  work: Work,
  setting: Costed,
  { many = [100, 10, 1], warmMs = Math.max(setting.ms, WARM_MS) }: { many?: readonly number[]; warmMs?: number } = {},
): Promise<Figures> {
  const figures: Figures = {};
  for (const [at, callers] of many.entries()) {
    const figure = `${name}_${callers}`;
    if (!isWanted(`${figure}_per_s`)) continue;
    const found = await calls(figure, work, callers, setting, at === 0 ? warmMs : setting.ms / 4);
    if (at === 0) Object.assign(figures, found);
    else figures[`${figure}_per_s`] = found[`${figure}_per_s`];
  }
  return figures;
}

/** How long one takes when nothing else is under way, and how many a second that is; what does it is warm already. */
export async function oneAtATime(name: string, { call }: Work, ms: number): Promise<Figures> {
  if (!isWanted(`${name}_1_per_s`)) return {};
  const times: number[] = [];
  const begin = performance.now();
  for (let now = begin; now - begin < 1.25 * ms;) {
    await call!();
    const after = performance.now();
    if (now - begin > ms / 4) times.push((after - now) * 1000);
    now = after;
  }
  const total = times.reduce((sum, time) => sum + time, 0);
  return {
    [`${name}_p50_us`]: percentile(times, 0.5),
    [`${name}_p90_us`]: percentile(times, 0.9),
    [`${name}_p99_us`]: percentile(times, 0.99),
    [`${name}_1_per_s`]: (times.length * 1e6) / total,
  };
}
