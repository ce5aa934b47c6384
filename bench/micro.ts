/**
 * Parts of the hot path by themselves: ns an operation, and how that is to a control loop in the same process. `bun run
 * bench/micro.ts` or `deno run -A bench/micro.ts`, some seconds; `ROUNDS` (7), `MS` (20), `ONLY`; `OUT=<file>` writes JSON, `--write`
 * does so among the results.
 */
import fs from "node:fs";
import process from "node:process";
import { describe } from "./lib/machine.ts";
import { gatewayCases } from "./micro/gateway.ts";
import { measureAll } from "./micro/loop.ts";
import { wireCases } from "./micro/wire.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const MS = Number(process.env.MS ?? 20);
const ONLY = process.env.ONLY?.split(",");
const runtime = process.versions.bun ? "bun" : "Deno" in globalThis ? "deno" : "node";

const machine = describe();
const cases = [...wireCases(), ...await gatewayCases()].filter(({ name }) => ONLY?.includes(name) ?? true);
const rows = measureAll(cases, ROUNDS, MS);
for (const { name, ns, controlNs, ratio, ratioSpread: [least, most] } of rows) {
  const spread = `${least.toFixed(2)}–${most.toFixed(2)}`;
  console.log(
    `${name.padEnd(20)}${ns.toFixed(1).padStart(9)} ns  control ${controlNs.toFixed(1)}  ${
      ratio.toFixed(2)
    } (${spread})`,
  );
}
const results = new URL(`results/${machine.date}-micro-${runtime}.json`, import.meta.url);
const file = process.env.OUT ?? (process.argv.includes("--write") ? results : undefined);
if (file) {
  const all = { group: "micro", runtime, machine, rounds: ROUNDS, msPerFigure: MS, rows };
  fs.writeFileSync(file, `${JSON.stringify(all, null, 1)}\n`);
}
