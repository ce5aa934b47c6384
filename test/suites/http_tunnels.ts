import {
  type IncomingTunnel,
  type Packet,
  serveHttp,
  serveTunnels,
  type Tunnel,
  tunnelDial,
} from "../../src/proxy/mod.ts";
import { StreamKind } from "../../src/protocol/stream_frames.ts";
import { channelsOf } from "../../src/session/channels.ts";
import { LINK } from "../../src/session/link.ts";
import { equal, rejects } from "./assert.ts";
import { both, inFabric, openStreams, type Pair, pattern, same, soon } from "./http_kit.ts";
import { bytes, connected, within } from "./state_kit.ts";

async function all(readable: ReadableStream<Packet>): Promise<Packet[]> {
  const got: Packet[] = [];
  const reader = readable.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) got.push(value!);
  return got;
}

const joined = (packets: Packet[]): Uint8Array =>
  new Uint8Array(packets.flatMap((packet) => [...(packet as Uint8Array)]));
const words = (packets: Packet[]): string => new TextDecoder().decode(joined(packets));
const shown = (packet: Packet): string => typeof packet === "string" ? `text ${packet}` : `bytes ${[...packet]}`;

async function write(tunnel: Tunnel, ...packets: Packet[]): Promise<WritableStreamDefaultWriter<Packet>> {
  const writer = tunnel.writable.getWriter();
  for (const packet of packets) await writer.write(packet);
  return writer;
}

