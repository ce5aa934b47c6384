/**
 * Fails when a part of the hot path, or a cell of the short run, is much slower beside its control than it was in the run that
 * bench/guard.json comes from. `bun run bench/guard.ts`: the micro suite and a few cells, a minute; with `GUARD=short` all cells
 * of the short run; `--write` lowers its bounds to what it measures.
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { command, ROOT, type Runtime } from "./lib/child.ts";
import { type Controls, guarded, type Ratio, ratiosOf } from "./lib/guarded.ts";
import { describe } from "./lib/machine.ts";
import type { MicroRow } from "./micro/loop.ts";

interface Bounds {
  readonly from: unknown;
  /** How many times as bad a ratio may be. */
  readonly margin: number;
  readonly bounds: readonly Ratio[];
}

/** Something that is measured again when it is worse. */
interface Source {
  measure(round: number): Promise<Ratio[]>;
}

const FILE = new URL("guard.json", import.meta.url);
const MARGIN = 2;
const RUNS = 3;
const WAY = { ms: 150, timeoutMs: 30_000 };
const BOTH: readonly Runtime[] = ["bun", "deno"];

const began = performance.now();
const isWriting = process.argv.includes("--write");
const isShort = isWriting || process.env.GUARD === "short";
const controls: Controls = new Map();
const sources: Source[] = [
  ...BOTH.map((runtime) => ({ measure: () => micro(runtime) })),
  ...guarded(!isShort).map((one) => ({
    measure: (round: number) => ratiosOf(one, WAY, round % 2 === 1, controls),
  })),
];

if (isWriting) await write();
else await check();

/** The middle of some runs is the bound: what a quiet moment gives would be noise's to break. */
/** A bound is lowered, or new, never raised: noise of one run must not loosen what another has held. To raise one, take it out first. */
async function write(): Promise<void> {
  const { from, bounds: stood }: Bounds = JSON.parse(fs.readFileSync(FILE, "utf8"));
  const least = new Map(stood.map(({ name, ratio }) => [name, ratio]));
  const found = new Map<string, number[]>();
  for (let round = 0; round < RUNS; round++) {
    for (const source of sources) {
      for (const { name, ratio } of await source.measure(round)) found.set(name, [...found.get(name) ?? [], ratio]);
    }
  }
  const bounds = [...found].map(([name, ratios]) => {
    const middle = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)];
    return { name, ratio: Math.min(Number(middle.toPrecision(3)), least.get(name) ?? Infinity) };
  });
  const runs = [from, describe()].flat();
  fs.writeFileSync(FILE, `${JSON.stringify({ from: runs, margin: MARGIN, bounds }, null, 1)}\n`);
  console.log(`${bounds.length} bounds written, ${seconds()} s`);
}

async function check(): Promise<void> {
  const { margin, bounds } = JSON.parse(fs.readFileSync(FILE, "utf8")) as Bounds;
  const known = new Map(bounds.map(({ name, ratio }) => [name, ratio]));
  let count = 0;
  const failed: string[] = [];
  for (const source of sources) {
    // A machine that was busy for a moment gets more chances, a change that made things slow does not.
    let worse = new Set<string>();
    for (let round = 0; round === 0 || (worse.size > 0 && round < RUNS); round++) {
      const ratios = await source.measure(round).catch((error: Error) => error);
      if (ratios instanceof Error) {
        // As little as a figure that is worse does a process that hangs once say of the change.
        console.log(`failed ${ratios.message}`);
        worse = new Set([ratios.message]);
        continue;
      }
      if (round === 0) count += ratios.length;
      const now = ratios.filter((one) => isWorse(one, known.get(one.name), margin)).map(({ name }) => name);
      worse = new Set(now.filter((name) => round === 0 || worse.has(name)));
    }
    failed.push(...worse);
  }
  for (const name of failed) {
    console.log(`FAILED ${name}: worse than ${margin} times its bound or not measured, ${RUNS} times`);
  }
  console.log(`bench: ${count} ratios, ${failed.length} worse, ${seconds()} s`);
  console.log(`${failed.length ? 0 : 1} passed, ${failed.length ? 1 : 0} failed, 0 skipped`);
  process.exit(failed.length ? 1 : 0);
}

/** What has no bound yet is worse: who adds a figure writes its bound. */
function isWorse({ name, ratio }: Ratio, bound: number | undefined, margin: number): boolean {
  const times = bound === undefined ? NaN : ratio / bound;
  const isWorse = !(times <= margin);
  console.log(
    `${isWorse ? "worse " : "ok    "}${name.padEnd(56)}${ratio.toPrecision(3).padStart(8)}  bound ${bound}  ×${
      times.toFixed(2)
    }`,
  );
  return isWorse;
}

/** The best of its rounds counts: what else the machine does makes a round worse. */
async function micro(runtime: Runtime): Promise<Ratio[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-guard-"));
  const file = path.join(folder, "micro.json");
  const [binary, ...args] = [...command(runtime), "bench/micro.ts"];
  const env = { ...process.env, ROUNDS: "5", MS: "8", OUT: file, ONLY: undefined };
  try {
    await promisify(execFile)(binary, args, { cwd: ROOT, env, timeout: 30_000, killSignal: "SIGKILL" });
    const { rows } = JSON.parse(fs.readFileSync(file, "utf8")) as { rows: MicroRow[] };
    return rows.map(({ name, ratioSpread }) => ({ name: `micro ${runtime} ${name}`, ratio: ratioSpread[0] }));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function seconds(): string {
  return ((performance.now() - began) / 1000).toFixed(0);
}
