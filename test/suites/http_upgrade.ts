import type { Context, MiddlewareHandler } from "hono";
import { Hono } from "hono";
import { AgentClient, ServiceClient } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { aetherProxy, type UpgradeWebSocket } from "../../src/proxy/hono.ts";
import { httpUpstream, serveHttp, serveTunnels, webSocketUpstream } from "../../src/proxy/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Case, Env } from "../harness.ts";
import { equal } from "./assert.ts";

interface Port extends AsyncDisposable {
  readonly url: string;
}

/** What a runtime brings for Hono: its upgrade helper, and a port. */
interface Platform {
  readonly upgradeWebSocket: UpgradeWebSocket;
  serve(app: Hono): Port;
}

const skip = ({ runtime }: Env): string | undefined =>
  runtime === "bun" || runtime === "deno" ? undefined : `Hono has no upgrade helper for ${runtime} in its own package`;

async function platformOf(runtime: string): Promise<Platform> {
  if (runtime === "bun") {
    const { upgradeWebSocket, websocket } = await import("hono/bun");
    const { Bun } = globalThis as unknown as {
      Bun: { serve(options: unknown): { port: number; stop(force: boolean): Promise<void> } };
    };
    return {
      upgradeWebSocket: upgradeWebSocket as unknown as UpgradeWebSocket,
      serve(app) {
        const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: app.fetch, websocket });
        return { url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
      },
    };
  }
  const { upgradeWebSocket } = await import("hono/deno");
  return {
    upgradeWebSocket: upgradeWebSocket as unknown as UpgradeWebSocket,
    serve(app) {
      const stop = new AbortController();
      const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: stop.signal };
      const server = Deno.serve(options, app.fetch);
      const { port } = server.addr as Deno.NetAddr;
      return {
        url: `http://127.0.0.1:${port}`,
        async [Symbol.asyncDispose]() {
          stop.abort();
          await server.finished;
        },
      };
    },
  };
}

/** A server of the usual kind: pages, and a WebSocket that says everything again. */
function echoing(upgradeWebSocket: UpgradeWebSocket): Hono {
  const echo = upgradeWebSocket((c: Context) => ({
    onOpen: (_: unknown, socket: { send(text: string): void }) => socket.send(`hello ${c.req.path}`),
    async onMessage({ data }: { data: unknown }, socket: { send(data: unknown): void; close(): void }) {
      if (data === "leave") return socket.close();
      socket.send(typeof data === "string" ? data : data instanceof Blob ? await data.arrayBuffer() : data);
    },
  })) as MiddlewareHandler;
  return new Hono().get("/chat/*", echo).get("/page", (c) => c.text("a page"));
}

/** Browsers, a Hono app in front of the fabric, and a server behind it that knows nothing of all this. */
export const cases: Case[] = [{
  name: "http: a browser's WebSocket passes through Hono to a server behind a service",
  skip,
  async run({ runtime }) {
    const platform = await platformOf(runtime);
    const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
    const dial = gateway.dial();
    const client = new AgentClient({ dial, workspace: "w", implementation: "front", specifier: "1" });
    const service = new ServiceClient({ dial, implementation: "web", specifier: "1" });
    await using behind = platform.serve(echoing(platform.upgradeWebSocket));
    const { upgradeWebSocket } = platform;
    const proxy = aetherProxy({ client, target: "sv::web", stripPrefix: "/web", upgradeWebSocket });
    await using front = platform.serve(new Hono().all("/web/*", proxy));
    try {
      await Promise.all([client.connect(), service.connect()]);
      serveHttp(service, httpUpstream(behind.url));
      serveTunnels(service, webSocketUpstream(behind.url));
      equal(await (await fetch(`${front.url}/web/page`)).text(), "a page");

      const socket = new WebSocket(`${front.url.replace("http", "ws")}/web/chat/room?x=1`);
      socket.binaryType = "arraybuffer";
      const heard: unknown[] = [];
      const closed = new Promise<void>((resolve) => socket.onclose = () => resolve());
      const done = Promise.withResolvers<void>();
      const large = new Uint8Array(300_000).map((_, at) => at);
      socket.onmessage = ({ data }) => {
        heard.push(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
        if (heard.length === 4) done.resolve();
      };
      await new Promise((resolve) => socket.onopen = resolve);
      socket.send("first");
      socket.send(large);
      socket.send("third");
      await Promise.race([done.promise, closed.then(() => Promise.reject(new Error("closed too early")))]);
      equal([heard[0], heard[1], heard[3]], ["hello /chat/room", "first", "third"]);
      equal((heard[2] as Uint8Array).every((byte, at) => byte === large[at]), true, "its bytes");
      socket.send("leave");
      await closed;
    } finally {
      await Promise.all([client.disconnect(), service.disconnect()]);
      await gateway.close();
    }
  },
}];
