/**
 * The matrix: scenario × store × runtime of the gateway × runtime of the clients. `ROUNDS` (3), `MS` per figure (250) and
 * `ONLY` (names of scenarios or groups) may be set in the environment. See bench/README.md.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import { type Cell, type Fabric, type Kept, measure, type Runtime } from "./lib/cell.ts";
import { type CellResult, rowsOf, table } from "./lib/report.ts";
import type { Figures } from "./lib/scenario.ts";
import * as http from "./http/start.ts";
import * as bullmq from "./peers/bullmq.ts";
import * as nats from "./peers/nats.ts";
import type { Presence } from "./peers/packages.ts";
import { measureSize, sizeLine } from "./size.ts";

/** A scenario, and where it is measured. */
interface Plan {
  readonly scenario: string;
  readonly stores: readonly Kept[];
  readonly clients: readonly Runtime[];
  readonly against: readonly Fabric[];
  /** Measured in the first round only. */
  readonly isOnce?: boolean;
}

const BOTH: readonly Runtime[] = ["bun", "deno"];
/** Scenarios that share a file of results. */
const GROUPS: Record<string, readonly Plan[]> = {
  fabric: [
    { scenario: "round_trip", stores: ["memory"], clients: BOTH, against: ["control", "nats"] },
    { scenario: "relay", stores: ["memory"], clients: BOTH, against: ["control"] },
    { scenario: "fan_out", stores: ["memory"], clients: BOTH, against: ["control"] },
    // Who holds the other end of an idle connection does not matter to the gateway.
    { scenario: "idle_memory", stores: ["memory"], clients: ["bun"], against: ["control"] },
  ],
  state: [
    { scenario: "durable_send", stores: ["sqlite"], clients: ["bun"], against: ["control"] },
    { scenario: "kv", stores: ["sqlite"], clients: ["bun"], against: ["control", "jetstream"] },
  ],
  http: [
    { scenario: "proxy", stores: ["memory"], clients: ["bun"], against: ["control", "hono_proxy", "http_proxy"] },
  ],
  tasks: [
    { scenario: "tasks", stores: ["memory", "sqlite"], clients: ["bun"], against: ["bullmq", "jetstream"] },
    { scenario: "worker_death", stores: ["sqlite"], clients: ["bun"], against: [], isOnce: true },
  ],
};
const ROUNDS = whole("ROUNDS", 3);
const MS = whole("MS", 250);
const ONLY = process.env.ONLY?.split(",");
/** Peers whose server has no runtime of ours: one sample a round serves the cells of both gateways. */
const PEERS: readonly Fabric[] = ["nats", "jetstream", "bullmq", "http_proxy"];

const began = performance.now();
const plans = Object.entries(GROUPS).flatMap(([group, plans]) =>
  plans.filter(({ scenario }) => !ONLY || ONLY.includes(scenario) || ONLY.includes(group))
);
if (plans.length === 0) throw new Error(`ONLY=${process.env.ONLY}: there is no such scenario`);
const peers: Partial<Record<Fabric, Presence>> = {};
peers.nats = peers.jetstream = nats.prepare();
peers.bullmq = bullmq.prepare();
peers.http_proxy = http.prepare();
for (const [name, presence] of Object.entries(peers)) {
  if ("reason" in presence) console.log(`${name} skipped: ${presence.reason}`);
}
const size = ONLY ? undefined : await measureSize();
const results: CellResult[] = plans.flatMap(cells).map((cell) => ({ ...cell, samples: {}, errors: [] }));
for (let round = 0; round < ROUNDS; round++) {
  const shared = new Map<string, Figures>();
  for (const result of results) {
    const plan = plans.find(({ scenario }) => scenario === result.scenario)!;
    if (plan.isOnce && round > 0) continue;
    for (const fabric of fabricsOf(plan, round)) await sample(result, fabric, shared);
  }
  console.error(`round ${round + 1} of ${ROUNDS}: ${Math.round((performance.now() - began) / 1000)} s`);
}

console.log(table(results.flatMap(rowsOf)));
if (size) console.log(sizeLine(size));
for (const { errors } of results) for (const error of errors) console.log(error);
const { machine, date } = describe();
console.log(JSON.stringify(machine));
for (const [group, all] of Object.entries(GROUPS)) if (all.every((plan) => plans.includes(plan))) write(group);
process.exit(results.some(({ errors }) => errors.length > 0) ? 1 : 0);

function write(group: string): void {
  const directory = new URL("results/", import.meta.url);
  fs.mkdirSync(directory, { recursive: true });
  const own = results.filter(({ scenario }) => GROUPS[group].some((plan) => plan.scenario === scenario));
  const rest = { ...(group === "fabric" && size ? { size } : {}), rows: own.flatMap(rowsOf), cells: own };
  const all = { machine, rounds: ROUNDS, msPerFigure: MS, ...rest };
  fs.writeFileSync(new URL(`${date}-${group}.json`, directory), `${JSON.stringify(all, null, 1)}\n`);
}

function cells({ scenario, stores, clients }: Plan): Cell[] {
  return stores.flatMap((store) =>
    BOTH.flatMap((gateway) => clients.map((clients) => ({ scenario, gateway, clients, store })))
  );
}

/** Whose turn it is: the order alternates, so that a drifting machine favours nobody. */
function fabricsOf({ against }: Plan, round: number): Fabric[] {
  const absent = (fabric: Fabric): boolean => "reason" in (peers[fabric] ?? {});
  const fabrics: Fabric[] = ["ours", ...against.filter((fabric) => !absent(fabric))];
  return round % 2 ? fabrics.reverse() : fabrics;
}

async function sample(result: CellResult, fabric: Fabric, shared: Map<string, Figures>): Promise<void> {
  const { scenario, gateway, clients, store } = result;
  const key = `${scenario} ${store} ${clients} ${fabric}`;
  const known = PEERS.includes(fabric) ? shared.get(key) : undefined;
  try {
    const figures = known ?? await measure(result, fabric, MS);
    shared.set(key, figures);
    (result.samples[fabric] ??= []).push(figures);
  } catch (error) {
    result.errors.push(`${scenario} ${store} ${gateway}/${clients} ${fabric} failed: ${(error as Error).message}`);
  }
}

function describe(): { machine: Record<string, unknown>; date: string } {
  const date = new Date().toISOString().slice(0, 10);
  const deno = execFileSync(new URL("../node_modules/.bin/deno", import.meta.url).pathname, ["--version"], {
    encoding: "utf8",
  });
  const versionOf = (fabric: Fabric): string => {
    const presence = peers[fabric];
    return presence && "version" in presence ? presence.version : "absent";
  };
  const runtimes = {
    bun: process.versions.bun,
    deno: deno.split(" ")[1],
    nats: versionOf("nats"),
    redis: versionOf("bullmq"),
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
