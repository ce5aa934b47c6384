import type { Case, Env } from "../harness.ts";
import { cases as auditCases } from "./audit.ts";
import { cases as clientCases } from "./client.ts";
import { cases as fabricCases } from "./fabric.ts";
import { cases as httpCases, socketCases as httpSocketCases } from "./http.ts";
import { cases as portCases } from "./http_ports.ts";
import { cases as brokenPortCases } from "./http_ports_broken.ts";
import { cases as tunnelSocketCases } from "./http_tunnel_sockets.ts";
import { cases as upgradeCases } from "./http_upgrade.ts";
import { cases as upstreamCases } from "./http_upstream.ts";
import { cases as launchCases } from "./launches.ts";
import { loadRim } from "./rim.ts";
import { cases as stateCases } from "./state.ts";
import { cases as socketCases } from "./state_socket.ts";
import { cases as taskCases } from "./tasks.ts";
import { cases as tlsCases } from "./tls.ts";
import { cases as vectorCases } from "./vectors.ts";
import { cases as workerCases } from "./worker.ts";

/** Client cases need a gateway: where the driver gives none, each run brings its own on a real port. */
const served: Case[] = [...clientCases, ...socketCases, ...httpSocketCases].map((one) => ({
  ...one,
  async run(env: Env): Promise<void> {
    const { allowAll, createGateway } = await import("../../src/gateway/mod.ts");
    const { memoryStore } = await import("../../src/store/memory.ts");
    const { serve } = await loadRim(env.runtime);
    const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
    const server = await serve(gateway);
    try {
      await one.run({ ...env, gatewayUrl: server.url, serve });
    } finally {
      await gateway.close();
      await server.close();
    }
  },
}));

/** Cases that bring their own world along and run on every runtime that can serve. */
export const suites: Case[] = [
  ...served,
  ...auditCases,
  ...fabricCases,
  ...httpCases,
  ...portCases,
  ...brokenPortCases,
  ...upgradeCases,
  ...upstreamCases,
  ...tunnelSocketCases,
  ...launchCases,
  ...stateCases,
  ...taskCases,
  ...tlsCases,
  ...vectorCases,
  ...workerCases,
];
