/** A gateway, a service or a caller as a process of its own, so that its memory is its own: see http_memory_test.ts. */
import process from "node:process";
import { AgentClient, ServiceClient } from "@aether-edge/sdk";
import { allowAll, createGateway } from "@aether-edge/sdk/gateway";
import { AetherFetchTransport, serveHttp } from "@aether-edge/sdk/proxy";
import { serve } from "@aether-edge/sdk/serve";
import { memoryStore } from "@aether-edge/sdk/store/memory";

const [role, address, size] = process.argv.slice(2);
const PIECE = new Uint8Array(64 * 1024).fill(7);
let most = 0;
const watch = setInterval(() => most = Math.max(most, process.memoryUsage().rss), 5);
process.stdin.on("data", () => {
  console.log(JSON.stringify({ most }));
  // From here on it is another stretch.
  most = process.memoryUsage().rss;
}).on("end", () => process.exit(0));

function pieces(bytes: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= bytes) return controller.close();
      sent += PIECE.length;
      controller.enqueue(PIECE);
    },
  }, { highWaterMark: 0 });
}

async function sizeOf(body: ReadableStream<Uint8Array> | null): Promise<number> {
  let bytes = 0;
  for await (const piece of body ?? []) bytes += piece.length;
  return bytes;
}

if (role === "gateway") {
  const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
  const server = await serve(gateway);
  console.log(JSON.stringify({ url: server.url }));
} else if (role === "service") {
  const service = new ServiceClient({ address, implementation: "large", specifier: "1" });
  serveHttp(service, async (request) => {
    if (request.method === "GET") return new Response(pieces(Number(new URL(request.url).pathname.slice(1))));
    return new Response(String(await sizeOf(request.body)));
  });
  await service.connect();
  console.log("{}");
} else {
  const agent = new AgentClient({ address, workspace: "w", implementation: "caller", specifier: "1" });
  await agent.connect();
  const { fetch } = new AetherFetchTransport(agent, "sv::large");
  const bytes = Number(size);
  await sizeOf((await fetch("/1000000")).body);
  console.log(JSON.stringify({ warm: true }));
  await new Promise((resolve) => process.stdin.once("data", resolve));
  const down = await sizeOf((await fetch(`/${bytes}`)).body);
  const up = Number(await (await fetch("/", { method: "POST", body: pieces(bytes) })).text());
  console.log(JSON.stringify({ down, up }));
}
void watch;
