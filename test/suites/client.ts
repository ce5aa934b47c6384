import {
  AgentClient,
  type AgentClientOptions,
  BridgeClient,
  type ClientOptions,
  MessageType,
  MetricsBridgeClient,
  newMetric,
  OrchestratorClient,
  ServiceClient,
  TaskClient,
  UserClient,
  webSocketDial,
  WorkflowEngineClient,
} from "../../mod.ts";
import type { Case, Env } from "../harness.ts";
import { equal, rejects, until } from "./assert.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
let runs = 0;

/** A workspace nobody else uses, and clients in it that are disconnected at the end. */
function world(env: Env) {
  const workspace = `w${++runs}-${crypto.randomUUID().slice(0, 8)}`;
  const address = env.gatewayUrl!;
  const clients: { disconnect(): Promise<void> }[] = [];
  const keep = <C extends { disconnect(): Promise<void>; connect(): Promise<unknown> }>(
    client: C,
  ): C => (clients.push(client), client);
  return {
    workspace,
    agent: (specifier: string, options: Partial<AgentClientOptions> = {}) =>
      keep(new AgentClient({ address, workspace, implementation: "agent", specifier, ...options })),
    user: (userId: string, windowId: string, options: { workspace?: string } = { workspace }) =>
      keep(new UserClient({ address, userId: `${userId}-${workspace}`, windowId, ...options })),
    worker: (options: ClientOptions = {}) =>
      keep(new TaskClient({ address, workspace, implementation: "pool", ...options })),
    service: (specifier: string) => keep(new ServiceClient({ address, implementation: `svc-${workspace}`, specifier })),
    bridge: () => keep(new BridgeClient({ address, implementation: `br-${workspace}`, specifier: "1" })),
    orchestrator: () =>
      keep(new OrchestratorClient({ address, implementation: `orc-${workspace}`, supportedProfiles: ["any"] })),
    add: keep,
    address,
    [Symbol.asyncDispose]: async () => void (await Promise.all(clients.map((client) => client.disconnect()))),
  };
}

const run = (name: string, body: (it: ReturnType<typeof world>, env: Env) => Promise<void>): Case => ({
  name,
  async run(env) {
    const it = world(env);
    try {
      await body(it, env);
    } finally {
      await it[Symbol.asyncDispose]();
    }
  },
});

