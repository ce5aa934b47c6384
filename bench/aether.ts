/** Parties over our own client. */
import { AgentClient, agentTopic } from "@aether-edge/sdk";
import type { Party } from "./lib/scenario.ts";

const WORKSPACE = "bench";
const IMPLEMENTATION = "party";

/** Connects an agent. */
export async function join(url: string, index: number): Promise<Party> {
  const options = { address: url, workspace: WORKSPACE, implementation: IMPLEMENTATION, specifier: String(index) };
  const client = new AgentClient({ ...options, reconnect: false });
  client.onError((error) => {
    throw error;
  });
  await client.connect();
  const topics: string[] = [];
  const topic = (to: number): string => (topics[to] ??= agentTopic(WORKSPACE, IMPLEMENTATION, String(to)));
  return {
    send: (to, bytes) => client.send({ targetTopic: topic(to), payload: bytes }),
    broadcast: (bytes) => client.broadcastToAgents(WORKSPACE, bytes),
    onMessage: (handler) => void client.onMessage((message) => handler(message.payload)),
    request: async (to, bytes) => (await client.request(topic(to), bytes)).payload,
    echo: () => void client.onRequest((message) => message.payload),
    close: () => client.disconnect(),
  };
}
