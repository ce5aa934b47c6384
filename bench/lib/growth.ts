/** How the time of one operation grows with what is there already. */

/** One thing that grows. */
export interface Series {
  readonly name: string;
  readonly runtime: string;
  /** What there is more and more of. */
  readonly of: string;
  readonly points: readonly { readonly at: number; readonly us: number }[];
  /** Time at the most to time at the least: 1 is flat. */
  readonly ratio: number;
  /** Of the line through the logarithms: 0 is flat, 1 is linear. */
  readonly slope: number;
}

/** Counts both figures. */
export function seriesOf(name: string, runtime: string, of: string, points: { at: number; us: number }[]): Series {
  const sorted = points.toSorted((a, b) => a.at - b.at);
  const [x, y] = [sorted.map(({ at }) => Math.log(at)), sorted.map(({ us }) => Math.log(us))];
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const up = x.reduce((sum, value, at) => sum + (value - mx) * (y[at] - my), 0);
  const down = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
  return { name, runtime, of, points: sorted, ratio: sorted.at(-1)!.us / sorted[0].us, slope: up / down };
}
