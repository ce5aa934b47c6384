/**
 * The matrix: scenario × store × runtime of the gateway × runtime of the clients. `--full`, `--only <names>`,
 * `--compare <git ref>`; see bench/README.md.
 */
import fs from "node:fs";
import process from "node:process";
import { type Fabric, measure } from "./lib/cell.ts";
import { type Base, checkOut } from "./lib/compare.ts";
import { describe } from "./lib/machine.ts";
import { options } from "./lib/options.ts";
import { cellsOf, GROUPS, isAsked, type Plan, SHARED } from "./lib/plans.ts";
import { type CellResult, rowsOf } from "./lib/report.ts";
import type { Figures } from "./lib/scenario.ts";
import { table } from "./lib/table.ts";
import { prepareAll } from "./peers/all.ts";
import { measureSize, sizeLine } from "./size.ts";

const { isFull, only, compare, rounds, ms, out } = options(process.argv.slice(2));
const TIMEOUT_MS = 15_000;

const began = performance.now();
// What was asked for by name is measured even where the short run has not got it.
const wanted = Object.entries(GROUPS).map(([group, plans]) => ({
  group,
  plans: plans.filter(({ scenario, isLong }) => (isFull || only || !isLong) && isAsked(scenario, group, only)),
}));
const plans = wanted.flatMap(({ plans }) => plans);
if (plans.length === 0) throw new Error(`There is no scenario or group ${only?.join(", ")}`);
const base: Base | undefined = compare ? checkOut(compare) : undefined;
const peers = base ? {} : prepareAll(new Set(plans.flatMap(({ against }) => against)));
for (const [name, presence] of Object.entries(peers)) {
  if ("reason" in presence) console.log(`${name} skipped: ${presence.reason}`);
}
const size = only || base ? undefined : await measureSize();
const results: CellResult[] = plans.flatMap((plan) => cellsOf(plan, !isFull))
  .map((cell) => ({ ...cell, samples: {}, errors: [] }));
const machine = describe(Object.fromEntries(
  Object.entries(peers).map(([name, presence]) => [name, "version" in presence ? presence.version : "absent"]),
));
for (let round = 0; round < rounds; round++) {
  const shared = new Map<string, Figures | Error>();
  for (const result of results) {
    const plan = plans.find(({ scenario }) => scenario === result.scenario)!;
    if (plan.isOnce && round > 0) continue;
    for (const fabric of fabricsOf(plan, round)) await sample(result, fabric, shared, plan.timeoutMs);
  }
  console.error(`round ${round + 1} of ${rounds}: ${Math.round((performance.now() - began) / 1000)} s`);
}

console.log(table(results.flatMap(rowsOf)));
if (size) console.log(sizeLine(size));
for (const { errors } of results) for (const error of errors) console.log(error);
console.log(JSON.stringify(base ? { ...machine, base: base.commit } : machine));
for (const { group, plans: own } of wanted) {
  const whole = GROUPS[group].filter(({ isLong }) => isFull || !isLong);
  if (!base && own.length > 0 && whole.every((plan) => own.includes(plan))) write(group, own);
}
process.exit(results.some(({ errors }) => errors.length > 0) ? 1 : 0);

/** Only whole groups are written, so that a file of results is what its name says. */
function write(group: string, own: readonly Plan[]): void {
  fs.mkdirSync(out, { recursive: true });
  const cells = results.filter(({ scenario }) => own.some((plan) => plan.scenario === scenario));
  const rest = { ...(group === "fabric" && size ? { size } : {}), rows: cells.flatMap(rowsOf), cells };
  const mode = isFull ? "full" : "short";
  const seconds = Math.round((performance.now() - began) / 1000);
  const all = { group, mode, machine, rounds, msPerFigure: ms, secondsOfTheRun: seconds, ...rest };
  const name = `${machine.date}-${group}${isFull ? "" : "-short"}.json`;
  fs.writeFileSync(new URL(name, out), `${JSON.stringify(all, null, 1)}\n`);
}

/** Whose turn it is: the order alternates, so that a drifting machine favours nobody. */
function fabricsOf({ against }: Plan, round: number): Fabric[] {
  const absent = (fabric: Fabric): boolean => "reason" in (peers[fabric] ?? {});
  const fabrics: Fabric[] = base ? ["ours", "base"] : ["ours", ...against.filter((fabric) => !absent(fabric))];
  return round % 2 ? fabrics.reverse() : fabrics;
}

async function sample(
  result: CellResult,
  fabric: Fabric,
  shared: Map<string, Figures | Error>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const { scenario, gateway, clients, store } = result;
  const key = `${scenario} ${store} ${clients} ${fabric}`;
  const known = SHARED.includes(fabric) ? shared.get(key) : undefined;
  try {
    if (known instanceof Error) throw known;
    const figures = known ?? await measure(result, fabric, { ms, timeoutMs, base: base?.folder });
    shared.set(key, figures);
    (result.samples[fabric] ??= []).push(figures);
  } catch (error) {
    shared.set(key, error as Error);
    result.errors.push(`${scenario} ${store} ${gateway}/${clients} ${fabric} failed: ${(error as Error).message}`);
  }
}
