import { AetherError } from "../../mod.ts";
import { AetherFetchTransport, ProxyHttpError, serveHttp, serveTunnels, tunnelDial } from "../../src/proxy/mod.ts";
import type { TestFabric } from "../../src/testing/mod.ts";
import { equal, rejects } from "./assert.ts";
import { Fuse } from "./fuse.ts";
import {
  aborted,
  bodiesAreOpaque,
  forget,
  hand,
  inFabric,
  noLeak,
  openStreams,
  type Pair,
  pattern,
  piece,
  same,
  soon,
} from "./http_kit.ts";
import { connected } from "./state_kit.ts";

type Side = "caller" | "service";

/** One exchange with a cut at a frame; whether the cut came before its end. */
async function cutAt(fabric: TestFabric, side: Side, at: number, exchange: Exchange): Promise<boolean> {
  const fuse = new Fuse(() => fabric.gateway);
  const soonBack = { reconnectDelay: 10, maxReconnectDelay: 10 };
  const named = (own: Side) => ({
    specifier: `${own}-${at}`,
    ...soonBack,
    ...(own === side ? { dial: fuse.dial } : {}),
  });
  const [agent, service] = await connected(fabric.agent(named("caller")), fabric.service(named("service")));
  service.onError(() => {});
  const signals: AbortSignal[] = [];
  const statuses: number[] = [];
  let running = 0;
  serveHttp(service, async (request) => {
    signals.push(request.signal);
    running++;
    try {
      return await exchange.answer(request);
    } finally {
      running--;
    }
  }, { onRequest: ({ status }) => void statuses.push(status) });
  fuse.arm(at);
  const result = exchange.ask(new AetherFetchTransport(agent, exchange.any ? "sv::service" : service.topic));
  const what = `cut of the ${side} at ${at}`;
  const became = await soon(result.then(() => undefined, (error) => error), what);
  const wasCut = fuse.hasBlown;
  fuse.arm(Infinity);
  if (became !== undefined) {
    equal(became instanceof AetherError, true, `${what}: ${became}`);
    equal(became instanceof ProxyHttpError, true, `${what}: ${became}`);
    equal(wasCut, true, `${what}: failed without a cut: ${became}`);
  }
  await fabric.advance("1s");
  equal(running, 0, `${what}: handlers that still wait`);
  // What was answered to its last byte needs no signal.
  const isHeard = signals.every(({ aborted }, at) => aborted || statuses[at] > 0);
  equal(isHeard, true, `${what}: the handler's signal`);
  equal([openStreams(agent), openStreams(service)], [0, 0], what);
  await noLeak();
  // Both are as good as before.
  const after = await new AetherFetchTransport(agent, service.topic).fetch("/after", { method: "POST", body: "x" });
  equal((await after.arrayBuffer()).byteLength >= 0, true, what);
  await Promise.all([agent.disconnect(), service.disconnect()]);
  return wasCut;
}

interface Exchange {
  /** Whether any instance is asked. */
  any?: boolean;
  answer(request: Request): Response | Promise<Response>;
  ask(transport: AetherFetchTransport): Promise<void>;
}

const SENT = pattern(400_000);

const EXCHANGES: Record<string, Exchange> = {
  "a GET with a short answer": {
    answer: () => new Response("short"),
    ask: async ({ fetch }) => equal(await (await fetch("/")).text(), "short"),
  },
  "a POST whose body is read first": {
    answer: async (request) => new Response(String((await request.arrayBuffer()).byteLength)),
    async ask({ fetch }) {
      equal(await (await fetch("/", { method: "POST", body: SENT })).text(), String(SENT.length));
    },
  },
  "an echo, both ways at once": {
    answer: (request) => new Response(request.body),
    async ask({ fetch }) {
      const body = new Blob([SENT]).stream();
      const answer = await fetch("/", { method: "POST", body });
      equal(same(new Uint8Array(await answer.arrayBuffer()), SENT), true, "the bytes");
    },
  },
  "a GET of any instance": {
    any: true,
    answer: () => new Response("any"),
    ask: async ({ fetch }) => equal(await (await fetch("/")).text(), "any"),
  },
  "an upload piece by piece to any instance": {
    any: true,
    answer: async (request) => new Response(String((await request.arrayBuffer()).byteLength)),
    async ask({ fetch }) {
      const body = (async function* () {
        for (let at = 0; at < SENT.length; at += 30_000) yield SENT.subarray(at, at + 30_000);
      })();
      equal(await (await fetch("/", { method: "PUT", body })).text(), String(SENT.length));
    },
  },
  "a long download": {
    answer: () => new Response(pattern(900_000)),
    async ask({ fetch }) {
      const got = new Uint8Array(await (await fetch("/")).arrayBuffer());
      equal(same(got, pattern(900_000)), true, "the bytes");
    },
  },
};

