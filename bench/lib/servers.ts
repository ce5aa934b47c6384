/** Server processes of a cell: ours, controls and peers. */
import type { ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { type Carrier, startHttp } from "../http/start.ts";
import { startGrpc } from "../peers/grpc_start.ts";
import { startPostgres } from "../peers/graphile_start.ts";
import { startSocketIo } from "../peers/socketio_start.ts";
import type { Cell, Fabric } from "./cell.ts";
import { command, line } from "./child.ts";
import { isHttp } from "./fabrics.ts";
import { parts } from "./job.ts";
import type { Ready } from "./ready.ts";

/** Starts a process that ends with the cell. */
export type Launch = (words: string[]) => ChildProcess;

/** Starts what a fabric needs. `meter` is empty and `pid` 0 where there is nothing to be read. */
export async function startServer(cell: Cell, fabric: Fabric, folder: string, launch: Launch): Promise<Ready> {
  const { gateway, store } = cell;
  const { file, option } = parts(cell.scenario);
  if (isHttp(file)) return await startHttp(fabric as Carrier, gateway, launch);
  switch (fabric) {
    case "nats":
      return await startNats([], launch);
    case "jetstream": {
      const ready = await startNats(["-js", "-sd", folder], launch);
      return { ...ready, url: `${ready.url}#${store}` };
    }
    case "graphile":
      return { ...await startPostgres(store === "sqlite", folder, String(await freePort()), launch), meter: "" };
    case "bullmq":
      return await startRedis(store, folder, launch);
    case "socketio":
      return await startSocketIo("node", launch);
    case "socketio_bun":
      return await startSocketIo("bun", launch);
    case "grpc":
      return await startGrpc(launch);
    case "threads":
      return { url: `threads:${option}`, meter: "", pid: 0 };
    case "control":
      return JSON.parse(await line(launch([...command(gateway), "bench/controls/server.ts"]), "{")) as Ready;
    default:
      return JSON.parse(await line(launch([...command(gateway), "bench/gateway.ts", store, folder]), "{")) as Ready;
  }
}

async function startNats(flags: string[], launch: Launch): Promise<Ready> {
  const server = launch(["nats-server", "-a", "127.0.0.1", "-p", "-1", ...flags]);
  const said = await line(server, "Listening for client connections on ");
  return { url: said.slice(said.lastIndexOf(" ") + 1), meter: "", pid: server.pid! };
}

/** A store in SQLite is compared with a log that is synchronised every second, a store in memory with none. */
async function startRedis(store: string, folder: string, launch: Launch): Promise<Ready> {
  const port = String(await freePort());
  const kept = store === "sqlite" ? ["--appendonly", "yes", "--appendfsync", "everysec"] : ["--appendonly", "no"];
  const place = ["--bind", "127.0.0.1", "--port", port, "--dir", folder];
  const server = launch(["redis-server", ...place, "--save", "", ...kept]);
  await line(server, "Ready to accept connections");
  return { url: `redis://127.0.0.1:${port}`, meter: "", pid: server.pid! };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
