import { AetherFetchTransport, ProxyErrorKind, serveHttp } from "../../src/proxy/mod.ts";
import { equal, rejects, until } from "./assert.ts";
import {
  bodiesAreOpaque,
  hand,
  inFabric,
  openStreams,
  type Pair,
  pattern,
  piece,
  same,
  soon,
  tableOf,
} from "./http_kit.ts";
import { raw } from "./http_raw.ts";
import { bytes, connected } from "./state_kit.ts";

const GET = { method: "GET", path: "/", headers: [] };
const POST = { ...GET, method: "POST" };

/** Callers that take more than their share, and what they can keep from others with it. */
export const pairs: Pair[] = [
  // A request that goes on behind its answer was open for as long as its caller liked: 1024 of them took every stream of the
  // service, nothing was in flight, and nobody else got in.
  inFabric("a request that is not all here when its answer is complete holds nothing", async (fabric) => {
    const [other, service] = await connected(fabric.agent(), fabric.service({ implementation: "s", specifier: "1" }));
    const signals: AbortSignal[] = [];
    const statuses = new Set<number>();
    const http = serveHttp(service, ({ signal }) => (signals.push(signal), new Response("ok")), {
      onRequest: ({ status }) => void statuses.add(status),
    });
    const client = await raw(fabric.gateway);
    for (let n = 0; n < 1024; n++) client.open(1 + 2 * n, "sv::s::1", POST, false);
    await until(() => client.events.filter(({ kind }) => kind === "reset").length === 1024, "all are over");
    const kinds = client.events.filter(({ stream }) => stream === 77).map(({ kind, isEnd }) =>
      `${kind} ${isEnd ?? ""}`
    );
    equal(kinds, ["head false", "chunk true", "reset "]);
    equal([http.inFlight, tableOf(service).size, openStreams(service)], [0, 0, 0]);
    // It has been answered: neither has its caller left, nor is it told of as one that has.
    equal([signals.some(({ aborted }) => aborted), [...statuses]], [false, [200]]);
    client.chunk(77, bytes("more"));
    equal((await new AetherFetchTransport(other, "sv::s::1").fetch("/")).status, 200);
    client.leave();
    await fabric.advance(1);
  }, { ownGateway: true }),
  inFabric("an answer that is complete before the request arrives in full, however slow its reader", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service({ implementation: "s", specifier: "1" }));
    const whole = pattern(900_000);
    serveHttp(service, ({ method }) => new Response(method === "PUT" ? pattern(200_000) : whole));
    const upload = hand();
    const answer = await new AetherFetchTransport(agent, "sv::s").fetch("/", { method: "POST", body: upload.stream });
    await fabric.advance(1);
    equal(same(new Uint8Array(await answer.arrayBuffer()), whole), true, "the bytes");
    await soon(upload.cancelled, "the source to be cancelled");
    // A caller whose socket is full: what waits for it at the gateway goes before the word that nothing more is wanted.
    const client = await raw(fabric.gateway);
    for (let n = 0; n < 8; n++) client.open(1 + 2 * n, "sv::s::1", { ...GET, method: "PUT" }, false);
    const got = (): number =>
      client.events.reduce((sum, { kind, bytes = 0 }) => sum + (kind === "chunk" ? bytes : 0), 0);
    await fabric.advance(1);
    equal([got() < 1_200_000, tableOf(service).size], [true, 0], `${got()} bytes without credit`);
    client.credit(0, got());
    await fabric.advance(1);
    equal(got(), 1_600_000);
    for (let n = 0; n < 8; n++) {
      const told = client.events.filter(({ stream }) => stream === 1 + 2 * n);
      equal([told.at(-1)?.kind, told.at(-2)?.isEnd], ["reset", true], `stream ${n}`);
    }
    // And what was no chunk has cost no credit.
    client.credit(0, 1024 * 1024);
    client.events.length = 0;
    for (let n = 0; n < 5; n++) client.open(101 + 2 * n, "sv::s::1", { ...GET, method: "PUT" }, true);
    await fabric.advance(1);
    equal(got(), 1_000_000);
    client.leave();
    await fabric.advance(1);
  }, { ownGateway: true }),
  // They were taken in the order in which they came: behind a thousand of one caller everybody else ran into a time limit.
  inFabric("of requests that wait, each caller's are taken in turn", async (fabric) => {
    const [greedy, other, service] = await connected(fabric.agent(), fabric.agent(), fabric.service());
    const open: (() => void)[] = [];
    const order: string[] = [];
    const http = serveHttp(service, ({ url }) => {
      order.push(new URL(url).pathname);
      return new Promise((resolve) => open.push(() => resolve(new Response("ok"))));
    }, { concurrency: 1 });
    const ask = (client: typeof greedy, path: string, signal?: AbortSignal): Promise<Response> =>
      new AetherFetchTransport(client, service.topic).fetch(path, { signal });
    const controller = new AbortController();
    const answers = [1, 2, 3, 4, 5].map((n) => ask(greedy, `/g${n}`, n === 2 ? controller.signal : undefined));
    await fabric.advance(1);
    answers.push(ask(other, "/o1"), ask(other, "/o2"));
    await fabric.advance(1);
    equal(http.inFlight, 7);
    // Given up while it waits: its place is free at once, and its handler never hears of it.
    controller.abort();
    await rejects(answers[1], "AbortError");
    await fabric.advance(1);
    equal(http.inFlight, 6);
    while (http.inFlight > 0) {
      open.shift()?.();
      await fabric.advance(1);
    }
    equal(order, ["/g1", "/g3", "/o1", "/g4", "/o2", "/g5"]);
    equal((await Promise.allSettled(answers)).filter(({ status }) => status === "fulfilled").length, 6);
  }),
  // A writer without credit waited for good: 256 answers that nobody read held every place, also with `timeoutMs`, which is
  // about the head.
  inFabric("an answer that nobody reads gives its place back in time", async (fabric) => {
    const [other, service] = await connected(fabric.agent(), fabric.service({ implementation: "s", specifier: "1" }));
    const http = serveHttp(service, ({ url }) => new Response(url.endsWith("/x") ? "ok" : pattern(300_000)));
    const client = await raw(fabric.gateway);
    for (let n = 0; n < 256; n++) client.open(1 + 2 * n, "sv::s::1", GET, true);
    await fabric.advance("59s");
    equal(http.inFlight, 256);
    const answer = new AetherFetchTransport(other, "sv::s::1").fetch("/x");
    await fabric.advance("2s");
    equal([http.inFlight, (await answer).status], [0, 200]);
    const told = client.events.filter(({ kind }) => kind === "reset");
    equal([told.length, told[0].body.code], [256, "DEADLINE_EXCEEDED"]);
    client.leave();
    await fabric.advance(1);
  }),
  inFabric(
    "an answer of which a piece is taken in time goes on, all of it at once or piece by piece",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      const pieces = 150;
      let cancelled = 0;
      serveHttp(service, ({ url }) => {
        if (url.endsWith("/whole")) return new Response(pattern(pieces * 60_000));
        let left = pieces;
        return new Response(
          new ReadableStream({
            pull: (controller) => left-- > 0 ? controller.enqueue(pattern(60_000)) : controller.close(),
            cancel: () => void cancelled++,
          }, { highWaterMark: 0 }),
        );
      }, { stallTimeoutMs: 3000 });
      const { fetch } = new AetherFetchTransport(agent, service.topic);
      for (const path of ["/whole", "/pieces"]) {
        const reader = (await fetch(path)).body!.getReader();
        let size = 0;
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          size += next.value.length;
          // Fast at first, so that its window has grown when it becomes slow: it must not be silent for as long as that takes.
          if (size > 6_000_000) await fabric.advance(400);
        }
        equal(size, pieces * 60_000, path);
        // The same reader, but it falls asleep.
        const sleepy = (await fetch(path)).body!.getReader();
        await sleepy.read();
        await fabric.advance("4s");
        const rest = async (): Promise<void> => {
          for (let next = await sleepy.read(); !next.done;) next = await sleepy.read();
        };
        const error = await rejects(soon(rest(), "the end"), "ProxyHttpError");
        equal([error.kind, error.code], [ProxyErrorKind.Timeout, "DEADLINE_EXCEEDED"], path);
      }
      equal(cancelled, 1);
    },
    { skip: bodiesAreOpaque },
  ),
  inFabric("a handler that gives a byte now and then ends in its own time, beside fast ones", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const limits = { timeoutMs: 1000, stallTimeoutMs: 1000, maxRequestBodyBytes: 10, concurrency: 2 };
    const slow = hand();
    const http = serveHttp(service, ({ url }) => new Response(url.endsWith("/slow") ? slow.stream : "fast"), limits);
    const { fetch } = new AetherFetchTransport(agent, service.topic, { timeoutMs: 1000, streamIdleTimeoutMs: 10_000 });
    const answer = fetch("/slow");
    slow.give("0");
    const reader = (await answer).body!.getReader();
    equal(await piece(reader), "0");
    for (let n = 1; n < 20; n++) {
      await fabric.advance("9s");
      equal(await (await fetch("/fast")).text(), "fast");
      slow.give(String(n));
      equal(await piece(reader), String(n));
    }
    slow.end();
    equal(await piece(reader), undefined);
    await fabric.advance(1);
    equal(http.inFlight, 0);
  }),
];