/** One tunnel whose packets come back, with a cut at a frame; whether the cut came before its end. */
async function cutTunnelAt(fabric: TestFabric, side: Side, at: number): Promise<boolean> {
  const fuse = new Fuse(() => fabric.gateway);
  const own = (of: Side) => ({ specifier: `${of}-${at}`, ...(of === side ? { dial: fuse.dial } : {}) });
  const [agent, service] = await connected(fabric.agent(own("caller")), fabric.service(own("service")));
  service.onError(() => {});
  serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable));
  fuse.arm(at);
  const exchange = async (): Promise<void> => {
    const tunnel = await tunnelDial(agent, service.topic, "udp");
    const packets = [new Uint8Array(1).fill(1), pattern(70_000), new Uint8Array(3).fill(3)];
    const writer = tunnel.writable.getWriter();
    const written = (async () => {
      for (const packet of packets) await writer.write(packet);
      await writer.close();
    })();
    written.catch(() => {});
    let got = 0;
    for await (const packet of tunnel.readable) equal(same(packet as Uint8Array, packets[got++]), true, "a packet");
    equal(got, packets.length, "packets");
    await written;
    await tunnel.closed;
  };
  const what = `cut of the ${side} at ${at}`;
  const became = await soon(exchange().then(() => undefined, (error) => error), what);
  const wasCut = fuse.hasBlown;
  fuse.arm(Infinity);
  if (became !== undefined) {
    equal(became instanceof AetherError, true, `${what}: ${became}`);
    equal(wasCut, true, `${what}: failed without a cut: ${became}`);
  }
  await fabric.advance("1s");
  equal([openStreams(agent), openStreams(service)], [0, 0], what);
  await noLeak();
  await Promise.all([agent.disconnect(), service.disconnect()]);
  return wasCut;
}

/** Connections that break, at every place they can. */
export const pairs: Pair[] = [
  ...Object.entries(EXCHANGES).flatMap(([name, exchange]) =>
    (["caller", "service"] as const).map((side) =>
      inFabric(`the connection of the ${side} is cut at every frame of ${name}`, async (fabric) => {
        let at = 0;
        while (await cutAt(fabric, side, at, exchange)) at++;
        equal(at >= 2, true, `${at} frames`);
      }, { skip: bodiesAreOpaque })
    )
  ),
  ...(["caller", "service"] as const).map((side) =>
    inFabric(`the connection of the ${side} is cut at every frame of a tunnel`, async (fabric) => {
      let at = 0;
      while (await cutTunnelAt(fabric, side, at)) at++;
      equal(at >= 6, true, `${at} frames`);
    })
  ),
  inFabric(
    "a connection that is lost within a body: a typed error, an aborted signal, a cancelled source",
    async (fabric) => {
      for (const side of ["caller", "service"] as const) {
        const [agent, service] = await connected(fabric.agent(), fabric.service());
        const download = hand();
        const seen = Promise.withResolvers<unknown>();
        serveHttp(service, (request) => (aborted(request.signal).then(seen.resolve), new Response(download.stream)));
        const reader = (await new AetherFetchTransport(agent, service.topic).fetch("/")).body!.getReader();
        download.give("one");
        equal(await piece(reader), "one");
        fabric.faults.cut(side === "caller" ? agent : service);
        const error = await rejects(soon(reader.read(), "the error"), "ProxyHttpError");
        equal([error.kind, error.code], [3, "UNAVAILABLE"], side);
        await soon(seen.promise, "the signal");
        await soon(download.cancelled, "the source");
        await fabric.advance("5s");
        equal([agent.connected, service.connected], [true, true]);
      }
    },
  ),
  inFabric("a service whose process dies within a body is found by its silence", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const download = hand();
    serveHttp(service, () => new Response(download.stream));
    const reader = (await new AetherFetchTransport(agent, service.topic).fetch("/")).body!.getReader();
    download.give("one");
    equal(await piece(reader), "one");
    fabric.faults.halfOpen(service);
    const next = reader.read();
    next.catch(() => {});
    await fabric.advance("2m");
    await rejects(soon(next, "the error"), "ProxyHttpError");
  }),
  inFabric("a gateway that is killed or restarted ends every stream, and nothing hangs", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    for (const end of ["kill", "restart"] as const) {
      const [download, upload] = [hand(), hand()];
      const http = serveHttp(service, (request) => new Response(request.body ? request.body : download.stream));
      const off = serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable));
      const { fetch } = new AetherFetchTransport(agent, service.topic);
      const reader = (await fetch("/")).body!.getReader();
      const echo = (await fetch("/", { method: "POST", body: upload.stream })).body!.getReader();
      const tunnel = await tunnelDial(agent, service.topic, "tcp");
      if (end === "kill") {
        fabric.faults.killGateway();
        forget();
      }
      await fabric.faults.restartGateway();
      await rejects(soon(reader.read(), "the download"), "ProxyHttpError");
      await rejects(soon(echo.read(), "the echo"), "ProxyHttpError");
      await rejects(soon(tunnel.closed, "the tunnel"), "TunnelClosedError");
      await soon(Promise.all([download.cancelled, upload.cancelled]), "the sources");
      await fabric.advance("1m");
      equal([openStreams(agent), openStreams(service)], [0, 0]);
      off();
      await http.close();
      await fabric.advance(1);
    }
  }, { ownGateway: true }),
  inFabric("a client that leaves while its requests are open ends them with a typed error", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const seen = Promise.withResolvers<unknown>();
    serveHttp(service, (request) => (aborted(request.signal).then(seen.resolve), new Promise<never>(() => {})));
    const answer = new AetherFetchTransport(agent, service.topic).fetch("/");
    answer.catch(() => {});
    await fabric.advance(1);
    await agent.disconnect();
    await rejects(soon(answer, "the error"), "ProxyHttpError");
    await soon(seen.promise, "the signal");
    await rejects(new AetherFetchTransport(agent, service.topic).fetch("/"), "ProxyHttpError");
  }),
];
