import net from "node:net";
import tls from "node:tls";
import { AgentClient, type ClientOptions } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { AUTHORITY, CLIENT_CERT, CLIENT_KEY, SERVER_CERT, SERVER_KEY, STRANGER } from "../fixtures/certificates.ts";
import type { Case } from "../harness.ts";
import { equal, rejects, until } from "./assert.ts";
import { loadRim } from "./rim.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface World {
  /** The gateway's own address. */
  address: string;
  /** An agent; it trusts the authority unless it says otherwise, and is disconnected at the end. */
  agent(specifier: string, options?: ClientOptions): AgentClient;
  /** Puts something between, closed at the end; its port. */
  between(server: net.Server): Promise<number>;
}

function run(name: string, body: (it: World) => Promise<void>, secure = true): Case {
  return {
    name: `tls: ${name}`,
    async run({ runtime }) {
      const { serve } = await loadRim(runtime);
      const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
      const server = await serve(gateway, secure ? { tls: { cert: SERVER_CERT, key: SERVER_KEY } } : {});
      const clients: AgentClient[] = [];
      const others: net.Server[] = [];
      const soon = { reconnectDelay: 1 };
      try {
        await body({
          address: server.url,
          agent(specifier, options = {}) {
            const identity = { workspace: "w", implementation: "a", specifier };
            const given = { address: server.url, tls: { rootCerts: AUTHORITY }, ...soon, ...options };
            const client = new AgentClient({ ...identity, ...given });
            clients.push(client);
            return client;
          },
          async between(other) {
            others.push(other);
            await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
            return (other.address() as net.AddressInfo).port;
          },
        });
      } finally {
        await Promise.all(clients.map((client) => client.disconnect()));
        await gateway.close();
        await server.close();
        for (const other of others) other.close();
      }
    },
  };
}

/** Joins two sockets; what ends one ends the other. */
function join(one: net.Socket, other: net.Socket): void {
  for (const [from, to] of [[one, other], [other, one]]) {
    from.on("data", (chunk) => void to.write(chunk));
    from.on("error", () => {}).on("close", () => to.destroy());
  }
}

