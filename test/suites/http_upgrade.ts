import type { Context, MiddlewareHandler } from "hono";
import { Hono } from "hono";
import { connect, type Socket } from "node:net";
import { AgentClient, ServiceClient } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { aetherProxy, type UpgradeWebSocket } from "../../src/proxy/hono.ts";
import { httpUpstream, type IncomingTunnel, serveHttp, serveTunnels, webSocketUpstream } from "../../src/proxy/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Case } from "../harness.ts";
import { equal, rejects, until } from "./assert.ts";
import { platformOf } from "./hono_platforms.ts";
import { aborted, soon } from "./http_kit.ts";

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

/** Hono on a port in front of a service that takes tunnels itself, at /direct, and of one that stands before /direct, at /up. */
interface World {
  /** `ws://…` */
  readonly url: string;
  /** What the service does with a tunnel. */
  handler: (tunnel: IncomingTunnel) => unknown;
}

/** Makes the world for a while. Afterwards neither client may have a stream. */
function inWorld(
  name: string,
  body: (world: World, runtime: string) => Promise<void>,
  timeoutMs?: number,
  skip?: Case["skip"],
): Case {
  return {
    name: `http: ${name}`,
    timeoutMs,
    skip,
    async run({ runtime }) {
      const platform = await platformOf(runtime);
      const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
      const dial = gateway.dial();
      const client = new AgentClient({ dial, workspace: "w", implementation: "front", specifier: "1" });
      const direct = new ServiceClient({ dial, implementation: "direct", specifier: "1" });
      const up = new ServiceClient({ dial, implementation: "up", specifier: "1" });
      const app = new Hono();
      for (const name of ["direct", "up"]) {
        const { upgradeWebSocket } = platform;
        app.all(
          `/${name}/*`,
          aetherProxy({ client, target: `sv::${name}`, stripPrefix: `/${name}`, upgradeWebSocket }),
        );
      }
      const front = await platform.serve(app);
      const world: World = { url: front.url.replace("http", "ws"), handler: () => {} };
      try {
        await Promise.all([client.connect(), direct.connect(), up.connect()]);
        direct.onError(() => {});
        serveTunnels(direct, (tunnel) => world.handler(tunnel));
        serveTunnels(up, webSocketUpstream(`${front.url}/direct`));
        await body(world, runtime);
      } finally {
        await Promise.all([client.disconnect(), direct.disconnect(), up.disconnect()]);
        await front[Symbol.asyncDispose]();
        await gateway.close();
      }
    },
  };
}

const PLACES = ["direct", "up"];

/** A page's WebSocket; the runtimes' own take headers too. */
function browse(address: string, init?: { protocols?: string[]; headers?: Record<string, string> }) {
  const socket = new (WebSocket as unknown as new (address: string, init?: unknown) => WebSocket)(address, init);
  socket.binaryType = "arraybuffer";
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  const opened = new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    // Node 22 tells of a refusal by this event alone.
    socket.onerror = () => reject(new Error("it was not opened"));
  });
  opened.catch(() => {});
  return { socket, opened, closed };
}

/** A client that shakes hands and then does what it is told to. */
async function bare(address: string, path: string): Promise<Socket> {
  const { port } = new URL(address);
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => {});
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  socket.write(lines.join("\r\n") + "\r\n\r\n");
  return socket;
}

const MIB = 1024 * 1024;

