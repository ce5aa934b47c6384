/**
 * The matrix: scenario × runtime of the gateway × runtime of the clients. `ROUNDS` (3), `MS` per figure (250) and `ONLY`
 * (a scenario's name) may be set in the environment. See bench/README.md.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import { type Cell, type Fabric, measure, type Runtime } from "./lib/cell.ts";
import { type CellResult, rowsOf, table } from "./lib/report.ts";
import { prepare } from "./peers/nats.ts";
import { measureSize, sizeLine } from "./size.ts";

const ROUNDS = whole("ROUNDS", 3);
const MS = whole("MS", 250);
const ONLY = process.env.ONLY;
const RUNTIMES: readonly Runtime[] = ["bun", "deno"];

const began = performance.now();
const nats = prepare();
if ("reason" in nats) console.log(`NATS skipped: ${nats.reason}`);
const size = await measureSize();
const results: CellResult[] = cells().map((cell) => ({ ...cell, samples: {}, errors: [] }));
for (let round = 0; round < ROUNDS; round++) {
  for (const result of results) for (const fabric of fabricsOf(result, round)) await sample(result, fabric);
  console.error(`round ${round + 1} of ${ROUNDS}: ${Math.round((performance.now() - began) / 1000)} s`);
}

const rows = results.flatMap(rowsOf);
console.log(`${table(rows)}\n${sizeLine(size)}`);
for (const { errors } of results) for (const error of errors) console.log(error);
const { machine, date } = describe();
console.log(JSON.stringify(machine));
if (!ONLY) {
  const directory = new URL("results/", import.meta.url);
  fs.mkdirSync(directory, { recursive: true });
  const all = { machine, rounds: ROUNDS, msPerFigure: MS, size, rows, cells: results };
  fs.writeFileSync(new URL(`${date}-fabric.json`, directory), `${JSON.stringify(all, null, 1)}\n`);
}
process.exit(results.some(({ errors }) => errors.length > 0) ? 1 : 0);

function cells(): Cell[] {
  const all: Cell[] = [];
  for (const scenario of ["round_trip", "relay", "fan_out", "idle_memory"]) {
    if (ONLY && ONLY !== scenario) continue;
    for (const gateway of RUNTIMES) {
      // Who holds the other end of an idle connection does not matter to the gateway.
      const holders: readonly Runtime[] = scenario === "idle_memory" ? ["bun"] : RUNTIMES;
      for (const clients of holders) all.push({ scenario, gateway, clients });
    }
  }
  return all;
}

/** Whose turn it is: the order alternates, so that a drifting machine favours nobody. */
function fabricsOf({ scenario }: Cell, round: number): Fabric[] {
  const fabrics: Fabric[] = ["ours", "control"];
  if (scenario === "round_trip" && !("reason" in nats)) fabrics.push("nats");
  return round % 2 ? fabrics.reverse() : fabrics;
}

async function sample(result: CellResult, fabric: Fabric): Promise<void> {
  try {
    (result.samples[fabric] ??= []).push(await measure(result, fabric, MS));
  } catch (error) {
    const { scenario, gateway, clients } = result;
    result.errors.push(`${scenario} ${gateway}/${clients} ${fabric} failed: ${(error as Error).message}`);
  }
}

function describe(): { machine: Record<string, unknown>; date: string } {
  const date = new Date().toISOString().slice(0, 10);
  const deno = execFileSync(new URL("../node_modules/.bin/deno", import.meta.url).pathname, ["--version"], {
    encoding: "utf8",
  });
  const runtimes = {
    bun: process.versions.bun,
    deno: deno.split(" ")[1],
    nats: "version" in nats ? nats.version : "absent",
  };
  return {
    machine: { date, cores: os.cpus().length, architecture: process.arch, platform: process.platform, ...runtimes },
    date,
  };
}

function whole(name: string, fallback: number): number {
  const value = Number(process.env[name] ?? fallback);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number of at least 1`);
  return value;
}
