import type { IncomingTunnel, Packet } from "../../src/proxy/mod.ts";
import { serveTunnels, tunnelDial } from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { inFabric, openStreams, type Pair, soon } from "./http_kit.ts";
import { raw } from "./http_raw.ts";
import { bytes, connected, within } from "./state_kit.ts";

/** What ends a tunnel, when, and what is left of it. */
export const pairs: Pair[] = [
  // Three tunnels that were opened and closed kept all three places of a service whose handler waits for something else.
  inFabric("a tunnel that is over gives its place back, whatever its handler does", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const taken: IncomingTunnel[] = [];
    serveTunnels(service, async (tunnel) => {
      taken.push(tunnel);
      if (tunnel.remoteHint !== "wait") tunnel.accept();
      await new Promise(() => {});
    }, { maxTunnels: 2 });
    for (let round = 0; round < 3; round++) {
      const tunnel = await soon(tunnelDial(agent, service.topic, "tcp"), "a place");
      const second = await soon(tunnelDial(agent, service.topic, "tcp"), "a place");
      equal((await rejects(tunnelDial(agent, service.topic, "tcp"), "TunnelClosedError")).reason, "quota");
      tunnel.close();
      second.close();
      await fabric.advance(1);
    }
    // Neither does one that was given up before it was taken.
    for (let round = 0; round < 3; round++) {
      const late = tunnelDial(agent, service.topic, "tcp", { remoteHint: "wait", timeoutMs: 100 });
      await rejects(within(fabric, late, "1s"), "TunnelClosedError");
    }
    equal(taken.map(({ signal }) => signal.aborted), Array(9).fill(true), "every handler is told");
    (await tunnelDial(agent, service.topic, "tcp")).close();
    await fabric.advance(1);
  }),
  // A datagram of nine bytes that was cut at two, and then a half-close, was read as the end of a tunnel without messages.
  inFabric("an end in the middle of a message is an error, not an end", async (fabric) => {
    const [service] = await connected(fabric.service());
    service.onError(() => {});
    const ends: unknown[] = [];
    serveTunnels(service, async (tunnel) => {
      const got: Packet[] = [];
      try {
        for await (const packet of tunnel.readable) got.push(packet);
        ends.push(`clean after ${got.length}`);
      } catch (error) {
        const { name, reason, detail } = error as Error & { reason: string; detail: string };
        ends.push([got.length, name, reason, detail]);
        await rejects(soon(tunnel.closed, "the end"), "TunnelClosedError");
      }
    });
    const client = await raw(fabric.gateway);
    const whole = [0, 0, 0, 2, 0, 1, 2];
    for (const [at, cut] of [[0, 0, 0, 9, 0, 1, 2], [0, 0, 0], [...whole, 0], whole].entries()) {
      client.open(at * 2 + 1, service.topic, { protocol: at === 0 ? "udp" : "websocket" }, false, 2);
      await client.next("head");
      client.chunk(at * 2 + 1, new Uint8Array(cut), 1);
      await fabric.advance(1);
      if (at < 3) equal((await client.next("reset")).body.code, "INVALID_ARGUMENT", "the other end hears of it");
    }
    const error = ["TunnelClosedError", "error", "It ended in the middle of a message"];
    equal(ends, [[0, ...error], [0, ...error], [1, ...error], "clean after 1"]);
    client.leave();
  }),
  // The limit counted what was read: bytes every 90 ms were nothing to a tunnel of 300 ms whose reader was busy for 400.
  inFabric("a tunnel is not idle while something arrives, read or not", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const go = Promise.withResolvers<void>();
    const got: number[] = [];
    serveTunnels(service, async (tunnel) => {
      tunnel.accept();
      await go.promise;
      for await (const packet of tunnel.readable) got.push(packet.length);
    });
    const tunnel = await tunnelDial(agent, service.topic, "tcp", { idleTimeoutMs: 300 });
    const writer = tunnel.writable.getWriter();
    for (let round = 0; round < 10; round++) {
      await fabric.advance(90);
      await writer.write(bytes("ten bytes "));
    }
    await fabric.advance(90);
    go.resolve();
    await writer.close();
    await fabric.advance(1);
    equal(got.reduce((sum, length) => sum + length, 0), 100);
    tunnel.close();
    await fabric.advance(1);
  }),
  inFabric("a large message on its way to a slow reader is no idle tunnel", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const far = Promise.withResolvers<ReadableStreamDefaultReader<Packet>>();
    serveTunnels(service, (tunnel) => far.resolve(tunnel.readable.getReader()));
    const tunnel = await tunnelDial(agent, service.topic, "tcp", { idleTimeoutMs: 1000 });
    const size = 2 * 1024 * 1024;
    const writing = tunnel.writable.getWriter().write(new Uint8Array(size));
    const reader = await far.promise;
    for (let read = 0; read < size;) {
      await fabric.advance(200);
      read += (await soon(reader.read(), "the next piece")).value!.length;
    }
    await writing;
    tunnel.close();
    await fabric.advance(1);
  }),
  // Each dial that was refused left a listener at the caller's signal, for as long as that lived.
  inFabric("a dial leaves no listener at its signal, taken or not", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveTunnels(service, (tunnel) => {
      if (tunnel.remoteHint === "no") throw new Error("no");
    });
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    for (const remoteHint of ["no", "no"]) {
      await rejects(tunnelDial(agent, service.topic, "tcp", { signal, remoteHint }), "TunnelClosedError");
    }
    await rejects(tunnelDial(agent, "sv::nobody", "tcp", { signal }), "TunnelClosedError");
    await rejects(tunnelDial(agent, "sv::", "tcp", { signal }), "TunnelClosedError").catch(() => {});
    equal(listeners, 0, "listeners after dials that were refused");
    const tunnel = await tunnelDial(agent, service.topic, "tcp", { signal });
    tunnel.close();
    await fabric.advance(1);
    equal([listeners, openStreams(agent)], [0, 0]);
  }),
  inFabric("a tunnel that is not taken in time was never idle", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveTunnels(service, () => new Promise(() => {}));
    const late = tunnelDial(agent, service.topic, "tcp", { timeoutMs: 100 });
    const error = await rejects(within(fabric, late, "1s"), "TunnelClosedError");
    equal([error.reason, error.detail], ["open_timeout", `"${service.topic}" did not take it within 100 ms`]);
    // The same when the time passes before there is a connection to open it on.
    fabric.faults.killGateway();
    await fabric.advance(1);
    const unsent = tunnelDial(agent, service.topic, "tcp", { timeoutMs: 100 });
    equal((await rejects(within(fabric, unsent, "1s"), "TunnelClosedError")).reason, "open_timeout");
    await fabric.faults.restartGateway();
  }),
  inFabric("a WebSocket's subprotocol, close code and reason are told to the other end", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const told: unknown[] = [];
    serveTunnels(service, async (tunnel) => {
      if (tunnel.remoteHint !== "silent") tunnel.accept({ protocol: tunnel.protocols[1] ?? "" });
      const writer = tunnel.writable.getWriter();
      for await (const packet of tunnel.readable) await writer.write(packet);
      told.push(tunnel.farClose ?? null);
      tunnel.ownClose = { code: 4001, reason: "é".repeat(100) };
      await writer.close();
    });
    for (const [remoteHint, protocols] of [["", ["v1", "v2"]], ["", []], ["silent", ["v1"]]] as const) {
      const tunnel = await tunnelDial(agent, service.topic, "websocket", { remoteHint, protocols });
      told.push(tunnel.protocol ?? null);
      if (remoteHint === "") tunnel.ownClose = { code: 4000, reason: "enough" };
      equal(tunnel.farClose, undefined);
      await tunnel.writable.close();
      for await (const _ of tunnel.readable);
      // As much of it as a close frame has room for, in whole letters.
      equal(tunnel.farClose, { code: 4001, reason: "é".repeat(61) });
    }
    const enough = { code: 4000, reason: "enough" };
    equal(told, ["v2", enough, "", enough, null, null]);
  }),
];