/** Connections that are encrypted, on every runtime that serves: its own rim, its own dialer. */
export const cases: Case[] = [
  run("a client that trusts the authority connects, and 1 MiB goes both ways", async ({ address, agent }) => {
    equal(address.startsWith("wss://127.0.0.1:"), true, address);
    const [one, two] = [agent("1"), agent("2", { tls: { rootCerts: bytes(AUTHORITY) } })];
    two.onRequest((message) => message.payload.slice().reverse());
    await Promise.all([one.connect(), two.connect()]);
    const payload = new Uint8Array(1024 * 1024);
    for (let at = 0; at < payload.length; at++) payload[at] = (at * 131 + (at >> 8)) & 255;
    for (let round = 0; round < 3; round++) {
      const answer = await one.request(two.topic, payload);
      equal(answer.payload.length, payload.length);
      equal(answer.payload.findIndex((byte, at) => byte !== payload[payload.length - 1 - at]), -1);
    }
  }),
  run("many small messages arrive in order, both ways at once", async ({ agent }) => {
    const [one, two] = [agent("1"), agent("2")];
    const heard: Record<string, string[]> = { one: [], two: [] };
    one.onMessage((message) => void heard.one.push(message.text()));
    two.onMessage((message) => void heard.two.push(message.text()));
    await Promise.all([one.connect(), two.connect()]);
    const expected = Array.from({ length: 500 }, (_, at) => `n${at}`);
    for (const [at, text] of expected.entries()) {
      void one.send({ targetTopic: two.topic, payload: bytes(text) });
      void two.send({ targetTopic: one.topic, payload: bytes(text) });
      if (at % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until(() => heard.one.length >= 500 && heard.two.length >= 500, "all messages are there");
    equal(heard, { one: expected, two: expected });
  }),
  run("a broken connection is resumed, and nothing is lost or doubled", async ({ address, agent, between }) => {
    const sockets = new Set<net.Socket>();
    const port = await between(net.createServer((socket) => {
      sockets.add(socket);
      join(socket, net.connect(Number(new URL(address).port), "127.0.0.1"));
    }));
    const cut = (): void => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    };
    const [one, two] = [agent("1"), agent("2", { address: `wss://127.0.0.1:${port}` })];
    const heard: string[] = [];
    let resumed: boolean[] = [];
    two.onMessage((message) => void heard.push(message.text()));
    two.onConnect((ack) => void resumed.push(ack.resumed));
    await Promise.all([one.connect(), two.connect()]);
    const session = two.sessionId;
    resumed = [];
    const expected = Array.from({ length: 60 }, (_, at) => `${at} `.padEnd(40_000, "."));
    for (const [at, text] of expected.entries()) {
      void one.send({ targetTopic: two.topic, payload: bytes(text) });
      if (at % 20 !== 10) continue;
      const before = resumed.length;
      cut();
      await until(() => resumed.length > before, "it is back");
    }
    await until(() => heard.length >= expected.length, "all messages are there");
    equal(heard.map((text) => text.slice(0, 3)), expected.map((text) => text.slice(0, 3)));
    equal(heard.map((text) => text.length), expected.map((text) => text.length));
    equal(resumed, [true, true, true]);
    equal(two.sessionId, session);
  }),
  run("who does not trust the authority does not connect", async ({ agent }) => {
    await rejects(agent("1", { tls: undefined }).connect(), "ConnectionError");
    const { message } = await rejects(agent("2", { tls: { rootCerts: STRANGER } }).connect(), "ConnectionError");
    equal(/certificate/i.test(message), true, message);
  }),
  run("the certificate must be for the name that is expected", async ({ agent }) => {
    const named = (serverNameOverride: string): ClientOptions => ({
      tls: { rootCerts: AUTHORITY, serverNameOverride },
    });
    await agent("1", named("gateway.test")).connect();
    const { message } = await rejects(agent("2", named("elsewhere.test")).connect(), "ConnectionError");
    equal(/certificate/i.test(message), true, message);
  }),
  run("a client shows a certificate of its own to a proxy that asks for one", async ({ address, agent, between }) => {
    const options = { cert: SERVER_CERT, key: SERVER_KEY, ca: AUTHORITY, requestCert: true, rejectUnauthorized: true };
    const proxy = tls.createServer(options, (socket) => {
      join(socket, net.connect(Number(new URL(address).port), "127.0.0.1"));
    });
    proxy.on("tlsClientError", () => {});
    const port = await between(proxy);
    const at = `wss://127.0.0.1:${port}`;
    const tlsOptions = { rootCerts: AUTHORITY, certChain: CLIENT_CERT, privateKey: CLIENT_KEY };
    await agent("1", { address: at, tls: tlsOptions }).connect();
    await rejects(agent("2", { address: at }).connect(), "ConnectionError");
  }, false),
  {
    name: "tls: certificates that cannot be used are refused when the client is made",
    async run() {
      const identity = { address: "wss://127.0.0.1:1", workspace: "w", implementation: "a", specifier: "1" };
      const made = (options: Record<string, unknown>) =>
        Promise.resolve().then(() => void new AgentClient({ ...identity, ...options }));
      for (
        const options of [
          { tls: { rootCerts: "no PEM" } },
          { tls: { rootCerts: 7 } },
          { tls: { certChain: CLIENT_CERT } },
          { tls: { privateKey: CLIENT_KEY } },
          { tls: { serverNameOverride: "" } },
          { tls: { ca: AUTHORITY } },
          { tls: { rootCerts: AUTHORITY }, address: "ws://127.0.0.1:1" },
          { tls: { rootCerts: AUTHORITY }, address: "127.0.0.1:1" },
        ]
      ) await rejects(made(options), "InvalidArgumentError");
    },
  },
];
