/** Parties, callers and workers over our own client. */
import { AgentClient, agentTopic, TaskClient } from "@aether-edge/sdk";
import type { Dial, Transport } from "@aether-edge/sdk";
import { createWorker, runWorkerPool } from "@aether-edge/sdk/worker";
import { dial as dialed } from "#dial";
import { echo, hold, onHold, POOL } from "./aether_tasks.ts";
import { expect, KEY_PREFIX, keys, type Party, type Works } from "./lib/scenario.ts";

const WORKSPACE = "bench";
const IMPLEMENTATION = "party";

/** Connects an agent; one that lasts can lose its wire and have it back. */
export async function join(url: string, index: number, isLasting = false): Promise<Party> {
  const wire = isLasting ? new Wire() : undefined;
  const client = await agent(url, index, wire);
  const topics: string[] = [];
  const topic = (to: number): string => (topics[to] ??= topicOf(to));
  return {
    send: (to, bytes) => client.send({ targetTopic: topic(to), payload: bytes }),
    broadcast: (bytes) => client.broadcastToAgents(WORKSPACE, bytes),
    onMessage: (handler) => void client.onMessage((message) => handler(message.payload)),
    request: async (to, bytes) => (await client.request(topic(to), bytes)).payload,
    echo: () => void client.onRequest((message) => message.payload),
    close: () => client.disconnect(),
    lose: () => wire?.lose(),
    regain: () => wire?.regain(),
  };
}

/** A way to the gateway that breaks when it is told to, and stays broken until it is told to hold again. */
class Wire {
  #transport: Transport | undefined;
  #open = Promise.resolve();
  #regain = (): void => {};

  dial: Dial = async (url, sink, options) => {
    await this.#open;
    return this.#transport = await dialed(url, sink, options);
  };

  lose(): void {
    this.#open = new Promise((resolve) => (this.#regain = resolve));
    this.#transport!.abandon();
  }

  regain(): void {
    this.#regain();
  }
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
    watch(watchers, heard) {
      const follow = async (): Promise<void> => {
        for await (const { key } of kv.watch({ keyPrefix: KEY_PREFIX })) heard(key);
      };
      for (let at = 0; at < watchers; at++) void follow();
      return Promise.resolve();
    },
    set: (key, value) => kv.put({ key, value }),
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

/** Takes tasks. */
export async function labour(url: string, slots: number, whenBegun: () => void, isolates = 0): Promise<void> {
  if (isolates > 0) return await inIsolates(url, slots, isolates);
  onHold(whenBegun);
  const client = new TaskClient({ address: url, workspace: WORKSPACE, implementation: POOL });
  const worker = createWorker(client, { tasks: [echo, hold], slots });
  await client.connect();
  await worker.ready();
}

/** The same tasks, each slot inside one of so many isolates. Resolves when they are ready. */
function inIsolates(url: string, slots: number, isolates: number): Promise<void> {
  return new Promise((resolve, reject) => {
    runWorkerPool({
      address: url,
      workspace: WORKSPACE,
      module: new URL("./aether_tasks.ts", import.meta.url),
      implementation: POOL,
      processes: isolates,
      slots: Math.ceil(slots / isolates),
      onEvent: ({ type }) => type === "ready" && resolve(),
    }).catch(reject);
  });
}

async function agent(url: string, index: number, wire?: Wire): Promise<AgentClient> {
  const who = { address: url, workspace: WORKSPACE, implementation: IMPLEMENTATION, specifier: String(index) };
  const client = new AgentClient(wire ? { ...who, dial: wire.dial, reconnectDelay: 0 } : { ...who, reconnect: false });
  client.onError((error) => {
    throw error;
  });
  await client.connect();
  return client;
}

function topicOf(index: number): string {
  return agentTopic(WORKSPACE, IMPLEMENTATION, String(index));
}
