/**
 * Fails when a part of the hot path, or a short cell, is much slower beside its control than it was in the run that
 * bench/guard.json comes from. `bun run bench/guard.ts`, half a minute; `--write` makes that file anew.
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { type Cell, measure } from "./lib/cell.ts";
import { command, ROOT, type Runtime } from "./lib/child.ts";
import { describe } from "./lib/machine.ts";
import type { MicroRow } from "./micro/loop.ts";

interface Bound {
  readonly name: string;
  /** Time of ours to that of the control. */
  readonly ratio: number;
}
interface Bounds {
  readonly from: unknown;
  /** How many times as bad a ratio may be. */
  readonly margin: number;
  readonly bounds: readonly Bound[];
}

const FILE = new URL("guard.json", import.meta.url);
const MARGIN = 2;
const ROUNDS = 3;
const MS = 200;
const CELL_MS = 15_000;
const BOTH: readonly Runtime[] = ["bun", "deno"];
/**
 * Cells whose control is cheap to run, and what is counted there. What is held against the control is CPU of both sides for
 * one: on a busy machine a rate tells who was given the cores rather than who needs them.
 */
const CELLS: readonly (readonly [cell: Cell, figure: string])[] = BOTH.flatMap((runtime) => [
  [{ scenario: "relay", gateway: runtime, clients: runtime, store: "memory" }, "messages"],
  [{ scenario: "durable_send", gateway: runtime, clients: "bun", store: "sqlite" }, "send_100"],
]);

const began = performance.now();
const isWriting = process.argv.includes("--write");
const machine = describe();
const found = await measured();
if (isWriting) {
  // What a quiet moment gives now would be noise's to break: the middle of three runs is the bound.
  const runs = [found, await measured(), await measured()];
  const bounds = found.map(({ name }) => {
    const ratios = runs.map((run) => run.find((one) => one.name === name)!.ratio).sort((a, b) => a - b);
    return { name, ratio: Number(ratios[1].toPrecision(3)) };
  });
  fs.writeFileSync(FILE, `${JSON.stringify({ from: machine, margin: MARGIN, bounds }, null, 1)}\n`);
  console.log(`${bounds.length} bounds written`);
  process.exit(0);
}
const { margin, bounds } = JSON.parse(fs.readFileSync(FILE, "utf8")) as Bounds;
let worse = compare(found);
// A machine that was busy for a moment gets a second chance, a change that made things slow does not.
if (worse.length > 0) {
  const again = compare(await measured());
  worse = worse.filter((name) => again.includes(name));
}
for (const name of worse) console.log(`FAILED ${name}: worse than ${margin} times its bound, twice`);
console.log(`bench: ${bounds.length} ratios, ${worse.length} worse, ${seconds()} s`);
console.log(`${worse.length ? 0 : 1} passed, ${worse.length ? 1 : 0} failed, 0 skipped`);
process.exit(worse.length ? 1 : 0);

/** Names of those that are beyond their bounds. */
function compare(now: readonly Bound[]): string[] {
  return bounds.filter(({ name, ratio }) => {
    const own = now.find((one) => one.name === name)?.ratio ?? NaN;
    const times = own / ratio;
    const isWorse = !(times <= margin);
    console.log(
      `${isWorse ? "worse " : "ok    "}${name.padEnd(40)}${own.toPrecision(3).padStart(8)}  bound ${ratio}  ×${
        times.toFixed(2)
      }`,
    );
    return isWorse;
  }).map(({ name }) => name);
}

/** The best of the rounds counts: what else the machine does makes a round worse. */
async function measured(): Promise<Bound[]> {
  const all: Bound[] = [];
  for (const runtime of BOTH) {
    for (const { name, ratioSpread } of await micro(runtime)) {
      all.push({ name: `micro ${runtime} ${name}`, ratio: ratioSpread[0] });
    }
  }
  const best = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [cell, figure] of CELLS) {
      const name = `${cell.scenario} ${cell.gateway}/${cell.clients} CPU`;
      const cost = async (fabric: "ours" | "control"): Promise<number> => {
        const figures = await measure(cell, fabric, { ms: MS, timeoutMs: CELL_MS });
        return figures[`${figure}_server_us`] + figures[`${figure}_client_us`];
      };
      const [first, second] = round % 2 ? ["control", "ours"] as const : ["ours", "control"] as const;
      const costs = { [first]: await cost(first), [second]: await cost(second) };
      best.set(name, Math.min(best.get(name) ?? Infinity, costs.ours / costs.control));
    }
  }
  return [...all, ...[...best].map(([name, ratio]) => ({ name, ratio }))];
}

async function micro(runtime: Runtime): Promise<readonly MicroRow[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-guard-"));
  const file = path.join(folder, "micro.json");
  const [binary, ...args] = [...command(runtime), "bench/micro.ts"];
  const env = { ...process.env, ROUNDS: "5", MS: "8", OUT: file, ONLY: undefined };
  try {
    await promisify(execFile)(binary, args, { cwd: ROOT, env, timeout: 30_000, killSignal: "SIGKILL" });
    return (JSON.parse(fs.readFileSync(file, "utf8")) as { rows: MicroRow[] }).rows;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function seconds(): string {
  return ((performance.now() - began) / 1000).toFixed(0);
}
