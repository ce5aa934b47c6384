import { Hono } from "hono";
import type { AetherClient } from "../../src/client/aether_client.ts";
import { aetherProxy } from "../../src/proxy/hono.ts";
import { type IncomingTunnel, serveTunnels } from "../../src/proxy/mod.ts";
import { LINK } from "../../src/session/link.ts";
import type { TestFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, until } from "./assert.ts";
import { headersAreGuarded, inFabric, openStreams, type Pair, soon } from "./http_kit.ts";
import { connected } from "./state_kit.ts";

/** A browser's WebSocket at a route of `aetherProxy`, with a runtime's helper played by hand: real ones are in http_upgrade.ts. */
class Browser {
  readonly got: unknown[] = [];
  readonly #closed = Promise.withResolvers<[number, string]>();
  readonly raw: Record<string, unknown>;
  /** How it was closed by the other side. */
  readonly closed: Promise<[number, string]> = this.#closed.promise;
  #events!: Record<"onOpen" | "onMessage" | "onClose" | "onError", (event: unknown, socket: unknown) => void>;

  constructor(raw: Record<string, unknown> = {}) {
    this.raw = raw;
  }

  /** Asks for the route; a text when it was not upgraded. */
  async connect(via: AetherClient, target: string, path = "/ws/chat?x", isOpened = true): Promise<Response> {
    const upgradeWebSocket = (create: (c: never) => unknown) => async (c: unknown) => {
      this.#events = await create(c as never) as never;
      return new Response("upgraded");
    };
    const app = new Hono()
      .all("/ws/*", aetherProxy({ client: via, target, stripPrefix: "/ws", timeoutMs: 1000, upgradeWebSocket }));
    const headers = { upgrade: "websocket", "sec-websocket-protocol": "v1, v2", "sec-websocket-key": "k", "x-a": "1" };
    const response = await app.request(path, { headers });
    if (isOpened) this.#events?.onOpen({}, this);
    return response;
  }

  send(packet: unknown): void {
    this.got.push(packet);
  }
  close(code: number, reason: string): void {
    this.#closed.resolve([code, reason]);
  }

  /** The page sends. */
  says(...packets: unknown[]): void {
    for (const data of packets) this.#events.onMessage({ data }, this);
  }
  /** The page has gone. */
  leaves(code = 1005, reason = ""): void {
    this.#events.onClose({ code, reason }, this);
  }
  breaks(): void {
    this.#events.onError({}, this);
  }
}

const byHand: NonNullable<Case["skip"]> = (env) =>
  env.runtime === "workerd" ? "workerd upgrades without a helper, as a case of its own shows" : headersAreGuarded(env);

/** What workerd gives a page's side of a socket. */
interface PageSocket {
  accept(): void;
  send(text: string): void;
  close(code: number, reason: string): void;
  addEventListener(name: string, listener: (event: { data: unknown; code: number; reason: string }) => void): void;
}

async function pair(fabric: TestFabric) {
  const [client, service] = await connected(fabric.agent(), fabric.service());
  service.onError(() => {});
  return { client, service };
}

const MIB = 1024 * 1024;

