/** socket.io's server, on Node or on Bun with the engine that is made for it. */
import type { ChildProcess } from "node:child_process";
import { command, line } from "../lib/child.ts";
import type { Ready } from "../lib/ready.ts";
import { node22 } from "../../tools/node22.mjs";
import { MODULES, type Presence, present } from "./packages.ts";

const PACKAGES = ["socket.io", "socket.io-client", "socket.io-msgpack-parser"];

/** Fetches what is missing. */
export function prepare(runtime: "node" | "bun"): Presence {
  return runtime === "node"
    ? present(node22(), PACKAGES, "socket.io")
    : present("", [...PACKAGES, "@socket.io/bun-engine"], "socket.io");
}

/** Starts it. */
export async function startSocketIo(
  runtime: "node" | "bun",
  launch: (words: string[]) => ChildProcess,
): Promise<Ready> {
  const words = runtime === "node" ? [node22()] : command("bun");
  return JSON.parse(await line(launch([...words, "bench/peers/socketio_server.mjs", MODULES.pathname]), "{")) as Ready;
}
