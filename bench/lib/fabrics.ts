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
  nats: "../peers/nats.ts",
  jetstream: "../peers/jetstream.ts",
  bullmq: "../peers/bullmq.ts",
};

/** Loads it. */
export function load(fabric: string, scenario: string): Promise<FabricModule> {
  if (scenario === "proxy") return import("../http/works.ts");
  return import(FILES[fabric]) as Promise<FabricModule>;
}
