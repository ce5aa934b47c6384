/** Which file plugs which fabric in. */
import type { Connect, Join, Labour } from "./scenario.ts";

/** What such a file may export. */
export interface FabricModule {
  readonly join?: Join;
  readonly works?: Connect;
  readonly labour?: Labour;
}

const FILES: Record<string, string> = {
  ours: "../aether.ts",
  control: "../controls/raw.ts",
  alone: "../controls/sqlite.ts",
  threads: "../controls/threads.ts",
  nats: "../peers/nats.ts",
  jetstream: "../peers/jetstream.ts",
  bullmq: "../peers/bullmq.ts",
  graphile: "../peers/graphile.ts",
  socketio: "../peers/socketio.ts",
  socketio_bun: "../peers/socketio.ts",
  grpc: "../peers/grpc.ts",
};
/** Scenarios that are about HTTP, whoever carries it. */
const HTTP: readonly string[] = ["proxy", "cold_fetch"];

/** Whether a scenario is about HTTP. */
export function isHttp(scenario: string): boolean {
  return HTTP.includes(scenario);
}

/** Loads it. */
export function load(fabric: string, scenario: string): Promise<FabricModule> {
  if (isHttp(scenario)) return import("../http/works.ts");
  return import(FILES[fabric]) as Promise<FabricModule>;
}
