import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { AgentClient, ServiceClient } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { type IncomingTunnel, serveTunnels, type Tunnel, tunnelDial } from "../../src/proxy/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Case } from "../harness.ts";
import { equal, rejects, until } from "./assert.ts";
import { openStreams, pattern, same, soon } from "./http_kit.ts";
import { loadRim } from "./rim.ts";
import { bytes } from "./state_kit.ts";

/** An agent, and a service that connects to `remoteHint` whatever it is: this is a test. The gateway is at a real port. */
interface World {
  agent: AgentClient;
  service: ServiceClient;
  dial(protocol: "tcp" | "udp", port: number): Promise<Tunnel>;
}

function inWorld(name: string, body: (world: World, runtime: string) => Promise<void>): Case {
  return {
    name: `http: ${name}`,
    async run({ runtime }) {
      const { serve } = await loadRim(runtime);
      const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
      const server = await serve(gateway);
      const address = server.url;
      const agent = new AgentClient({ address, workspace: "w", implementation: "desk", specifier: "1" });
      const service = new ServiceClient({ address, implementation: "jump", specifier: "1" });
      try {
        await Promise.all([agent.connect(), service.connect()]);
        service.onError(() => {});
        serveTunnels(service, (tunnel) => tunnel.protocol === "udp" ? toDatagrams(tunnel) : toServer(tunnel));
        const dial = (protocol: "tcp" | "udp", port: number): Promise<Tunnel> =>
          tunnelDial(agent, "sv::jump", protocol, { remoteHint: String(port) });
        await body({ agent, service, dial }, runtime);
        await until(() => openStreams(agent) + openStreams(service) === 0, "all streams are over");
      } finally {
        await Promise.all([agent.disconnect(), service.disconnect()]);
        await gateway.close();
        await server.close();
      }
    },
  };
}

/** As in docs/http.md: a tunnel joined to a TCP server. */
async function toServer(tunnel: IncomingTunnel): Promise<void> {
  const { remoteHint, signal } = tunnel;
  const socket = connect({ host: "127.0.0.1", port: Number(remoteHint), allowHalfOpen: true });
  await once(socket, "connect", { signal });
  await pipeline(tunnel.readable as never, socket, tunnel.writable as never);
}

/** The same for datagrams; it ends when its opener does. */
async function toDatagrams(tunnel: IncomingTunnel): Promise<void> {
  const socket = createSocket("udp4");
  const writer = tunnel.writable.getWriter();
  socket.on("message", (message) => writer.write(new Uint8Array(message)).catch(() => {}));
  try {
    for await (const packet of tunnel.readable) socket.send(packet, Number(tunnel.remoteHint), "127.0.0.1");
    await writer.close();
  } finally {
    socket.close();
  }
}

async function listening(handler: Parameters<typeof createServer>[1]): Promise<AsyncDisposable & { port: number }> {
  const server = createServer({ allowHalfOpen: true }, handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

/** Tunnels that lead to real servers of TCP and UDP. */
export const cases: Case[] = [
  inWorld("a tcp tunnel leads to a TCP server: bytes both ways, each end by itself", async ({ dial }) => {
    const size = 8 * 1024 * 1024;
    await using server = await listening((socket) => {
      // It answers when it has heard everything, so that each way has to end by itself.
      const heard: Uint8Array[] = [];
      socket.on("data", (piece) => heard.push(piece as Uint8Array));
      socket.on("end", async () => {
        for (const piece of heard) if (!socket.write(piece)) await once(socket, "drain");
        socket.end();
      });
    });
    const tunnel = await dial("tcp", server.port);
    const sent = pattern(size);
    const writer = tunnel.writable.getWriter();
    writer.write(sent).then(() => writer.close());
    const got: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of tunnel.readable) got.push(piece as Uint8Array<ArrayBuffer>);
    equal(same(new Uint8Array(await new Blob(got).arrayBuffer()), sent), true, "what came back");
    await soon(tunnel.closed, "the end");
  }),
  inWorld(
    "a tcp tunnel to a port where nobody listens is refused; one whose server breaks is an error",
    async ({ dial }) => {
      const nobody = await listening(() => {});
      await nobody[Symbol.asyncDispose]();
      const refused = await rejects(dial("tcp", nobody.port), "TunnelClosedError");
      equal(
        [refused.reason, /ECONNREFUSED|refused/i.test(String(refused.detail))],
        ["error", true],
        String(refused.detail),
      );
      await using server = await listening((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.resetAndDestroy());
      });
      const tunnel = await dial("tcp", server.port);
      await tunnel.writable.getWriter().write(bytes("hello"));
      await rejects(soon(tunnel.closed, "the end"), "TunnelClosedError");
    },
  ),
  inWorld("a TCP server that reads nothing holds the opener back", async ({ dial }) => {
    const taken = Promise.withResolvers<Socket>();
    await using server = await listening((socket) => {
      socket.on("error", () => {});
      socket.on("end", () => socket.end());
      taken.resolve(socket.pause());
    });
    const tunnel = await dial("tcp", server.port);
    const writer = tunnel.writable.getWriter();
    let written = 0;
    (async () => {
      for (;; written += 65536) await writer.write(new Uint8Array(65536));
    })().catch(() => {});
    for (let at = -1; at !== written && written < 1e9;) {
      at = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    equal(written < 64 * 1024 * 1024, true, `${written} bytes were written`);
    tunnel.close();
    const socket = await taken.promise;
    const closed = once(socket, "close");
    socket.resume();
    await soon(closed, "the end of the connection");
  }),
  inWorld("an opener that reads nothing holds a TCP server back", async ({ dial }) => {
    let written = 0;
    await using server = await listening((socket) => {
      socket.on("error", () => {});
      const more = (): void => {
        while (!socket.destroyed && socket.write(new Uint8Array(65536))) written += 65536;
      };
      socket.on("drain", more);
      more();
    });
    const tunnel = await dial("tcp", server.port);
    for (let at = -1; at !== written && written < 1e9;) {
      at = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    equal(written < 64 * 1024 * 1024, true, `${written} bytes were written`);
    tunnel.close();
  }),
  inWorld("a udp tunnel leads to a UDP socket, and keeps the borders of datagrams", async ({ dial }) => {
    const echo = createSocket("udp4");
    echo.bind(0, "127.0.0.1");
    await once(echo, "listening");
    echo.on("message", (message, { port, address }) => echo.send(message, port, address));
    try {
      const tunnel = await dial("udp", echo.address().port);
      const writer = tunnel.writable.getWriter();
      const reader = tunnel.readable.getReader();
      // One after the other: datagrams may be lost, and come in any order.
      for (const size of [1, 9, 1200, 30_000]) {
        const sent = pattern(size);
        await writer.write(sent);
        equal(same((await soon(reader.read(), "the echo")).value as Uint8Array, sent), true, `${size} bytes`);
      }
      await writer.close();
      equal((await soon(reader.read(), "the end")).done, true);
      await soon(tunnel.closed, "the end");
    } finally {
      echo.close();
    }
  }),
];
