import type { IncomingTunnel, Packet } from "../../src/proxy/mod.ts";
import { serveTunnels, tunnelDial } from "../../src/proxy/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { inFabric, openStreams, soon } from "./http_kit.ts";
import { raw } from "./http_raw.ts";
import { bytes, connected, within } from "./state_kit.ts";

/** What ends a tunnel, when, and what is left of it. */
export const cases: Case[] = [
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
];
