/** A gateway over a database file, to be killed. Prints one line of JSON when it takes connections: {"pid": …, "url": …}. */
import process from "node:process";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { sqliteStore } from "../../src/runtime/sqlite.ts";

const [file, port, taskGraceMs = "3000"] = process.argv.slice(2);
const { serve } = "Bun" in globalThis
  ? await import("../../src/runtime/bun.ts")
  : await import("../../src/runtime/deno.ts");
// Workers live through the crash: their tasks wait for them, but not for long.
const limits = { taskGraceMs: Number(taskGraceMs), pingAfterMs: 2_000, deadAfterMs: 4_000 };
const gateway = await createGateway({ store: sqliteStore(file), auth: allowAll(), limits });
const server = await serve(gateway, { hostname: "127.0.0.1", port: Number(port) });
// Whoever started us holds our stdin; when it is gone, however it ended, there is nobody left to serve.
process.stdin.on("end", () => process.exit(0)).resume();
console.log(JSON.stringify({ pid: process.pid, url: server.url }));
