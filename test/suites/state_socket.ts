import { AgentClient, TaskClient } from "../../mod.ts";
import type { Case, Env } from "../harness.ts";
import { equal, rejects, until } from "./assert.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let runs = 0;

function run(
  name: string,
  body: (agent: (specifier: string) => AgentClient, workspace: string) => Promise<void>,
): Case {
  return {
    name,
    async run(env: Env) {
      const workspace = `s${++runs}-${crypto.randomUUID().slice(0, 8)}`;
      const clients: AgentClient[] = [];
      const agent = (specifier: string): AgentClient => {
        const client = new AgentClient({ address: env.gatewayUrl!, workspace, implementation: "agent", specifier });
        clients.push(client);
        return client;
      };
      try {
        await body(agent, workspace);
      } finally {
        await Promise.all(clients.map((client) => client.disconnect()));
      }
    },
  };
}

/** Kept state over a real socket. */
export const cases: Case[] = [
  run(
    "socket: the largest value and the largest checkpoint pass, what is larger is refused, the socket stays",
    async (agent) => {
      const client = agent("1");
      await client.connect();
      const value = new Uint8Array(1024 * 1024).fill(7);
      await client.kv().put({ key: "large", value });
      equal((await client.kv().get({ key: "large" })).value?.length, value.length);
      for (const more of [1, 100_000, 1024 * 1024]) {
        await rejects(
          client.kv().put({ key: "large", value: new Uint8Array(value.length + more) }),
          "InvalidArgumentError",
        );
      }
      const data = new Uint8Array(16 * 1024 * 1024);
      for (let at = 0; at < data.length; at += 4099) data[at] = at & 255;
      await client.checkpoint().save({ data });
      const loaded = await client.checkpoint().load();
      equal([loaded.size, loaded.data?.findIndex((byte, at) => byte !== data[at])], [data.length, -1]);
      equal(client.connected, true);
      await client.checkpoint().delete();
    },
  ),
  run("socket: counters, watches and progress between two", async (agent) => {
    const [one, two] = [agent("1"), agent("2")];
    await Promise.all([one.connect(), two.connect()]);
    const seen: string[] = [];
    (async () => {
      for await (const { key, value } of two.kv().watch({ keyPrefix: "n" })) {
        seen.push(`${key} ${new TextDecoder().decode(value)}`);
      }
    })();
    const counted = await Promise.all(
      Array.from({ length: 50 }, (_, at) => (at % 2 ? one : two).kv().increment({ key: "n" })),
    );
    equal(new Set(counted.map(({ counterValue }) => counterValue)).size, 50);
    await until(() => seen.at(-1) === "n 50", "the last count");
    const updates: unknown[] = [];
    two.onProgress(({ completion, sourceTopic }) => void updates.push([sourceTopic, completion]));
    await one.reportProgress({ taskId: "t", completion: 1 });
    await until(() => updates.length === 1, "the report");
    equal(updates, [[one.topic, 1]]);
    await one.kv().put({ key: "short", value: bytes("v"), ttl: 0.05 });
    await until(() => seen.length > 0, "anything");
    await new Promise((resolve) => setTimeout(resolve, 100));
    equal((await two.kv().get({ key: "short" })).found, false);
  }),
  run("socket: a workspace is switched on the same socket, with its config", async (agent, workspace) => {
    const [one, there] = [agent("1"), agent("2")];
    await Promise.all([one.connect(), there.connect()]);
    await there.switchWorkspace(`${workspace}-b`);
    await there.kv().put({ key: "k", value: bytes("v") });
    const session = one.sessionId;
    const config = await one.switchWorkspace(`${workspace}-b`);
    equal([Object.keys(config.kv), one.sessionId === session, one.workspace], [["k"], true, `${workspace}-b`]);
    await there.sendToAgent(`${workspace}-b`, "agent", "1", bytes("hello"));
    equal((await one.messages().next()).value.text(), "hello");
  }),
  {
    name: "socket: a pool's workers share its checkpoint",
    async run(env) {
      const base = { address: env.gatewayUrl!, workspace: `s${++runs}-${crypto.randomUUID().slice(0, 8)}` };
      const worker = (): TaskClient => new TaskClient({ ...base, implementation: "pool" });
      const [one, two] = [worker(), worker()];
      await Promise.all([one.connect(), two.connect()]);
      await one.checkpoint().save({ data: bytes("state") });
      await one.disconnect();
      equal(new TextDecoder().decode((await two.checkpoint().load()).data), "state");
      await two.disconnect();
    },
  },
];
