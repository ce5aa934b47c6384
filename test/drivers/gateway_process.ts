/** A gateway of its own process, for drivers whose runtime can only dial. Prints one line of JSON: {"url": …}. */
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { serve } from "../../src/runtime/bun.ts";
import { memoryStore } from "../../src/store/memory.ts";
import process from "node:process";

const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
const server = await serve(gateway, { hostname: "127.0.0.1", port: 0 });
const url = new URL(server.url); // text or URL, http or ws: either is understood
url.protocol = "ws:";

process.on("SIGTERM", () => process.exit(0));
// The driver holds our stdin; when it is gone, however it ended, there is nobody left to serve.
process.stdin.on("end", () => process.exit(0)).resume();
console.log(JSON.stringify({ url: url.href }));
