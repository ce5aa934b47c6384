/** Parties, callers and workers over our own client. */
import { AgentClient, agentTopic, TaskClient } from "@aether-edge/sdk";
import { createWorker, defineTask } from "@aether-edge/sdk/worker";
import { expect, keys, type Party, type Works } from "./lib/scenario.ts";

const WORKSPACE = "bench";
const IMPLEMENTATION = "party";
const POOL = "pool";

/** Connects an agent. */
export async function join(url: string, index: number): Promise<Party> {
  const client = await agent(url, index);
  const topics: string[] = [];
  const topic = (to: number): string => (topics[to] ??= topicOf(to));
  return {
    send: (to, bytes) => client.send({ targetTopic: topic(to), payload: bytes }),
    broadcast: (bytes) => client.broadcastToAgents(WORKSPACE, bytes),
    onMessage: (handler) => void client.onMessage((message) => handler(message.payload)),
    request: async (to, bytes) => (await client.request(topic(to), bytes)).payload,
    echo: () => void client.onRequest((message) => message.payload),
    close: () => client.disconnect(),
  };
}

/** Connects callers, who share a connection. */
export async function works(url: string): Promise<Works> {
  const client = await agent(url, 0);
  const kv = client.kv();
  return {
    async send(payload) {
      (await agent(url, 1)).onMessage((message) => expect(message.payload));
      const targetTopic = topicOf(1);
      return { call: () => client.send({ targetTopic, payload }) };
    },
    put(value) {
      const key = keys();
      return Promise.resolve({ call: () => kv.put({ key: key(), value }) });
    },
    get() {
      const key = keys();
      return Promise.resolve({ call: async () => expect((await kv.get({ key: key() })).value) });
    },
    task(payload) {
      const call = async (): Promise<void> => {
        const handle = await client.createTask({ task: echo, payload });
        expect(await handle.result());
      };
      return Promise.resolve({ call });
    },
    async hold(payload) {
      const handle = await client.createTask({ task: hold, payload, retryPolicy: { maxAttempts: 100 } });
      return () => handle.cancel();
    },
  };
}

const echo = defineTask({ type: "echo", implementation: POOL, run: (bytes: Uint8Array) => bytes });
let begun = (): void => {};
const hold = defineTask({
  type: "hold",
  implementation: POOL,
  run: (_: Uint8Array, { signal }) => {
    begun();
    return new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  },
});

/** Takes tasks. */
export async function labour(url: string, slots: number, whenBegun: () => void): Promise<void> {
  begun = whenBegun;
  const client = new TaskClient({ address: url, workspace: WORKSPACE, implementation: POOL });
  const worker = createWorker(client, { tasks: [echo, hold], slots });
  await client.connect();
  await worker.ready();
}

async function agent(url: string, index: number): Promise<AgentClient> {
  const options = { address: url, workspace: WORKSPACE, implementation: IMPLEMENTATION, specifier: String(index) };
  const client = new AgentClient({ ...options, reconnect: false });
  client.onError((error) => {
    throw error;
  });
  await client.connect();
  return client;
}

function topicOf(index: number): string {
  return agentTopic(WORKSPACE, IMPLEMENTATION, String(index));
}
