/** Nanoseconds of one operation, and of a control loop that runs right before it. */
import { median } from "../lib/measure.ts";

/** One part of the hot path; `run` does it so many times. */
export interface MicroCase {
  readonly name: string;
  readonly run: (times: number) => void;
}

/** What was found of one. */
export interface MicroRow {
  readonly name: string;
  /** Medians of the rounds. */
  readonly ns: number;
  readonly controlNs: number;
  /** Of the ratios of the rounds, not of the medians: whatever slows a round down slows both. */
  readonly ratio: number;
  readonly ratioSpread: readonly [least: number, most: number];
}

const KEYS = 64;
const BYTES = 256;

/** What every machine and runtime has to do: look a short text up, copy 256 bytes to where it says. */
export function controlLoop(): MicroCase {
  const keys = Array.from({ length: KEYS }, (_, at) => `ag::prod::worker::${at}`);
  const places = new Map(keys.map((key, at) => [key, at * BYTES]));
  const from = new Uint8Array(BYTES).fill(7);
  const to = new Uint8Array(BYTES * KEYS);
  const run = (times: number): void => {
    for (let at = 0; at < times; at++) to.set(from, places.get(keys[at % KEYS])!);
  };
  return { name: "control", run };
}

/** How often `run` fits into `ms`, in steps that grow. */
function nanoseconds({ run }: MicroCase, ms: number): number {
  let times = 64;
  for (;;) {
    const start = performance.now();
    run(times);
    const took = performance.now() - start;
    if (took >= ms) return (took * 1e6) / times;
    times = Math.ceil(times * Math.min(16, Math.max(1.5, (1.2 * ms) / Math.max(took, 0.01))));
  }
}

/** Measures all of them, in alternating order, each beside the control. */
export function measureAll(cases: readonly MicroCase[], rounds: number, ms: number): MicroRow[] {
  const control = controlLoop();
  const found = new Map<string, [ns: number, control: number][]>();
  for (const one of [control, ...cases]) nanoseconds(one, ms);
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 ? cases.toReversed() : cases) {
      const beside = nanoseconds(control, ms / 2);
      const ns = nanoseconds(one, ms);
      const own = found.get(one.name) ?? [];
      found.set(one.name, own);
      own.push([ns, (beside + nanoseconds(control, ms / 2)) / 2]);
    }
  }
  return cases.map(({ name }) => {
    const pairs = found.get(name)!;
    const ratios = pairs.map(([ns, control]) => ns / control);
    return {
      name,
      ns: median(pairs.map(([ns]) => ns)),
      controlNs: median(pairs.map(([, control]) => control)),
      ratio: median(ratios),
      ratioSpread: [Math.min(...ratios), Math.max(...ratios)],
    };
  });
}
