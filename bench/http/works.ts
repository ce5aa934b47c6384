/** Callers of HTTP: by the platform's `fetch`, and for ours also by a client's own connection. */
import { AgentClient } from "@aether-edge/sdk";
import { AetherFetchTransport } from "@aether-edge/sdk/proxy";
import type { Fetches, Works } from "../lib/scenario.ts";

/** @param url base address, and behind a `#` the gateway's */
export async function works(url: string): Promise<Works> {
  const [base, gateway] = url.split("#");
  const plain: Fetches = { name: "", fetch: (path, init) => fetch(base + path, init) };
  if (!gateway) return { http: [plain] };
  const agent = new AgentClient({ address: gateway, workspace: "bench", implementation: "caller", specifier: "1" });
  await agent.connect();
  const transport = new AetherFetchTransport(agent, "sv::bench");
  return { http: [plain, { name: "sdk_", fetch: (path, init) => transport.fetch(path, init) }] };
}