/** What a client does, against any gateway it can reach by WebSocket. */
export const cases: Case[] = [
  run("large turns both ways: every byte arrives as it was sent", async (it) => {
    const [a, b] = [it.agent("a"), it.agent("b")];
    await Promise.all([a.connect(), b.connect()]);
    const payload = (n: number): Uint8Array => new Uint8Array(200 + (n % 500)).fill(n);
    let [there, back] = [0, 0];
    const wrong: number[] = [];
    const look = (got: Uint8Array, n: number): void => {
      const wanted = payload(n);
      if (got.length !== wanted.length || got.some((byte, at) => byte !== wanted[at])) wrong.push(n);
    };
    // What came is sent back, so that turns of both kinds are on their way at once.
    b.onMessage((message) => {
      look(message.payload, there++);
      b.send({ targetTopic: a.topic, payload: message.payload });
    });
    a.onMessage((message) => look(message.payload, back++));
    for (let sent = 0; sent < 4000;) {
      for (let n = 0; n < 100; n++) a.send({ targetTopic: b.topic, payload: payload(sent++) });
      await until(() => back > sent - 300, "most of them came back");
    }
    await until(() => back === 4000, "all of them came back");
    equal(wrong, []);
  }),
  run(
    "messages too large to be joined reach each of several as they were sent, between small ones",
    async ({ agent, workspace }) => {
      const [from, ...to] = [agent("from"), agent("b"), agent("c"), agent("d")];
      await Promise.all([from, ...to].map((client) => client.connect()));
      const sizes = [20_000, 10, 16_400, 3000, 70_000, 16_384, 1];
      const payload = (n: number): Uint8Array => new Uint8Array(sizes[n % sizes.length]).fill(n + 1);
      const wrong: number[] = [];
      const got = to.map(() => 0);
      to.forEach((client, at) =>
        client.onMessage((message) => {
          const wanted = payload(got[at]++);
          const { length } = message.payload;
          if (length !== wanted.length || message.payload.some((byte) => byte !== wanted[0])) wrong.push(got[at]);
        })
      );
      for (let n = 0; n < 70; n++) {
        from.broadcastToAgents(workspace, payload(n));
        // Some turns hold one of them, some many.
        if (n % 9 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await until(() => got.every((count) => count === 70), "every message");
      equal(wrong, []);
    },
  ),
  run("a message arrives with its sender, id, sequence, workspace, type and metadata", async ({ agent, workspace }) => {
    const [a, b] = [agent("a"), agent("b")];
    await Promise.all([a.connect(), b.connect()]);
    const messages = b.messages();
    const receipt = await a.sendToAgent(workspace, "agent", "b", bytes("hello"), MessageType.Chat, {
      id: "m-1",
      metadata: { trace: "t" },
    });
    const { value: message } = await messages.next();
    equal([
      message.text(),
      message.sourceTopic,
      message.targetTopic,
      message.id,
      message.sequence,
      message.workspace,
      message.messageType,
      message.metadata,
    ], [
      "hello",
      a.topic,
      b.topic,
      "m-1",
      1,
      workspace,
      MessageType.Chat,
      { trace: "t" },
    ]);
    equal(receipt, { id: "m-1", sequence: 1, duplicate: false });
    await messages.return!();
  }),
  run("the same id is delivered once and answered as a duplicate", async ({ agent, workspace }) => {
    const [a, b] = [agent("a"), agent("b")];
    await Promise.all([a.connect(), b.connect()]);
    let count = 0;
    b.onMessage(() => void count++);
    await a.sendToAgent(workspace, "agent", "b", bytes("x"), undefined, { id: "same" });
    equal((await a.sendToAgent(workspace, "agent", "b", bytes("x"), undefined, { id: "same" })).duplicate, true);
    await a.sendToAgent(workspace, "agent", "b", bytes("y"));
    await until(() => count === 2, "both distinct messages");
  }),
  run("messages for somebody absent wait", async ({ agent, workspace }) => {
    const a = agent("a");
    await a.connect();
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => a.sendToAgent(workspace, "agent", "late", bytes(String(n)))),
    );
    const late = agent("late");
    const got: string[] = [];
    late.onMessage((message) => void got.push(message.text()));
    await late.connect();
    await until(() => got.length === 50, "all fifty");
    equal(got, Array.from({ length: 50 }, (_, n) => String(n)));
  }),
  run("a request is answered, and its errors are typed", async ({ agent, workspace }) => {
    const [a, b] = [agent("a"), agent("b")];
    await Promise.all([a.connect(), b.connect()]);
    await rejects(a.request(b.topic, bytes("?")), "NotFoundError");
    b.onRequest(async (message) => {
      if (message.text() === "slow") {
        return await new Promise((_, reject) =>
          message.signal.addEventListener("abort", () => reject(new Error("stopped")))
        );
      }
      if (message.text() === "bad") throw new RangeError("out of range");
      return message.text().toUpperCase();
    });
    equal((await a.request(b.topic, bytes("yes"))).text(), "YES");
    equal((await rejects(a.request(b.topic, bytes("bad")), "AetherError")).message, "out of range");
    await rejects(a.request(b.topic, bytes("slow"), { timeout: 30 }), "TimeoutError");
    const why = new Error("changed my mind");
    const got = await a.request(b.topic, bytes("slow"), { signal: AbortSignal.abort(why) }).catch((error) => error);
    equal(got === why, true, "the signal's own reason");
    await rejects(a.request(`ag::${workspace}::agent::nobody`, bytes("?")), "NotFoundError");
  }),
  run("a taken identity, and a takeover of it", async ({ agent }) => {
    const [first, second, third] = [agent("x"), agent("x"), agent("x", { takeover: true })];
    await first.connect();
    const began = Date.now();
    const error = await rejects(second.connect(), "DuplicateIdentityError");
    equal(Date.now() - began < 1000, true, "within a second");
    equal(error.identity, first.topic);
    await third.connect();
    await until(() => first.state === "closed", "the loser closes for good");
  }),
  run("an identity is free as soon as its holder disconnects", async ({ agent }) => {
    const first = agent("x");
    await first.connect();
    await first.disconnect();
    await agent("x").connect();
    equal(first.state, "closed");
  }),
  run("nobody listening rejects within a second", async ({ add, workspace }) => {
    const lost = add(new AgentClient({ address: "127.0.0.1:9", workspace, implementation: "agent", specifier: "1" }));
    const began = Date.now();
    await rejects(lost.connect(), "ConnectionError");
    equal(Date.now() - began < 1000, true, "within a second");
  }),
  run("a broadcast reaches every other agent of the workspace", async ({ agent, workspace }) => {
    const agents = Array.from({ length: 5 }, (_, n) => agent(`a${n}`));
    await Promise.all(agents.map((one) => one.connect()));
    const heard = new Set<string>();
    for (const one of agents) one.onMessage(() => void heard.add(one.topic));
    await agents[0].broadcastToAgents(workspace, bytes("all"));
    await until(() => heard.size === 4, "four others");
    equal(heard.has(agents[0].topic), false, "not the sender");
  }),
  run("a pool message goes to exactly one free worker", async ({ agent, worker, workspace }) => {
    const [a, ...workers] = [agent("a"), worker(), worker(), worker()];
    await Promise.all([a.connect(), ...workers.map((one) => one.connect())]);
    equal(new Set(workers.map((one) => one.assignedId)).size, 3, "an id each");
    const by = new Map<string, number>();
    let count = 0;
    for (const one of workers as TaskClient[]) {
      one.onMessage(async () => {
        by.set(one.topic, (by.get(one.topic) ?? 0) + 1);
        count++;
        await new Promise((resolve) => setTimeout(resolve, 2));
      });
    }
    for (let n = 0; n < 30; n++) a.sendToPool(workspace, "pool", bytes(String(n)));
    await until(() => count === 30, "thirty handled");
    equal(by.size, 3, "every worker had some");
  }),
  run("a pool message comes back when its worker leaves before handling it", async ({ agent, worker, workspace }) => {
    const [a, first] = [agent("a"), worker()];
    await Promise.all([a.connect(), first.connect()]);
    let taken = false;
    first.onMessage(() => ((taken = true), new Promise(() => {})));
    await a.sendToPool(workspace, "pool", bytes("job"));
    await until(() => taken, "the first worker has it");
    const second = worker();
    await second.connect();
    const messages = second.messages();
    await first.disconnect();
    equal((await messages.next()).value.text(), "job");
    await messages.return!();
  }),
  run(
    "users hear their windows, their workspace, and what came while they were away",
    async ({ agent, user, workspace }) => {
      const a = agent("a");
      const [one, two] = [user("ann", "w1"), user("ann", "w2")];
      await Promise.all([a.connect(), one.connect(), two.connect()]);
      const heard: string[] = [];
      one.onMessage((message) => void heard.push(`1:${message.text()}`));
      two.onMessage((message) => void heard.push(`2:${message.text()}`));
      await a.sendToUser(one.userId, "w1", bytes("window"));
      await a.sendToUserWorkspace(one.userId, workspace, bytes("windows"));
      await a.broadcastToUsers(workspace, bytes("all"));
      await until(() => heard.length === 5, "five deliveries");
      equal([...heard].sort(), ["1:all", "1:window", "1:windows", "2:all", "2:windows"]);
      await two.disconnect();
      await a.broadcastToUsers(workspace, bytes("missed"));
      await two.connect();
      await until(() => heard.includes("2:missed"), "what was missed");
    },
  ),
  run("typed handlers fire for their own type only", async ({ agent, workspace }) => {
    const [a, b] = [agent("a"), agent("b")];
    await Promise.all([a.connect(), b.connect()]);
    const heard: string[] = [];
    b.onChatMessage(() => void heard.push("chat"));
    b.onControlMessage(() => void heard.push("control"));
    b.onToolCallMessage(() => void heard.push("tool"));
    b.onTaskMessage(() => void heard.push("task"));
    for (const type of [MessageType.Chat, MessageType.Control, MessageType.Opaque]) {
      await a.sendToAgent(workspace, "agent", "b", bytes("x"), type);
    }
    await until(() => heard.length >= 2, "two handlers");
    equal(heard, ["chat", "control"]);
  }),
  run("the permission matrix holds", async ({ agent, user, orchestrator, workspace }) => {
    const [a, u, homeless, o] = [agent("a"), user("u", "w"), user("h", "w", {}), orchestrator()];
    await Promise.all([a.connect(), u.connect(), homeless.connect(), o.connect()]);
    const denied = (client: { send: AgentClient["send"] }, targetTopic: string) =>
      rejects(client.send({ targetTopic, payload: bytes("x") }), "PermissionDeniedError");
    await denied(a, `pg::${workspace}`);
    await denied(a, `tk::${workspace}::t1::events`);
    await denied(a, "ag::elsewhere::agent::b");
    await denied(a, "event::elsewhere");
    await denied(a, "uu::somebody");
    await denied(u, `event::${workspace}`);
    await denied(u, "ag::elsewhere::agent::b");
    await denied(o, "us::somebody::w1");
    await denied(homeless, `ag::${workspace}::agent::a`);
    await denied(homeless, u.topic);
    await homeless.send({ targetTopic: `us::${homeless.userId}::other`, payload: bytes("x") });
    await rejects(a.send({ targetTopic: "ag::x", payload: bytes("x") }), "InvalidArgumentError");
  }),
  run(
    "a service answers by name or by any instance, across workspaces",
    async ({ agent, service, bridge, workspace }) => {
      const [a, one, two, br] = [agent("a"), service("1"), service("2"), bridge()];
      await Promise.all([a.connect(), one.connect(), two.connect(), br.connect()]);
      one.onRequest(() => "one");
      two.onRequest(() => "two");
      equal((await a.request(one.topic, bytes("?"))).text(), "one");
      equal(["one", "two"].includes((await a.request(`sv::${one.implementation}`, bytes("?"))).text()), true);
      const messages = a.messages();
      await br.sendToAgent(workspace, "agent", "a", bytes("across"));
      equal((await messages.next()).value.text(), "across");
      await messages.return!();
      await rejects(a.request("sv::nowhere", bytes("?")), "NotFoundError");
    },
  ),
  run(
    "events fan in to the workflow engine, metrics to the metrics bridge",
    async ({ agent, add, address, workspace }) => {
      const engine = add(new WorkflowEngineClient({ address }));
      const meter = add(new MetricsBridgeClient({ address }));
      const a = agent("a");
      await Promise.all([a.connect(), engine.connect(), meter.connect()]);
      const events: string[] = [];
      engine.onMessage((message) => void (message.workspace === workspace && events.push(message.text())));
      const metrics: unknown[] = [];
      meter.onMessage((message) => void (message.workspace === workspace && metrics.push(message.json())));
      await a.sendEvent(bytes("started"));
      await a.sendMetric(newMetric().add("tokens", "count", 3).build());
      await until(() => events.length === 1 && metrics.length === 1, "both");
      equal(metrics[0], { entries: [{ name: "tokens", kind: "count", qty: 3 }] });
    },
  ),
  run(
    "a payload of 1 MiB passes both ways, and a byte more is refused with the number",
    async ({ agent, workspace }) => {
      const [a, b] = [agent("a"), agent("b")];
      await Promise.all([a.connect(), b.connect()]);
      const big = new Uint8Array(1024 * 1024).fill(7);
      const messages = b.messages();
      await a.sendToAgent(workspace, "agent", "b", big);
      equal((await messages.next()).value.payload.length, big.length);
      b.onRequest((message) => message.payload);
      equal((await a.request(b.topic, big)).payload.length, big.length);
      let error: unknown;
      try {
        a.sendToAgent(workspace, "agent", "b", new Uint8Array(1024 * 1024 + 1));
      } catch (thrown) {
        error = thrown;
      }
      equal((error as Error).name, "InvalidArgumentError");
      await messages.return!();
    },
  ),
  run("a slow handler shuts the window and loses nothing", async ({ agent, workspace }) => {
    const [a, b] = [agent("a"), agent("b")];
    await Promise.all([a.connect(), b.connect()]);
    const got: number[] = [];
    b.onMessage(async (message) => {
      got.push(Number(message.text()));
      if (got.length % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    });
    const receipts = Array.from({ length: 5000 }, (_, n) => a.sendToAgent(workspace, "agent", "b", bytes(String(n))));
    await Promise.all(receipts);
    await until(() => got.length === 5000, "five thousand");
    equal(got.every((n, at) => n === at), true, "in order");
  }),
  run("a dial that cannot use tls certificates says so, and connects to nobody", async ({ agent }) => {
    const tls = { rootCerts: "-----BEGIN CERTIFICATE-----" };
    const client = agent("a", { address: "wss://127.0.0.1:1", tls, dial: webSocketDial() });
    await rejects(client.connect(), "InvalidArgumentError");
    equal(client.state, "closed");
  }),
  run("a handler that throws is reported and stops nobody", async ({ agent, workspace }) => {
    const [a, b] = [agent("a"), agent("b")];
    await Promise.all([a.connect(), b.connect()]);
    const errors: string[] = [];
    let heard = 0;
    b.onError((error) => void errors.push(error.message));
    b.onMessage(() => {
      throw new Error("mine");
    });
    b.onMessage(() => void heard++);
    await a.sendToAgent(workspace, "agent", "b", bytes("1"));
    await a.sendToAgent(workspace, "agent", "b", bytes("2"));
    await until(() => heard === 2 && errors.length === 2, "both heard, both reported");
    equal(errors, ["mine", "mine"]);
  }),
];
