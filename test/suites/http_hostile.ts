import { AetherFetchTransport, serveHttp, serveTunnels, tunnelDial } from "../../src/proxy/mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { FLAG_END } from "../../src/protocol/frames.ts";
import { STREAM_WINDOW } from "../../src/protocol/limits.ts";
import { AetherError, ConflictError } from "../../src/errors.ts";
import { StreamKind } from "../../src/protocol/stream_frames.ts";
import { encodeStructured } from "../../src/protocol/structured.ts";
import { channelsOf } from "../../src/session/channels.ts";
import { LINK } from "../../src/session/link.ts";
import { equal } from "./assert.ts";
import { alone, inFabric, type Pair, soon, tableOf } from "./http_kit.ts";
import { raw, type RawClient } from "./http_raw.ts";
import type { TestFabric } from "../../src/testing/mod.ts";
import { connected } from "./state_kit.ts";

const GET = { method: "GET", path: "/", headers: [] };
/** A body of one byte that is no structured body. */
const GARBAGE = new Uint8Array([0xc1]);
const MiB = 1024 * 1024;

const ROGUE = { type: "service", implementation: "rogue", specifier: "1" };

const rogue = (fabric: TestFabric): Promise<RawClient> => raw(fabric.gateway, ROGUE);

/** What one client says must not end another one, nor the gateway, nor fill either. */
export const pairs: Pair[] = [
  inFabric("a reason nobody can read ends the connection it came by, and no other", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, () => new Promise<never>(() => {}));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const asked = fetch("/").catch((error) => error);
    const caller = await raw(fabric.gateway);
    caller.open(1, service.topic, GET);
    await fabric.advance(1);
    caller.garbage(1, GARBAGE);
    equal(await soon(caller.closed, "the end of its connection"), 4400);
    // The same by who is called.
    const other = await rogue(fabric);
    const lost = new AetherFetchTransport(agent, "sv::rogue::1").fetch("/").catch((error) => error);
    other.garbage((await other.next("open")).stream, GARBAGE);
    equal(await soon(other.closed, "the end of its connection"), 4400);
    equal((await soon(lost, "its request to fail")).code, "UNAVAILABLE");
    equal([agent.state, service.state], ["ready", "ready"]);
    equal(await Promise.race([asked, fabric.advance(1).then(() => "still asked")]), "still asked");
    await agent.disconnect();
    await asked;
  }),
  alone({
    name: "http: a reason nobody can read does not end the gateway whose ingress has asked",
    run: async () => {
      const ingress = { services: ["rogue"] };
      await using gateway = await createGateway({ store: memoryStore(), auth: allowAll(), ingress });
      const service = await raw(gateway, ROGUE);
      const asked = gateway.fetch(new Request("http://gateway/s/rogue/")) as Promise<Response>;
      service.garbage((await service.next("open")).stream, GARBAGE);
      equal((await soon(asked, "an answer")).status, 503);
    },
  }),
  inFabric("a reason of megabytes is cut where it is said, and refused where it is not", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    channelsOf(service[LINK]).accept(StreamKind.Http, ({ channel }) => {
      channel.reset(new AetherError("x".repeat(3 * MiB), "ABORTED", { details: { long: "y".repeat(3 * MiB) } }));
    });
    const error = await new AetherFetchTransport(agent, service.topic).fetch("/").catch((error) => error);
    equal([error.message.includes("x".repeat(900)), error.message.length < 2000], [true, true]);
    equal([agent.state, service.state], ["ready", "ready"]);
    const other = await rogue(fabric);
    const lost = new AetherFetchTransport(agent, "sv::rogue::1").fetch("/").catch((error) => error);
    other.reset((await other.next("open")).stream, { code: "toString", message: "x".repeat(200_000) });
    const { message } = await soon(lost, "its request to fail");
    equal([message.includes("x".repeat(900)), message.length < 2000, other.isClosed], [true, true, false]);
  }),
  inFabric(
    "an error nobody can read, in answer to a request, ends who has said it and fails the request",
    async (fabric) => {
      const [agent] = await connected(fabric.agent());
      for (
        const [body, isClosed] of [[encodeStructured({ code: "toString", message: "x" }), false], [
          GARBAGE,
          true,
        ]] as const
      ) {
        const service = await rogue(fabric);
        const asked = agent.request("sv::rogue::1", new Uint8Array(1)).catch((error) => error);
        await fabric.advance(1);
        service.answer(1, body);
        equal((await soon(asked, "the request to fail")) instanceof AetherError, true);
        await fabric.advance(1);
        equal([agent.state, service.isClosed], ["ready", isClosed]);
        service.leave();
        await fabric.advance(1);
      }
    },
  ),
  inFabric("an error whose details cannot be written is told without them", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const details: Record<string, unknown> = {};
    details.own = details;
    const thrown = new ConflictError("not now", { details });
    service.onError(() => {});
    service.onRequest(() => Promise.reject(thrown));
    serveTunnels(service, () => Promise.reject(thrown));
    const asked = await agent.request(service.topic, new Uint8Array(1)).catch((error) => error);
    equal([asked.code, asked.message], ["ABORTED", "not now"]);
    const dialled = await soon(tunnelDial(agent, service.topic, "tcp").catch((error) => error), "a refusal");
    equal(String(dialled).includes("not now"), true, String(dialled));
  }),
  inFabric("chunks of nothing are refused, and small ones that wait are joined", async (fabric) => {
    const service = await rogue(fabric);
    const greedy = await raw(fabric.gateway);
    greedy.open(1, "sv::rogue::1", { ...GET, method: "POST" }, false);
    const { stream } = await service.next("open");
    // Fills the credit of the service's socket, which says nothing of having read it.
    for (let n = 3; n < 13; n += 2) {
      greedy.open(n, "sv::rogue::1", { ...GET, method: "POST" }, false);
      for (let at = 0; at < 4; at++) greedy.chunk(n, new Uint8Array(64 * 1024));
    }
    await fabric.advance(1);
    for (let n = 0; n < 20_000; n++) greedy.chunk(1, new Uint8Array([n]));
    await fabric.advance(1);
    const { waiting } = tableOf({ topic: "sv::rogue::1" });
    equal(waiting < 300_000, true, `${waiting} bytes wait`);
    service.events.length = 0;
    for (let n = 0; n < 4; n++) {
      service.credit(0, MiB);
      await fabric.advance(1);
    }
    const chunks = service.events.filter((event) => event.kind === "chunk" && event.stream === stream);
    equal([chunks.reduce((sum, { bytes = 0 }) => sum + bytes, 0), chunks.length < 100], [20_000, true]);
    greedy.chunk(1, new Uint8Array());
    equal(await soon(greedy.closed, "the end of its connection"), 4400);
    service.leave();
    await fabric.advance(1);
  }, { ownGateway: true }),
  inFabric("the body of an answer that cannot be passed on is cancelled", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    service.onError(() => {});
    const cancelled = Promise.withResolvers<unknown>();
    const body = new ReadableStream({ cancel: cancelled.resolve });
    const response = new Response(body);
    // What some runtimes let a handler say, and no gateway passes on.
    Object.defineProperty(response, "headers", {
      value: { forEach: (each: (value: string, name: string) => void) => each("a\x01b", "x"), getSetCookie: () => [] },
    });
    serveHttp(service, () => response);
    equal((await new AetherFetchTransport(agent, service.topic).fetch("/")).status, 500);
    await soon(cancelled.promise, "the end of its source");
  }),
  inFabric("a stream that ends without an answer fails who waits for one, at once", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const service = await rogue(fabric);
    const asked = new AetherFetchTransport(agent, "sv::rogue::1").fetch("/").catch((error) => error);
    const { stream } = await service.next("open");
    service.chunk(stream, new Uint8Array(3), FLAG_END);
    equal(await soon(service.closed, "the end of its connection"), 4400);
    equal((await soon(asked, "the request to fail")).code, "UNAVAILABLE");
    // A gateway that lets it pass does no harm either.
    const channel = channelsOf(agent[LINK]).open(StreamKind.Http, agent.topic, GET, true);
    channel.chunked(new Uint8Array(3), FLAG_END);
    equal((await channel.answered().catch((error) => error)).message, "The stream ended without an answer");
  }),
  inFabric("a head beyond its bound, or a second one, ends what it is said of", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const { fetch } = new AetherFetchTransport(agent, "sv::rogue::1");
    const other = await rogue(fabric);
    const large = { status: 200, headers: ["a", "x".repeat(70_000)] };
    const asked = fetch("/").catch((error) => error);
    const { stream } = await other.next("open");
    other.head(stream, large);
    equal((await soon(asked, "the request to fail")).message.includes("at most 65536 are allowed"), true);
    equal((await other.next("reset")).body.code, "RESOURCE_EXHAUSTED");
    equal(other.isClosed, false);
    const twice = fetch("/").then((response) => response.body!.getReader().read()).catch((error) => error);
    const again = (await other.next("open")).stream;
    other.head(again, { status: 200, headers: [] });
    other.head(again, { status: 200, headers: [] });
    equal(await soon(other.closed, "the end of its connection"), 4400);
    equal((await soon(twice, "its request to fail")).code, "UNAVAILABLE");
    // Of heads that would end a connection only the one request hears.
    const huge = "x".repeat(3 * MiB);
    const slow = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        async pull(controller) {
          await fabric.advance(1);
          controller.enqueue(new Uint8Array(1));
        },
      });
    const bodies: Record<string, () => BodyInit | null> = { "/": () => "ok", "/none": () => null, "/slow": slow };
    serveHttp(service, ({ url }) => new Response(bodies[new URL(url).pathname](), { headers: { huge } }));
    const reported: string[] = [];
    service.onError(({ message }) => void reported.push(message));
    const own = new AetherFetchTransport(agent, service.topic);
    const tooLarge = "at most 1048576 are allowed";
    equal((await own.fetch("/", { headers: { huge } }).catch((error) => error)).message.includes(tooLarge), true);
    // What is the handler's own is its service's to know, also where the head leaves at the end of a turn.
    for (const path of Object.keys(bodies)) equal((await soon(own.fetch(path), path)).status, 500);
    equal(reported.map((words) => words.includes(tooLarge)), [true, true, true]);
    equal([agent.state, service.state], ["ready", "ready"]);
  }),
  inFabric("who lets everybody send and takes nothing fills neither the gateway nor its neighbours", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const piece = new Uint8Array(60_000);
    serveHttp(
      service,
      () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece) }, { highWaterMark: 0 })),
    );
    const greedy = await raw(fabric.gateway);
    const streams = 32;
    for (let n = 0; n < streams; n++) greedy.open(1 + 2 * n, service.topic, GET);
    await fabric.advance(1);
    for (let round = 0; round < 10; round++) {
      for (let n = 0; n < streams; n++) greedy.credit(1 + 2 * n, 512 * 1024);
      await fabric.advance(1);
    }
    const held = tableOf({ topic: "ag::test::raw::1" }).waiting;
    const bound = streams * STREAM_WINDOW + 17 * MiB;
    equal(held <= bound, true, `${held} bytes wait, at most ${bound} may`);
    equal(held > 8 * MiB, true, `${held} bytes wait`);
    // The others go on beside it.
    const response = await new AetherFetchTransport(agent, service.topic).fetch("/");
    const reader = response.body!.getReader();
    for (let got = 0; got < 8 * MiB;) got += (await soon(reader.read(), "a piece")).value!.length;
    await reader.cancel();
    // What was kept back is there as soon as what waits is taken.
    for (let round = 0; round < 100; round++) {
      greedy.credit(0, MiB);
      await fabric.advance(1);
    }
    const taken = greedy.events.reduce((sum, { kind, bytes = 0 }) => kind === "chunk" ? sum + bytes : sum, 0);
    equal(taken >= 60 * MiB, true, `${taken} bytes were taken`);
    greedy.leave();
    await fabric.advance(1);
  }, { ownGateway: true }),
  inFabric("an instance that does not answer HTTP is not in the way of one that does", async (fabric) => {
    const named = { implementation: "pair" };
    const [agent, first] = await connected(fabric.agent(), fabric.service({ ...named, specifier: "1" }));
    const http = serveHttp(first, async () => {
      await new Promise<void>((resolve) => fabric.clock.timer(50, resolve));
      return new Response("ok");
    });
    await connected(fabric.service({ ...named, specifier: "2" }));
    const transport = new AetherFetchTransport(agent, "sv::pair");
    const asked = Array.from(
      { length: 20 },
      () => transport.fetch("/", { method: "POST", body: "x" }).then(({ status }) => status, ({ code }) => code),
    );
    await fabric.advance("1s");
    equal(await Promise.all(asked), Array(20).fill(200));
    // Where nobody does, that is what is said.
    await http.close();
    equal(await transport.fetch("/").then(({ status }) => status, ({ code }) => code), "UNAVAILABLE");
  }),
  inFabric(
    "a wildcard does not go back to where the request came from while another instance is there",
    async (fabric) => {
      const named = { implementation: "chain" };
      const [agent, first, second] = await connected(
        fabric.agent(),
        fabric.service({ ...named, specifier: "1" }),
        fabric.service({ ...named, specifier: "2" }),
      );
      serveHttp(first, (request) => {
        const via = request.headers.get("x-aether-via")!;
        return new AetherFetchTransport(first, "sv::chain").fetch("/", { headers: { "x-aether-via": via } });
      });
      serveHttp(second, () => new Response("second"));
      const transport = new AetherFetchTransport(agent, first.topic);
      for (let round = 0; round < 6; round++) equal(await (await transport.fetch("/")).text(), "second");
    },
  ),
  inFabric(
    "how many streams may be open is the gateway's to say",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      serveHttp(service, () => new Response("ok"), { queue: 2000 });
      const { fetch } = new AetherFetchTransport(agent, service.topic);
      const all = await Promise.all(
        Array.from({ length: 1600 }, () => fetch("/").then(({ status }) => status, ({ code }) => code)),
      );
      equal(all.filter((status) => status !== 200), []);
    },
    { limits: { streams: 1600 } },
  ),
  inFabric(
    "who has more streams open than the gateway allows is told how many that are",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      serveHttp(service, () => new Promise<never>(() => {}));
      const { fetch } = new AetherFetchTransport(agent, service.topic);
      const first = [fetch("/"), fetch("/")].map((asked) => asked.catch(() => {}));
      const error = await fetch("/").catch((error) => error);
      equal([error.details.limit, error.retryAfterMs], [2, 100]);
      await agent.disconnect();
      await Promise.all(first);
    },
    { limits: { streams: 2 } },
  ),
];