/** WebSockets that pass through Hono to a tunnel. */
export const pairs: Pair[] = [
  inFabric(
    "a WebSocket at aetherProxy is a tunnel: messages both ways, early ones too, and both ends",
    async (fabric) => {
      const { client, service } = await pair(fabric);
      const told: unknown[] = [];
      serveTunnels(service, async (tunnel) => {
        told.push([tunnel.protocol, tunnel.path, tunnel.protocols, tunnel.headers.get("x-a"), tunnel.caller]);
        const writer = tunnel.writable.getWriter();
        for await (const packet of tunnel.readable) {
          await writer.write(typeof packet === "string" ? `${packet}!` : packet);
        }
        told.push(tunnel.farClose);
        await writer.close();
      });
      const browser = new Browser();
      equal(await (await browser.connect(client, service.topic)).text(), "upgraded");
      browser.says("early", new Blob(["blob"]), new Uint8Array([1, 2]).buffer, "last");
      await until(() => browser.got.length === 4, "four messages");
      equal(told, [["websocket", "/chat?x", ["v1", "v2"], "1", client.topic]]);
      const got = browser.got.map((one) => typeof one === "string" ? one : [...one as Uint8Array]);
      equal(got, ["early!", [98, 108, 111, 98], [1, 2], "last!"]);
      browser.leaves(4000, "enough");
      await until(() => openStreams(client) === 0, "the end of its tunnel");
      equal(told[1], { code: 4000, reason: "enough" });
    },
    { skip: byHand },
  ),
  // What was sent right before the page closed its socket was lost: with a message in the same turn, behind a Blob that takes a
  // while to be read, and while the service had not accepted yet.
  inFabric("what a browser sends before it leaves is delivered", async (fabric) => {
    const { client, service } = await pair(fabric);
    const go = Promise.withResolvers<void>();
    const heard: unknown[] = [];
    serveTunnels(service, async (tunnel) => {
      await go.promise;
      for await (const packet of tunnel.readable) heard.push(packet.length);
      heard.push(tunnel.farClose?.code);
      await tunnel.writable.close();
    });
    const browser = new Browser();
    const connecting = browser.connect(client, service.topic);
    await fabric.advance(50);
    go.resolve();
    await connecting;
    browser.says("one", new Blob(["four"]), ...Array(20).fill("twenty"));
    browser.leaves(1001);
    await until(() => openStreams(client) === 0, "the end of its tunnel");
    equal(heard, [3, 4, ...Array(20).fill(6), 1001]);
  }, { skip: byHand }),
  // A service that only writes went on for ever: its tunnel was half-closed and nothing else.
  inFabric("a service that does not end when the browser has gone is ended", async (fabric) => {
    const { client, service } = await pair(fabric);
    const ended = Promise.withResolvers<string>();
    let ticks = 0;
    serveTunnels(service, async (tunnel) => {
      tunnel.closed.then(() => ended.resolve("closed"), (error) => ended.resolve(String(error)));
      const writer = tunnel.writable.getWriter();
      for (;; ticks++) {
        await writer.write("tick");
        await new Promise<void>((resolve) => void service[LINK].options.clock.timer(10, resolve));
      }
    });
    for (const end of ["leaves", "breaks"] as const) {
      const browser = new Browser();
      await browser.connect(client, service.topic);
      await fabric.advance(100);
      equal(browser.got.length > 5, true, "some ticks");
      browser[end]();
      await fabric.advance("1s");
      const got = browser.got.length;
      await fabric.advance("5s");
      equal([await soon(ended.promise, "its end"), openStreams(client)], ["closed", 0]);
      const at = ticks;
      await fabric.advance("1s");
      equal([ticks, browser.got.length], [at, got], "afterwards");
    }
  }, { skip: byHand }),
  inFabric("a browser that does not answer a close does not keep the tunnel", async (fabric) => {
    const { client, service } = await pair(fabric);
    serveTunnels(service, (tunnel) => tunnel.writable.close());
    const browser = new Browser();
    await browser.connect(client, service.topic);
    equal(await soon(browser.closed, "the close"), [1000, ""]);
    equal(openStreams(client), 1);
    await fabric.advance("6s");
    equal(openStreams(client), 0);
  }, { skip: byHand }),
  inFabric("a socket that is upgraded and never opened does not keep the tunnel", async (fabric) => {
    const { client, service } = await pair(fabric);
    serveTunnels(service, (tunnel) => tunnel.accept());
    await new Browser().connect(client, service.topic, "/ws/", false);
    equal(openStreams(client), 1);
    await fabric.advance("11s");
    equal(openStreams(client), 0);
  }, { skip: byHand }),
  // 828 MiB in a second were given to a browser that took nothing.
  inFabric("a browser that does not take its messages holds the service back", async (fabric) => {
    const { client, service } = await pair(fabric);
    const message = new Uint8Array(60_000);
    let written = 0;
    serveTunnels(service, async (tunnel) => {
      const writer = tunnel.writable.getWriter();
      for (; written < 40 * MIB; written += message.length) await writer.write(message);
      await writer.close();
    });
    const raw = { bufferedAmount: 0 };
    const browser = new Browser(raw);
    browser.send = ({ length }: Uint8Array) => void (raw.bufferedAmount += length);
    await browser.connect(client, service.topic);
    await fabric.advance("10s");
    equal(raw.bufferedAmount > MIB && raw.bufferedAmount < 2 * MIB, true, `${raw.bufferedAmount} bytes given`);
    equal(written < 8 * MIB, true, `${written} bytes written`);
    // It goes on where it stopped.
    browser.send = () => {};
    raw.bufferedAmount = 0;
    await fabric.advance("1s");
    equal(await soon(browser.closed, "the end"), [1000, ""]);
    browser.leaves(1000);
    await fabric.advance(1);
  }, { skip: byHand }),
  // 200 MiB from a browser to a service that did not read were 202 MiB of memory.
  inFabric("a service that does not read holds the browser back, or loses it", async (fabric) => {
    const { client, service } = await pair(fabric);
    const taken: IncomingTunnel[] = [];
    serveTunnels(service, (tunnel) => void taken.push(tunnel));
    const message = new Uint8Array(64 * 1024);
    // Bun's sockets, and those of ws, can be told to wait.
    const asked: string[] = [];
    const words = ["pause", "resume", "ping"];
    const patient = new Browser(Object.fromEntries(words.map((word) => [word, () => asked.push(word)])));
    await patient.connect(client, service.topic);
    for (let sent = 0; sent < 2 * MIB; sent += message.length) patient.says(message);
    // One that is held back is asked whether it is there: its leaving would wait behind what it has said.
    await fabric.advance("11s");
    equal(asked, ["pause", "ping", "ping"]);
    let read = 0;
    const reader = taken[0].readable.getReader();
    while (read < 2 * MIB) {
      read += (await soon(reader.read(), "what was sent")).value!.length;
      await fabric.advance(1);
    }
    await fabric.advance("11s");
    equal(asked, ["pause", "ping", "ping", "resume"]);
    patient.leaves();
    await fabric.advance("6s");
    // Others are closed, and the service hears what was taken of them.
    const hasty = new Browser();
    await hasty.connect(client, service.topic);
    for (let sent = 0; sent < 40 * MIB; sent += message.length) hasty.says(message);
    equal(await soon(hasty.closed, "the close"), [1013, "messages come faster than they are taken"]);
    read = 0;
    for await (const packet of taken[1].readable) {
      read += packet.length;
      await fabric.advance(1);
    }
    equal([read, taken[1].farClose?.code], [8 * MIB, 1013]);
    // A single message of the largest size always has room, a larger one never.
    const large = new Browser();
    await large.connect(client, service.topic);
    large.says("é".repeat(8 * MIB));
    const got = (async () => (await taken[2].readable.getReader().read()).value!.length)();
    equal(await soon(got, "a large message", 10_000), 8 * MIB);
    large.says("é".repeat(8 * MIB) + "x");
    equal((await soon(large.closed, "the close"))[0], 1009);
    await fabric.advance("6s");
  }, { skip: byHand }),
  inFabric("a tunnel that is not taken is an answer; one that ends is a close with its reason", async (fabric) => {
    const { client, service } = await pair(fabric);
    serveTunnels(service, async (tunnel) => {
      const [code, reason] = tunnel.path!.slice(1).split("/");
      if (code === "refused") throw new Error("not here");
      if (code === "late") await new Promise(() => {});
      tunnel.accept();
      if (code === "close") return tunnel.close("it is late");
      if (code === "throws") throw new Error("é".repeat(100));
      if (code !== "plain") tunnel.ownClose = { code: Number(code), reason: reason ?? "" };
      await tunnel.writable.close();
    }, { maxBytes: 10 });
    const status = async (target: string, path: string): Promise<unknown> => {
      const answer = new Browser().connect(client, target, path, false);
      await fabric.advance("2s");
      const { status, title } = await (await answer).json();
      return [status, title];
    };
    equal(await status(service.topic, "/ws/refused"), [502, "Bad Gateway"]);
    equal(await status(service.topic, "/ws/late"), [504, "Gateway Timeout"]);
    equal(await status(service.topic, "/ws/%0a"), [400, "Bad Request"]);
    equal(await status("sv::nobody", "/ws/"), [503, "Service Unavailable"]);
    equal(openStreams(client), 0);
    const close = async (path: string): Promise<[number, string]> => {
      const browser = new Browser();
      await browser.connect(client, service.topic, path);
      const closed = await soon(browser.closed, "the close");
      browser.leaves();
      await fabric.advance(1);
      return closed;
    };
    equal(await close("/ws/plain"), [1000, ""]);
    equal(await close("/ws/4001/expired"), [4001, "expired"]);
    equal(await close("/ws/close"), [1000, "it is late"]);
    equal(await close("/ws/throws"), [1011, "é".repeat(61)]);
    const codes: number[] = [];
    for (const code of [1001, 1003, 1004, 1005, 1006, 1009, 1015, 2999, 3000, 5000]) {
      codes.push((await close(`/ws/${code}`))[0]);
    }
    // What may not stand in a close frame becomes what may; 5000 is not carried at all, as if nothing was said.
    equal(codes, [1001, 1003, 1011, 1000, 1011, 1009, 1011, 1011, 3000, 1011]);
  }, { skip: byHand }),
  // Hono's helper for Workers gave the socket out with the browser's first message, and named no subprotocol.
  inFabric("on workerd a service may speak first, and its subprotocol is named", async (fabric) => {
    const { client, service } = await pair(fabric);
    const [told, closes]: unknown[][] = [[], []];
    serveTunnels(service, async (tunnel) => {
      tunnel.accept({ protocol: tunnel.protocols[1] });
      const writer = tunnel.writable.getWriter();
      await writer.write("hello");
      for await (const packet of tunnel.readable) {
        if (packet === "expire") tunnel.ownClose = { code: 4001, reason: "expired" };
        if (packet === "expire") return await writer.close();
        await writer.write(packet);
      }
      told.push(tunnel.farClose);
      await writer.close();
    });
    for (const end of ["expire", "leave"]) {
      const response = await new Browser().connect(client, service.topic, "/ws/", false);
      equal([response.status, response.headers.get("sec-websocket-protocol")], [101, "v2"]);
      const socket = (response as unknown as { webSocket: PageSocket }).webSocket;
      const got: unknown[] = [];
      socket.addEventListener("message", ({ data }) => got.push(data));
      socket.addEventListener("close", ({ code, reason }) => closes.push([code, reason]));
      socket.accept();
      await until(() => got.length === 1, "the service's first word");
      socket.send("again");
      await until(() => got.length === 2, "its second");
      equal(got, ["hello", "again"]);
      if (end === "expire") socket.send("expire");
      else socket.close(4002, "enough");
      const heard = end === "expire" ? closes : told;
      await until(() => heard.length > 0, "the close");
      equal(heard, end === "expire" ? [[4001, "expired"]] : [{ code: 4002, reason: "enough" }]);
      if (end === "expire") socket.close(1000, "");
      await until(() => openStreams(client) === 0, "the end of its tunnel");
      told.length = closes.length = 0;
    }
  }, { skip: ({ runtime }) => runtime === "workerd" ? undefined : "it is about workerd" }),
];
