/**
 * Gateways in a process of their own, for drivers whose runtime can only dial. Prints one line of JSON: {"url": …, "control": …}.
 * A POST to the second opens another gateway, with the limits in its body, and answers with its address; a DELETE closes it.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import process from "node:process";
import { text } from "node:stream/consumers";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import type { Limits } from "../../src/protocol/limits.ts";
import { serve } from "../../src/runtime/bun.ts";
import { memoryStore } from "../../src/store/memory.ts";

/** What closes each gateway, by its port. */
const open = new Map<string, () => Promise<void>>();

async function start(limits?: Partial<Limits>): Promise<string> {
  const gateway = await createGateway({ store: memoryStore(), auth: allowAll(), limits });
  const server = await serve(gateway, { hostname: "127.0.0.1", port: 0 });
  open.set(String(server.port), async () => {
    await gateway.close();
    await server.close();
  });
  return server.url;
}

async function control(request: IncomingMessage): Promise<string> {
  if (request.method === "POST") return await start(JSON.parse(await text(request)));
  const port = request.url!.slice(1);
  if (request.method === "DELETE") await open.get(port)!();
  return "";
}

const server = createServer((request, response) => {
  // A page of another origin may ask.
  response.setHeader("access-control-allow-origin", "*").setHeader("access-control-allow-methods", "POST, DELETE");
  control(request).then((said) => response.end(said), (error) => response.writeHead(500).end(String(error)));
}).listen(0, "127.0.0.1");
await once(server, "listening");

process.on("SIGTERM", () => process.exit(0));
// The driver holds our stdin; when it is gone, however it ended, there is nobody left to serve.
process.stdin.on("end", () => process.exit(0)).resume();
const { port } = server.address() as { port: number };
console.log(JSON.stringify({ url: await start(), control: `http://127.0.0.1:${port}/` }));
