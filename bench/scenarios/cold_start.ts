/** From the start of a process: until a server listens, and until a fresh client has its first welcome. */
import { percentile } from "../lib/measure.ts";
import type { Figures, Setting } from "../lib/scenario.ts";

const STARTS = 5;

/** The middle of five starts; the server is started once a sample. */
export async function run({ coldStart, bootMs }: Setting): Promise<Figures> {
  const times: number[] = [];
  for (let at = 0; at < STARTS; at++) times.push(await coldStart("join"));
  return { boot_ms: bootMs, welcome_ms: percentile(times, 0.5) };
}
