/** The matrix: what is measured, where, and against whom. */
import type { Cell, Fabric, Kept, Runtime } from "./cell.ts";
import { parts } from "./job.ts";

/** A scenario, and where it is measured. */
export interface Plan {
  readonly scenario: string;
  readonly stores: readonly Kept[];
  /** Runtimes of the clients; `same` is that of the gateway. */
  readonly clients: readonly (Runtime | "same")[];
  readonly against: readonly Fabric[];
  /** Measured in the first round only. */
  readonly isOnce?: boolean;
  /** Not a part of the short run. */
  readonly isLong?: boolean;
  /** A cell that takes longer has failed; 15 s when left out. */
  readonly timeoutMs?: number;
}

const BOTH: readonly Runtime[] = ["bun", "deno"];
const MEMORY: readonly Kept[] = ["memory"];
const SIZES = [64, 256, 1024, 16_384];
const RELAYS: readonly Fabric[] = ["control", "nats", "socketio", "socketio_bun", "grpc"];

/** Scenarios that share a file of results. */
export const GROUPS: Record<string, readonly Plan[]> = {
  fabric: [
    { scenario: "round_trip", stores: MEMORY, clients: BOTH, against: RELAYS },
    { scenario: "relay", stores: MEMORY, clients: BOTH, against: RELAYS },
    { scenario: "fan_out", stores: MEMORY, clients: BOTH, against: ["control", "nats", "socketio", "socketio_bun"] },
    // Who holds the other end of an idle connection does not matter to the gateway.
    { scenario: "idle_memory", stores: MEMORY, clients: ["bun"], against: ["control"] },
  ],
  grid: [
    ...SIZES.map((size): Plan => ({
      scenario: `relay_grid:${size}`,
      stores: MEMORY,
      clients: ["same"],
      against: ["control", "nats"],
      isLong: true,
      timeoutMs: 30_000,
    })),
    { scenario: "fan_out:1000", stores: MEMORY, clients: ["same"], against: ["control", "nats"], isLong: true },
  ],
  state: [
    { scenario: "durable_send", stores: ["sqlite"], clients: ["bun"], against: ["control"] },
    { scenario: "kv", stores: ["sqlite"], clients: ["bun"], against: ["control", "jetstream"] },
    { scenario: "kv_watch:1", stores: ["sqlite"], clients: ["bun"], against: ["jetstream"] },
    { scenario: "kv_watch:100", stores: ["sqlite"], clients: ["bun"], against: ["jetstream"], isLong: true },
  ],
  life: [
    { scenario: "resume", stores: MEMORY, clients: ["same"], against: [] },
    { scenario: "slow_consumer", stores: MEMORY, clients: ["bun"], against: ["control", "nats"] },
    { scenario: "cold_start", stores: MEMORY, clients: ["same"], against: ["control"] },
    { scenario: "cold_fetch", stores: MEMORY, clients: ["same"], against: ["control"] },
    { scenario: "idle:10000", stores: MEMORY, clients: ["bun"], against: ["control"], isLong: true, timeoutMs: 90_000 },
  ],
  http: [
    { scenario: "proxy", stores: MEMORY, clients: ["bun"], against: ["control", "hono_proxy", "http_proxy"] },
  ],
  tasks: [
    { scenario: "tasks", stores: ["memory", "sqlite"], clients: ["bun"], against: ["bullmq", "jetstream", "graphile"] },
    { scenario: "isolates:2", stores: MEMORY, clients: ["same"], against: ["threads"] },
    { scenario: "worker_death", stores: ["sqlite"], clients: ["bun"], against: [], isOnce: true },
  ],
};

/** Peers whose server has no runtime of ours: one sample a round serves the cells of both gateways. */
export const SHARED: readonly Fabric[] = [
  "nats",
  "jetstream",
  "bullmq",
  "graphile",
  "http_proxy",
  "socketio",
  "socketio_bun",
  "grpc",
  "threads",
];

/** Whether a scenario was asked for: by its name, with or without what it is told, or by its group. */
export function isAsked(scenario: string, group: string, names: readonly string[] | undefined): boolean {
  return !names || names.includes(scenario) || names.includes(parts(scenario).file) || names.includes(group);
}

/** The cells of a plan. */
export function cellsOf({ scenario, stores, clients }: Plan, isShort: boolean): Cell[] {
  const own = isShort && clients.length > 1 ? ["same" as const] : clients;
  return stores.flatMap((store) =>
    BOTH.flatMap((gateway) => own.map((one) => ({ scenario, gateway, clients: one === "same" ? gateway : one, store })))
  );
}
