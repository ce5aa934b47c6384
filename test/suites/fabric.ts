import { AgentClient, UserClient, withAPIKey } from "../../mod.ts";
import { allowAll, createGateway, tokenAuth } from "../../src/gateway/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects, until } from "./assert.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What the fabric does when time passes and wires break. */
export const cases: Case[] = [
  {
    name: "a cut wire is resumed: the session goes on and nothing is lost or doubled",
    async run() {
      await using fabric = await testFabric({ seed: 1 });
      const [a, b] = [fabric.agent(), fabric.agent()];
      await Promise.all([a.connect(), b.connect()]);
      const session = b.sessionId;
      const got: string[] = [];
      b.onMessage((message) => void got.push(message.text()));
      for (let n = 0; n < 100; n++) {
        a.send({ targetTopic: b.topic, payload: bytes(String(n)) });
        if (n % 10 === 5) fabric.faults.cut(n % 20 === 5 ? a : b);
        await fabric.advance(n % 10 === 5 ? "2s" : 1);
      }
      await fabric.advance("10s");
      equal(got, Array.from({ length: 100 }, (_, n) => String(n)));
      equal(b.sessionId, session, "session");
    },
  },
  {
    name: "large turns one after the other, with cuts between and within them: every byte arrives as it was sent, once",
    async run() {
      await using fabric = await testFabric({ seed: 1 });
      const quick = { reconnectDelay: 10, maxReconnectDelay: 50 };
      const [a, b, c] = [fabric.agent(quick), fabric.agent(quick), fabric.agent(quick)];
      await Promise.all([a, b, c].map((one) => one.connect()));
      const got = new Map([a, b, c].map((one) => [one, [] as number[]]));
      const isWhole = (payload: Uint8Array): boolean => payload.every((byte) => byte === payload[0]);
      let broken = 0;
      for (const one of [a, b, c]) {
        one.onMessage(({ payload }) => {
          if (!isWhole(payload)) broken++;
          got.get(one)!.push(payload[0] | (payload.length << 8));
        });
      }
      const sent = new Map([a, b, c].map((one) => [one, [] as number[]]));
      for (let round = 0; round < 40; round++) {
        for (const [from, to] of [[a, b], [b, c], [c, a]]) {
          for (let n = 0; n < 60; n++) {
            const payload = new Uint8Array(150 + ((round * 7 + n) % 300)).fill(round * 60 + n);
            sent.get(to)!.push(payload[0] | (payload.length << 8));
            from.send({ targetTopic: to.topic, payload });
          }
        }
        if (round % 5 === 2) fabric.faults.cut([a, b, c][round % 3]);
        await fabric.advance(round % 5 === 2 ? 100 : 1);
      }
      await fabric.advance("2s");
      equal(broken, 0);
      for (const one of [a, b, c]) equal(got.get(one), sent.get(one));
    },
  },
  {
    name: "a half-open socket is found by its silence and resumed",
    async run() {
      await using fabric = await testFabric({ seed: 2 });
      const [a, b] = [fabric.agent(), fabric.agent()];
      await Promise.all([a.connect(), b.connect()]);
      const states: string[] = [];
      b.onStateChange((state) => void states.push(state));
      fabric.faults.halfOpen(b);
      const receipt = a.send({ targetTopic: b.topic, payload: bytes("held") });
      await fabric.advance("45s");
      equal(states.includes("waiting"), true, "it noticed");
      equal(b.state, "ready");
      const messages = b.messages();
      equal((await messages.next()).value.text(), "held");
      equal((await receipt).sequence, 1);
    },
  },
  {
    name: "a session that was away too long begins anew, says so, and its messages still come",
    async run() {
      await using fabric = await testFabric({ seed: 3, limits: { resumeMs: 2000, redeliverAfterMs: 1000 } });
      const a = fabric.agent();
      const b = fabric.agent({ reconnectDelay: 100_000, maxReconnectDelay: 100_000 });
      await Promise.all([a.connect(), b.connect()]);
      const gaps: unknown[] = [];
      b.onGap((gap) => void gaps.push(gap.reason));
      const session = b.sessionId;
      fabric.faults.cut(b);
      await fabric.advance("61s");
      a.send({ targetTopic: b.topic, payload: bytes("kept") });
      await fabric.advance("2m");
      equal(b.state, "ready");
      equal(b.sessionId === session, false, "the same session");
      equal(gaps, ["session_lost"]);
      equal((await b.messages().next()).value.text(), "kept");
    },
  },
  {
    name: "an identity whose holder lost its socket goes to the next who asks",
    async run() {
      await using fabric = await testFabric({ seed: 4 });
      const first = fabric.agent({ specifier: "x", reconnectDelay: 60_000, maxReconnectDelay: 60_000 });
      await first.connect();
      fabric.faults.cut(first);
      await fabric.advance(1);
      const second = fabric.agent({ specifier: "x" });
      await second.connect();
      equal(fabric.gateway.sessions().map(({ topic }) => topic), [second.topic]);
      await fabric.advance("2m");
      equal(first.state, "closed", "the first found its identity taken");
    },
  },
  {
    name: "retryOnDuplicate waits for the identity",
    async run() {
      await using fabric = await testFabric({ seed: 5 });
      const first = fabric.agent({ specifier: "x" });
      await first.connect();
      const second = fabric.agent({ specifier: "x", retryOnDuplicate: true, retryOnDuplicateDelay: 1000 });
      const connected = second.connect();
      await fabric.advance("2500ms");
      equal(second.state, "waiting");
      await Promise.all([first.disconnect(), fabric.advance("2s")]);
      await connected;
    },
  },
  {
    name: "reconnecting gives up after maxRetries, with everything rejected",
    async run() {
      await using fabric = await testFabric({ seed: 6 });
      const a = fabric.agent({ connection: { maxRetries: 3 }, reconnectDelay: 100 });
      await a.connect();
      const errors: string[] = [];
      a.onError((error) => void errors.push(error.name));
      fabric.faults.killGateway();
      await fabric.advance(1);
      const receipt = rejects(a.send({ targetTopic: a.topic, payload: bytes("x") }), "ReconnectionError");
      const request = rejects(a.request(a.topic, bytes("x")), "ReconnectionError");
      await fabric.advance("1m");
      await Promise.all([receipt, request]);
      equal(a.state, "closed");
      equal(errors.includes("ReconnectionError"), true);
      await rejects(a.send({ targetTopic: a.topic, payload: bytes("x") }), "ConnectionClosedError");
      await fabric.faults.restartGateway();
    },
  },
  {
    name: "a killed gateway that comes back finds its clients and delivers what it had confirmed",
    async run() {
      await using fabric = await testFabric({ seed: 7 });
      const [a, b] = [fabric.agent(), fabric.agent()];
      await Promise.all([a.connect(), b.connect()]);
      await b.disconnect();
      equal((await a.send({ targetTopic: b.topic, payload: bytes("promised") })).sequence, 1);
      fabric.faults.killGateway();
      await fabric.advance("1s");
      await fabric.faults.restartGateway();
      await fabric.advance("30s");
      equal(a.state, "ready");
      await b.connect();
      equal((await b.messages().next()).value.text(), "promised");
    },
  },
  {
    name: "a drained gateway tells its clients to come back, and says so by signal",
    async run() {
      await using fabric = await testFabric({ seed: 8 });
      const a = fabric.agent();
      await a.connect();
      const signals: number[] = [];
      a.onSignal((signal) => void signals.push(signal.type));
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal(signals, [1]);
      equal(a.state, "ready");
    },
  },
  {
    name: "an administrator's disconnect is final",
    async run() {
      await using fabric = await testFabric({ seed: 9 });
      const a = fabric.agent();
      await a.connect();
      equal(fabric.gateway.disconnect(a.sessionId), true);
      await fabric.advance("1m");
      equal(a.state, "closed");
    },
  },
  {
    name: "the outbox is bounded: reject refuses the new message, drop-oldest gives up the old",
    async run() {
      await using fabric = await testFabric({ seed: 10 });
      const strict = fabric.agent({ outbox: { maxMessages: 2 } });
      const loose = fabric.agent({ outbox: { maxMessages: 2, overflow: "drop-oldest" } });
      await Promise.all([strict.connect(), loose.connect()]);
      fabric.faults.killGateway();
      await fabric.advance(1);
      const post = (client: AgentClient) => client.send({ targetTopic: strict.topic, payload: bytes("x") });
      const [s1, s2, s3] = [post(strict), post(strict), post(strict)];
      const [l1, l2, l3] = [post(loose), post(loose), post(loose)];
      await rejects(s3, "QuotaError");
      await rejects(l1, "QuotaError");
      await fabric.faults.restartGateway();
      await fabric.advance("10s");
      for (const receipt of [s1, s2, l2, l3]) await receipt;
    },
  },
  {
    name: "what one receiver writes into its message, nobody else reads",
    async run() {
      for (const size of [10, 40_000]) {
        await using gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
        const agent = (specifier: string): AgentClient =>
          new AgentClient({ dial: gateway.dial(), workspace: "w", implementation: "a", specifier });
        const [from, ...to] = ["0", "1", "2", "3", "4", "5"].map(agent);
        await Promise.all([from, ...to].map((client) => client.connect()));
        const got: number[][] = [];
        for (const client of to) {
          client.onMessage(({ payload }) => {
            got.push([payload.length, ...new Set(payload)]);
            payload.fill(0);
          });
        }
        await from.broadcastToAgents("w", new Uint8Array(size).fill(7));
        await until(() => got.length === to.length, "all of them");
        equal(got, to.map(() => [size, 7]));
        await Promise.all([from, ...to].map((client) => client.disconnect()));
      }
    },
  },
  {
    name: "a slow consumer of live broadcasts hears of its gap, and nobody else waits",
    async run() {
      await using fabric = await testFabric({ seed: 11, limits: { windowMessages: 4, broadcastQueue: 4 } });
      const [a, slow, quick] = [fabric.agent(), fabric.agent(), fabric.agent()];
      await Promise.all([a.connect(), slow.connect(), quick.connect()]);
      let missed = 0;
      let heard = 0;
      slow.onGap((gap) => void (missed += gap.missed ?? 0));
      slow.onMessage(() => new Promise(() => {}));
      quick.onMessage(() => void heard++);
      for (let n = 0; n < 20; n++) {
        await a.broadcastToAgents("test", bytes(String(n)));
        await fabric.advance(50);
      }
      equal(heard, 20);
      equal(missed, 12, "4 under the window, 4 queued, the rest said");
    },
  },
  {
    name: "a full lane refuses the sender with the limit",
    async run() {
      await using fabric = await testFabric({ seed: 12, limits: { laneMessages: 3 } });
      const a = fabric.agent();
      await a.connect();
      const send = () => a.sendToAgent("test", "agent", "absent", bytes("x"));
      await Promise.all([send(), send(), send()]);
      const error = await rejects(send(), "QuotaError");
      equal((error.details as { limit: number }).limit, 3);
    },
  },
  {
    name: "messages older than a day are gone, and the one who comes back is told",
    async run() {
      await using fabric = await testFabric({ seed: 13 });
      const [a, b] = [fabric.agent(), fabric.agent()];
      await Promise.all([a.connect(), b.connect()]);
      await b.disconnect();
      await a.send({ targetTopic: b.topic, payload: bytes("old") });
      await fabric.advance("25h");
      await a.send({ targetTopic: b.topic, payload: bytes("new") });
      const gaps: unknown[] = [];
      b.onGap((gap) => void gaps.push([gap.reason, gap.missed]));
      await b.connect();
      equal((await b.messages().next()).value.text(), "new");
      equal(gaps, [["trimmed", 1]]);
    },
  },
  {
    name: "a message with a ttl is not delivered after it",
    async run() {
      await using fabric = await testFabric({ seed: 14 });
      const a = fabric.agent();
      await a.connect();
      await a.sendToAgent("test", "agent", "late", bytes("stale"), undefined, { ttlMs: 1000 });
      await a.sendToAgent("test", "agent", "late", bytes("fresh"));
      await fabric.advance("2s");
      const late = fabric.agent({ specifier: "late" });
      equal((await late.messages().next()).value.text(), "fresh");
    },
  },
  {
    name: "wrong credentials, and keys with bounds",
    async run() {
      const auth = tokenAuth({
        bootstrapKey: "root",
        keys: [{ key: "narrow", principalTypes: ["agent"], workspaces: ["prod"] }],
      });
      await using gateway = await createGateway({ store: memoryStore(), auth });
      const agent = (workspace: string, key?: string) =>
        new AgentClient({
          dial: gateway.dial(),
          workspace,
          implementation: "a",
          specifier: "1",
          credentials: key ? withAPIKey(key) : undefined,
        });
      const began = Date.now();
      await rejects(agent("prod").connect(), "AuthenticationError");
      await rejects(agent("prod", "wrong").connect(), "AuthenticationError");
      equal(Date.now() - began < 1000, true, "within a second");
      await rejects(agent("dev", "narrow").connect(), "PermissionDeniedError");
      await rejects(
        new UserClient({ dial: gateway.dial(), userId: "u", windowId: "w", credentials: withAPIKey("narrow") })
          .connect(),
        "PermissionDeniedError",
      );
      for (const client of [agent("prod", "narrow"), agent("dev", "root")]) {
        await client.connect();
        await client.disconnect();
      }
      const asked = new AgentClient({
        dial: gateway.dial(),
        workspace: "prod",
        implementation: "a",
        specifier: "2",
        credentials: () => Promise.resolve(withAPIKey("root")),
      });
      await asked.connect();
      await asked.disconnect();
    },
  },
  {
    name: "the HTTP app answers health, readiness, version and metrics",
    async run() {
      const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
      const get = (path: string) => gateway.fetch(new Request(`http://localhost${path}`));
      equal((await get("/healthz")).status, 200);
      equal((await get("/readyz")).status, 200);
      equal((await (await get("/version")).json()).name, "aether-edge");
      equal((await (await get("/metrics")).text()).includes("aether_active_connections 0"), true);
      equal((await get("/v1/connect")).status, 426);
      await gateway.close();
      equal((await get("/readyz")).status, 503);
    },
  },
  {
    name: "an ignored refusal is no unhandled rejection, but onError hears it",
    async run() {
      await using fabric = await testFabric({ clock: "real" });
      const a = fabric.agent();
      await a.connect();
      const errors: string[] = [];
      a.onError((error) => void errors.push(error.name));
      a.sendToAgent("elsewhere", "agent", "b", bytes("x"));
      await until(() => errors.length === 1, "one error");
      equal(errors, ["PermissionDeniedError"]);
    },
  },
];