/** Browsers, a Hono app in front of the fabric, and what is behind it, over real sockets. */
export const cases: Case[] = [
  {
    name: "http: a browser's WebSocket passes through Hono to a server behind a service",
    async run({ runtime }) {
      const platform = await platformOf(runtime);
      const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
      const dial = gateway.dial();
      const client = new AgentClient({ dial, workspace: "w", implementation: "front", specifier: "1" });
      const service = new ServiceClient({ dial, implementation: "web", specifier: "1" });
      await using behind = await platform.serve(echoing(platform.upgradeWebSocket));
      const { upgradeWebSocket } = platform;
      const proxy = aetherProxy({ client, target: "sv::web", stripPrefix: "/web", upgradeWebSocket });
      await using front = await platform.serve(new Hono().all("/web/*", proxy));
      try {
        await Promise.all([client.connect(), service.connect()]);
        serveHttp(service, httpUpstream(behind.url));
        serveTunnels(service, webSocketUpstream(behind.url));
        equal(await (await fetch(`${front.url}/web/page`)).text(), "a page");

        const { socket, opened, closed } = browse(`${front.url.replace("http", "ws")}/web/chat/room?x=1`);
        const heard: unknown[] = [];
        const done = Promise.withResolvers<void>();
        const large = new Uint8Array(300_000).map((_, at) => at);
        socket.onmessage = ({ data }) => {
          heard.push(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
          if (heard.length === 4) done.resolve();
        };
        await opened;
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
  },
  inWorld("a browser is told the subprotocol that the far end has chosen", async (world) => {
    world.handler = (tunnel) => tunnel.accept({ protocol: tunnel.protocols[1] });
    for (const place of PLACES) {
      const { socket, opened, closed } = browse(`${world.url}/${place}/`, { protocols: ["a", "b"] });
      await opened;
      equal(socket.protocol, "b", place);
      socket.close();
      await soon(closed, "the close");
    }
  }),
  inWorld("codes and reasons of closing pass both ways", async (world) => {
    const heard: unknown[] = [];
    world.handler = async (tunnel) => {
      if (tunnel.path === "/expires") {
        tunnel.ownClose = { code: 4001, reason: "session expired" };
        return tunnel.writable.close();
      }
      for await (const _ of tunnel.readable);
      heard.push(tunnel.farClose);
      await tunnel.writable.close();
    };
    for (const place of PLACES) {
      const { code, reason } = await soon(browse(`${world.url}/${place}/expires`).closed, "the close");
      equal([code, reason], [4001, "session expired"], place);
      for (const said of [[4002, "enough"], [1000, "bye"], []] as [number?, string?][]) {
        const { socket, opened, closed } = browse(`${world.url}/${place}/`);
        await opened;
        socket.close(...said);
        await soon(closed, "the close");
        await until(() => heard.length > 0, "its end at the service");
        const [code = 1005, reason = ""] = said;
        // What a client may not say is said as the next best.
        equal(heard.pop(), { code: place === "up" && code === 1005 ? 1000 : code, reason }, place);
      }
      // One that has gone without a word.
      const gone = await bare(world.url, `/${place}/`);
      await new Promise((resolve) => gone.once("data", resolve));
      gone.destroy();
      await until(() => heard.length > 0, "its end at the service");
      const { code: lost } = heard.pop() as { code: number };
      equal(lost >= 1002 && lost <= 1011, true, `${place}: ${lost}`);
    }
  }),
  inWorld("cookies and authorization reach the server behind a service", async (world) => {
    const seen: unknown[] = [];
    world.handler = ({ headers }) => {
      seen.push(["cookie", "authorization", "origin", "x-a"].map((name) => headers.get(name)));
      throw new Error("no more is needed");
    };
    const headers = { cookie: "sid=1; a=b", authorization: "Bearer x", origin: "https://page.example", "x-a": "1" };
    for (const place of PLACES) {
      await rejects(soon(browse(`${world.url}/${place}/`, { headers }).opened, "it"), "Error");
    }
    equal(seen, Array(2).fill(["sid=1; a=b", "Bearer x", "https://page.example", "1"]));
  }),
  inWorld("what is sent right before a close arrives, also at a service that is slow to accept", async (world) => {
    const heard: unknown[] = [];
    const ended = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    world.handler = async (tunnel) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for await (const packet of tunnel.readable) heard.push(packet.length);
      ended.pop()!.resolve();
    };
    for (const place of PLACES) {
      const { socket, opened } = browse(`${world.url}/${place}/`);
      await opened;
      for (let n = 0; n < 20; n++) socket.send(n % 2 ? "text" : new Uint8Array(100_000));
      socket.close();
      await soon(ended.at(-1)!.promise, "the end at the service");
      equal(heard.splice(0), Array(10).fill([100_000, 4]).flat(), place);
    }
  }),
  inWorld("a browser that reads nothing holds a service back", async (world) => {
    const written: Record<string, number> = {};
    const over = new Set<string>();
    world.handler = async (tunnel) => {
      const path = tunnel.path!;
      tunnel.closed.finally(() => over.add(path)).catch(() => {});
      const writer = tunnel.writable.getWriter();
      written[path] = 0;
      for (const message = new Uint8Array(64 * 1024); written[path] < 400 * MIB; written[path] += message.length) {
        await writer.write(message);
      }
    };
    // Side by side: when a browser has gone, its service has five seconds.
    await Promise.all(PLACES.map(async (place) => {
      const path = `/to-${place}`;
      const silent = await bare(world.url, `/${place}${path}`);
      silent.pause();
      let at = -1;
      // The buffers of the operating system fill up first. Behind an upstream, whose client cannot be held back, it is closed.
      for (let round = 0; at !== written[path] && !over.has(path) && round < 100; round++) {
        at = written[path];
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      equal(written[path] < 64 * MIB, true, `${place}: ${written[path]} bytes were written`);
      silent.destroy();
      await until(() => over.has(path), "the tunnel's end", 2000);
    }));
  }, 20_000),
  inWorld("a service that reads nothing holds a browser back, or loses it", async (world, runtime) => {
    const taken: IncomingTunnel[] = [];
    world.handler = (tunnel) => (taken.push(tunnel), tunnel.accept());
    const { socket, opened, closed } = browse(`${world.url}/direct/`);
    await opened;
    for (let sent = 0; sent < 100 * MIB; sent += MIB) socket.send(new Uint8Array(MIB));
    // Deno cannot wait. Its sockets are closed; of the code a client that is still sending hears nothing, the service does.
    if (runtime === "deno") await soon(closed, "the close");
    let at = -1;
    for (; at !== socket.bufferedAmount; await new Promise((resolve) => setTimeout(resolve, 200))) {
      at = socket.bufferedAmount;
    }
    // What was taken is still there, and no more of it than a few MiB.
    if (runtime !== "deno") equal(at > 50 * MIB, true, `${at} bytes wait at the browser`);
    let read = 0;
    for await (const packet of taken[0].readable) {
      read += packet.length;
      if (runtime !== "deno" && read === 100 * MIB) socket.close();
    }
    equal(runtime === "deno" ? read >= 8 * MIB && read < 16 * MIB : read === 100 * MIB, true, `${read} bytes arrived`);
    if (runtime === "deno") equal(taken[0].farClose?.code, 1013);
    await taken[0].writable.close();
  }),
  inWorld(
    "a page that leaves while the service decides takes its tunnel along",
    async (world) => {
      const asked = Promise.withResolvers<IncomingTunnel>();
      world.handler = (tunnel) => {
        asked.resolve(tunnel);
        return new Promise<never>(() => {});
      };
      const page = await bare(world.url, "/direct/slow");
      const tunnel = await soon(asked.promise, "the tunnel");
      await new Promise((resolve) => setTimeout(resolve, 50));
      equal(tunnel.signal.aborted, false);
      page.destroy();
      await soon(aborted(tunnel.signal), "its end");
    },
    undefined,
    ({ runtime }) => runtime === "node" ? "Node's upgrades come without a signal" : undefined,
  ),
];
