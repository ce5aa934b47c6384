/** Which peers are here. */
import type { Fabric } from "../lib/cell.ts";
import * as http from "../http/start.ts";
import * as bullmq from "./bullmq.ts";
import * as graphile from "./graphile_start.ts";
import * as grpc from "./grpc_start.ts";
import * as nats from "./nats.ts";
import type { Presence } from "./packages.ts";
import * as socketio from "./socketio_start.ts";

const PREPARE: Partial<Record<Fabric, () => Presence>> = {
  nats: nats.prepare,
  jetstream: nats.prepare,
  bullmq: bullmq.prepare,
  graphile: graphile.prepare,
  http_proxy: http.prepare,
  socketio: () => socketio.prepare("node"),
  socketio_bun: () => socketio.prepare("bun"),
  grpc: grpc.prepare,
};

/** Fetches what is missing of those that are wanted, and says what is here. */
export function prepareAll(wanted: ReadonlySet<Fabric>): Partial<Record<Fabric, Presence>> {
  const found: Partial<Record<Fabric, Presence>> = {};
  for (const [name, prepare] of Object.entries(PREPARE) as [Fabric, () => Presence][]) {
    if (wanted.has(name)) found[name] = prepare();
  }
  return found;
}