/** Tunnels between two, wherever the gateway is. */
export const pairs: Pair[] = [
  both("a tcp tunnel carries bytes both ways, and each way ends by itself", async ({ agent, service, any }) => {
    const log: string[] = [];
    const off = serveTunnels(service, async (tunnel) => {
      // It hears the whole question before it says a word: the other way must stay open.
      const question = words(await all(tunnel.readable));
      log.push(question);
      const writer = await write(tunnel, bytes("answer to "), bytes(question));
      await writer.close();
    });
    const tunnel = await tunnelDial(agent, any, "tcp");
    const writer = await write(tunnel, bytes("a "), bytes("question"));
    await writer.close();
    equal(words(await soon(all(tunnel.readable), "the answer")), "answer to a question");
    await soon(tunnel.closed, "the end");
    equal(log, ["a question"]);
    // And the other way round: the far end is silent first.
    off();
    serveTunnels(service, async (far) => {
      const writer = await write(far, bytes("that was all"));
      await writer.close();
      log.push(words(await all(far.readable)));
    });
    const second = await tunnelDial(agent, any, "tcp");
    equal(words(await soon(all(second.readable), "the far end")), "that was all");
    await (await write(second, bytes("still here"))).close();
    await soon(second.closed, "the end");
    for (let n = 0; n < 100 && log.length < 2; n++) await new Promise((resolve) => setTimeout(resolve, 1));
    equal(log[1], "still here");
  }),
  both("a megabyte goes through an echo unchanged", async ({ agent, service, any }) => {
    serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable));
    const tunnel = await tunnelDial(agent, any, "tcp");
    const sent = pattern(1024 * 1024);
    const reading = all(tunnel.readable);
    await (await write(tunnel, sent)).close();
    const got = await soon(reading, "the echo");
    const whole = new Uint8Array(await new Blob(got as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    equal(same(whole, sent), true);
    await tunnel.closed;
  }),
  both("udp and websocket keep the borders of messages, and what is text", async ({ agent, service, any }) => {
    serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable));
    for (const protocol of ["udp", "websocket"] as const) {
      const tunnel = await tunnelDial(agent, any, protocol);
      const sent = [bytes("one"), "zwö", new Uint8Array(), "", pattern(100_000), bytes("x")];
      const reading = all(tunnel.readable);
      await (await write(tunnel, ...sent)).close();
      equal((await soon(reading, "the echo")).map(shown), sent.map(shown), protocol);
      await tunnel.closed;
    }
  }),
  both("what the opener says reaches the handler, with who it is", async ({ agent, service, any }) => {
    const seen = Promise.withResolvers<IncomingTunnel>();
    serveTunnels(service, (tunnel) => (seen.resolve(tunnel), tunnel.close()));
    const tunnel = await tunnelDial(agent, any, "websocket", {
      remoteHint: "db:5432",
      backend: "blue",
      sessionToken: "secret",
      metadata: { a: "b" },
      path: "/ws/../chat?x",
      protocols: ["v1", "v2"],
      headers: { "x-a": "1", "x-aether-caller": "root", "x-auth-user": "root" },
    });
    const far = await seen.promise;
    equal([far.protocol, far.caller, far.workspace, far.remoteHint, far.backend], [
      "websocket",
      agent.topic,
      agent.workspace,
      "db:5432",
      "blue",
    ]);
    equal([far.sessionToken, far.metadata, far.path, far.protocols], ["secret", { a: "b" }, "/chat?x", ["v1", "v2"]]);
    equal([far.headers.get("x-a"), far.headers.get("x-aether-caller"), far.headers.get("x-auth-user")], [
      "1",
      agent.topic,
      null,
    ]);
    await soon(tunnel.closed, "the end");
  }),
  inFabric("a tunnel that is refused says why", async (fabric) => {
    const [agent, service, silent] = await connected(fabric.agent(), fabric.service(), fabric.service());
    serveTunnels(service, (tunnel) => {
      if (tunnel.remoteHint !== "db:5432") throw new Error(`"${tunnel.remoteHint}" is not on the list`);
    }, { maxTunnels: 1 });
    const error = await rejects(tunnelDial(agent, service.topic, "tcp", { remoteHint: "evil:1" }), "TunnelClosedError");
    equal([error.reason, /not on the list/.test(error.detail as string)], ["error", true]);
    const open = await tunnelDial(agent, service.topic, "tcp", { remoteHint: "db:5432" });
    const more = await rejects(tunnelDial(agent, service.topic, "tcp", { remoteHint: "db:5432" }), "TunnelClosedError");
    equal(more.reason, "quota");
    open.close();
    await soon(open.closed, "the end");
    await rejects(tunnelDial(agent, silent.topic, "tcp"), "TunnelClosedError");
    await rejects(tunnelDial(agent, "sv::nobody", "tcp"), "TunnelClosedError");
    await rejects(tunnelDial(agent, service.topic, "sctp" as "tcp"), "InvalidArgumentError");
    const [other] = await connected(fabric.agent({ workspace: "there" }));
    await rejects(tunnelDial(other, agent.topic, "tcp"), "TunnelClosedError");
    equal(openStreams(agent), 0);
  }),
  inFabric("a tunnel ends by its signal: before, while it is opened, afterwards", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const go = Promise.withResolvers<void>();
    const far: IncomingTunnel[] = [];
    serveTunnels(service, async (tunnel) => {
      if (tunnel.remoteHint === "wait") await go.promise;
      tunnel.accept();
      far.push(tunnel);
    });
    await rejects(tunnelDial(agent, service.topic, "tcp", { signal: AbortSignal.abort() }), "AbortError");
    const controller = new AbortController();
    const { signal } = controller;
    const opening = tunnelDial(agent, service.topic, "tcp", { signal, remoteHint: "wait" });
    await fabric.advance(1);
    controller.abort();
    await rejects(soon(opening, "the opening"), "AbortError");
    const late = tunnelDial(agent, service.topic, "tcp", { remoteHint: "wait", timeoutMs: 100 });
    equal((await rejects(within(fabric, late, "1s"), "TunnelClosedError")).reason, "open_timeout");
    go.resolve();
    const after = new AbortController();
    const tunnel = await tunnelDial(agent, service.topic, "tcp", { signal: after.signal });
    after.abort();
    await rejects(soon(tunnel.closed, "the end"), "TunnelClosedError");
    await rejects(soon(far.at(-1)!.closed, "the far end"), "TunnelClosedError");
    await rejects(tunnel.readable.getReader().read(), "TunnelClosedError");
    await rejects(tunnel.writable.getWriter().write(bytes("x")), "TunnelClosedError");
  }),
  inFabric("close is a normal end on both sides", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const far = Promise.withResolvers<IncomingTunnel>();
    serveTunnels(service, async (tunnel) => {
      tunnel.accept();
      far.resolve(tunnel);
      await tunnel.closed;
    });
    const tunnel = await tunnelDial(agent, service.topic, "tcp");
    tunnel.close("done here");
    await soon(tunnel.closed, "this end");
    await soon((await far.promise).closed, "the far end");
  }),
  inFabric("an idle tunnel is closed, a busy one is not", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const far: IncomingTunnel[] = [];
    serveTunnels(service, (tunnel) => {
      far.push(tunnel);
      return tunnel.readable.pipeTo(tunnel.writable);
    });
    service.onError(() => {});
    const tunnel = await tunnelDial(agent, service.topic, "tcp", { idleTimeoutMs: 1000 });
    const [writer, reader] = [tunnel.writable.getWriter(), tunnel.readable.getReader()];
    for (let n = 0; n < 5; n++) {
      await fabric.advance(900);
      await writer.write(bytes("x"));
      equal((await reader.read()).value, bytes("x"));
    }
    tunnel.closed.catch(() => {});
    await fabric.advance(1001);
    equal((await rejects(tunnel.closed, "TunnelClosedError")).reason, "idle_timeout");
    equal((await rejects(soon(far[0].closed, "the far end"), "TunnelClosedError")).reason, "idle_timeout");
  }),
  inFabric("a tunnel carries so many bytes at most, both ways together", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    service.onError(() => {});
    serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable), { maxBytes: 1000 });
    const tunnel = await tunnelDial(agent, service.topic, "tcp", { maxBytes: 5000 });
    const [writer, reader] = [tunnel.writable.getWriter(), tunnel.readable.getReader()];
    await writer.write(pattern(400));
    equal((await reader.read()).value!.length, 400);
    await writer.write(pattern(400));
    const error = await rejects(soon(tunnel.closed, "the end"), "TunnelClosedError");
    equal(error.reason, "quota");
  }),
  inFabric("a far end that dies is told as peer_reset", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveTunnels(service, (tunnel) => tunnel.accept());
    const tunnel = await tunnelDial(agent, service.topic, "tcp");
    fabric.faults.cut(service);
    equal((await rejects(soon(tunnel.closed, "the end"), "TunnelClosedError")).reason, "peer_reset");
  }),
  inFabric("messages that cannot be taken apart end both ways", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const ended = Promise.withResolvers<unknown>();
    serveTunnels(service, (tunnel) => all(tunnel.readable).catch(ended.resolve));
    service.onError(() => {});
    const channel = channelsOf(agent[LINK]).open(StreamKind.Tunnel, service.topic, { protocol: "websocket" }, false);
    await channel.answered();
    channel.write(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0, 1]));
    await soon(ended.promise, "the far end");
    await fabric.advance(1);
    equal(channel.error !== undefined, true, "this end heard of it");
  }),
  inFabric("a handler that fails after it has accepted closes the tunnel", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const reported: unknown[] = [];
    service.onError((error) => void reported.push(error));
    serveTunnels(service, (tunnel) => {
      tunnel.accept();
      throw new Error("the database is gone");
    });
    const tunnel = await tunnelDial(agent, service.topic, "tcp");
    const error = await rejects(soon(tunnel.closed, "the end"), "TunnelClosedError");
    equal([/database/.test(error.message), reported.length], [true, 1]);
  }),
  inFabric("a far end that does not read holds the writer back", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveTunnels(service, (tunnel) => tunnel.accept());
    const tunnel = await tunnelDial(agent, service.topic, "tcp");
    const writer = tunnel.writable.getWriter();
    let written = 0;
    (async () => {
      for (;; written++) await writer.write(pattern(10_000));
    })().catch(() => {});
    await fabric.advance("1m");
    equal(written > 20 && written < 30, true, `${written} pieces`);
    tunnel.close();
    await fabric.advance(1);
  }),
  inFabric("a tunnel whose both ways have ended is over, whoever has not read", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveTunnels(service, (tunnel) => write(tunnel, bytes("hello")).then((writer) => writer.close()), {
      maxTunnels: 1,
    });
    for (let n = 0; n < 3; n++) {
      const tunnel = await tunnelDial(agent, service.topic, "tcp");
      await (await write(tunnel, bytes("never read"))).close();
      await soon(tunnel.closed, "the end");
      equal(words(await all(tunnel.readable)), "hello");
      await fabric.advance(1);
    }
  }),
  inFabric("a service that has closed its HTTP takes tunnels as before", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const http = serveHttp(service, () => new Response("x"));
    serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable));
    await http.close();
    const tunnel = await tunnelDial(agent, "sv::service", "tcp");
    await (await write(tunnel, bytes("still"))).close();
    equal(words(await all(tunnel.readable)), "still");
  }),
];
