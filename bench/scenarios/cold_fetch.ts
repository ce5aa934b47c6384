/** From the start of a client process until its first answer over HTTP. */
import { percentile } from "../lib/measure.ts";
import type { Figures, Setting } from "../lib/scenario.ts";

const STARTS = 5;

/** The middle of five starts. Ours fetches over a connection of its own, which it has to make first. */
export async function run({ coldStart }: Setting): Promise<Figures> {
  const times: number[] = [];
  for (let at = 0; at < STARTS; at++) times.push(await coldStart("fetch"));
  return { first_answer_ms: percentile(times, 0.5) };
}
