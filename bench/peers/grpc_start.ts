/** The server of the gRPC peer, on Node. */
import type { ChildProcess } from "node:child_process";
import { line } from "../lib/child.ts";
import type { Ready } from "../lib/ready.ts";
import { node22 } from "../../tools/node22.mjs";
import { MODULES, type Presence, present } from "./packages.ts";

/** Fetches what is missing. */
export function prepare(): Presence {
  return present(node22(), ["@grpc/grpc-js"], "@grpc/grpc-js");
}

/** Starts it. */
export async function startGrpc(launch: (words: string[]) => ChildProcess): Promise<Ready> {
  return JSON.parse(await line(launch([node22(), "bench/peers/grpc_server.mjs", MODULES.pathname]), "{")) as Ready;
}
