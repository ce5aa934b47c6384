import { proxyHttp, serveHttp } from "../../src/proxy/mod.ts";
import { AetherFetchTransport, ProxyErrorKind } from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { aborted, bodiesAreOpaque, hand, inFabric, openStreams, type Pair, pattern, piece, soon } from "./http_kit.ts";
import { connected, within } from "./state_kit.ts";

const forever = (): Promise<never> => new Promise(() => {});

/** Time, sizes, and the options of proxyHttp. */
export const pairs: Pair[] = [
  inFabric("without a head in time the request ends as a timeout, and the handler hears of it", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const seen = Promise.withResolvers<unknown>();
    serveHttp(service, (request) => (aborted(request.signal).then(seen.resolve), forever()));
    const started = fabric.clock.now();
    let ended = 0;
    const answer = new AetherFetchTransport(agent, service.topic, 250).fetch("/").finally(() =>
      ended = fabric.clock.now()
    );
    const error = await rejects(within(fabric, answer, "1s"), "ProxyHttpError");
    equal([error.kind, error.code, ended - started], [ProxyErrorKind.Timeout, "DEADLINE_EXCEEDED", 250]);
    await soon(seen.promise, "the handler's signal");
    const usual = new AetherFetchTransport(agent, service.topic).fetch("/");
    await rejects(within(fabric, usual, "31s"), "ProxyHttpError");
  }),
  inFabric("the wait for a connection is a part of the time to the head", async (fabric) => {
    const later = { reconnectDelay: 60_000, maxReconnectDelay: 60_000 };
    const [agent] = await connected(fabric.agent(later));
    const service = fabric.service();
    await service.connect();
    serveHttp(service, () => new Response("ok"));
    fabric.faults.cut(agent);
    await fabric.advance(10);
    const answer = new AetherFetchTransport(agent, service.topic, 1000).fetch("/");
    equal((await rejects(within(fabric, answer, "2s"), "ProxyHttpError")).kind, ProxyErrorKind.Timeout);
    const patient = new AetherFetchTransport(agent, service.topic, 600_000).fetch("/");
    equal(await (await within(fabric, patient, "2m")).text(), "ok");
    const controller = new AbortController();
    fabric.faults.cut(agent);
    await fabric.advance(10);
    const given = new AetherFetchTransport(agent, service.topic).fetch("/", { signal: controller.signal });
    controller.abort();
    await rejects(given, "AbortError");
  }),
  inFabric(
    "the time between two pieces is bounded where that is asked for, and starts anew with each",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      const download = hand();
      serveHttp(service, () => new Response(download.stream));
      const transport = new AetherFetchTransport(agent, service.topic, { streamIdleTimeoutMs: 1000 });
      const reader = (await transport.fetch("/")).body!.getReader();
      for (let n = 0; n < 5; n++) {
        const next = piece(reader);
        await fabric.advance(900);
        download.give("x");
        equal(await next, "x");
      }
      const error = await rejects(within(fabric, reader.read(), 1001), "ProxyHttpError");
      equal(error.kind, ProxyErrorKind.Timeout);
      await soon(download.cancelled, "the handler's stream to be cancelled");
    },
  ),
  inFabric("a handler that is late is answered for with 504, and what it comes up with is dropped", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const [go, download] = [Promise.withResolvers<void>(), hand()];
    const seen: unknown[] = [];
    service.onError(() => {});
    serveHttp(service, async (request) => {
      aborted(request.signal).then((reason) => seen.push(reason));
      await go.promise;
      return new Response(download.stream);
    }, { timeoutMs: 100 });
    const answer = new AetherFetchTransport(agent, service.topic).fetch("/");
    equal((await within(fabric, answer, "1s")).status, 504);
    equal(seen.length, 1);
    go.resolve();
    await soon(download.cancelled, "the late body to be cancelled");
  }),
  inFabric("an answer larger than allowed ends as a typed error, however it comes", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    let source = hand();
    serveHttp(service, (request) => {
      if (request.url.endsWith("/stream")) return new Response((source = hand()).stream);
      return new Response(pattern(Number(new URL(request.url).search.slice(1))));
    });
    const { fetch } = new AetherFetchTransport(agent, service.topic, { maxResponseBodyBytes: 1000 });
    equal((await (await fetch("/?1000")).arrayBuffer()).byteLength, 1000);
    const tooLarge = async (path: string): Promise<void> => {
      const error = await rejects(fetch(path).then((response) => response.arrayBuffer()), "ProxyHttpError");
      equal([error.kind, error.retryable], [ProxyErrorKind.PayloadTooLarge, false], path);
    };
    for (const path of ["/?1001", "/?1000000"]) await tooLarge(path);
    const reader = (await fetch("/stream")).body!.getReader();
    source.give(pattern(900));
    equal((await reader.read()).value?.length, 900);
    source.give(pattern(101));
    await rejects(reader.read(), "ProxyHttpError");
    await soon(source.cancelled, "the handler's stream to be cancelled");
  }, { skip: bodiesAreOpaque }),
  inFabric("a request larger than allowed is answered with 413, at the byte that is too many", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    let handled = 0;
    serveHttp(service, async (request) => {
      const { byteLength } = await request.arrayBuffer();
      handled++;
      return new Response(String(byteLength));
    }, { maxRequestBodyBytes: 1000 });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const send = async (body: Uint8Array<ArrayBuffer> | ReadableStream) =>
      await (await fetch("/", { method: "POST", body })).status;
    equal([await send(pattern(1000)), await send(pattern(1001)), await send(pattern(500_000))], [200, 413, 413]);
    const upload = hand();
    const answer = send(upload.stream);
    upload.give(pattern(999));
    upload.give(pattern(2));
    equal(await soon(answer, "the refusal"), 413);
    await soon(upload.cancelled, "the source to be cancelled");
    equal(handled, 1);
  }),
  inFabric("a handler that throws, rejects, or returns no response is answered for with 500", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const reported: unknown[] = [];
    service.onError((error) => void reported.push(error));
    serveHttp(service, (request): Response | Promise<Response> => {
      const { pathname } = new URL(request.url);
      if (pathname === "/throws") throw new Error("a secret");
      if (pathname === "/rejects") return Promise.reject(new Error("a secret"));
      if (pathname === "/error") return Response.error();
      return pathname === "/none" ? (undefined as never) : new Response("fine");
    });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    for (const path of ["/throws", "/rejects", "/error", "/none"]) {
      const response = await fetch(path);
      equal([response.status, /secret/.test(await response.text())], [500, false], path);
    }
    equal([reported.length, await (await fetch("/")).text()], [4, "fine"]);
  }),
  inFabric("proxyHttp takes its options: whole or streamed, redirects, size, time, backend", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    let download = hand();
    serveHttp(service, async (request, { backend }) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/moved") return new Response(null, { status: 302, headers: { location: "/end" } });
      if (pathname === "/large") return new Response(pattern(10 * 1024 * 1024 + 1));
      if (pathname === "/stream") return new Response((download = hand()).stream);
      if (pathname === "/late") return forever();
      return Response.json([request.method, await request.text(), request.headers.get("x-a"), backend ?? null]);
    });
    const { topic } = service;
    const headers = { "x-a": "1" };
    const made = await agent.proxyHttp(topic, "POST", "/", { headers, body: "text", backend: "blue" });
    equal(await made.json(), ["POST", "text", "1", "blue"]);
    equal((await proxyHttp(agent, topic, "GET", "/moved")).status, 302);
    equal(await (await proxyHttp(agent, topic, "GET", "/moved", { followRedirects: true })).json(), [
      "GET",
      "",
      null,
      null,
    ]);
    const error = await rejects(proxyHttp(agent, topic, "GET", "/large"), "ProxyHttpError");
    equal([error.kind, /streamResponse/.test(error.message)], [ProxyErrorKind.PayloadTooLarge, true]);
    const more = await proxyHttp(agent, topic, "GET", "/large", { maxResponseBodyBytes: 11 * 1024 * 1024 });
    equal((await more.arrayBuffer()).byteLength, 10 * 1024 * 1024 + 1);
    const streamed = await proxyHttp(agent, topic, "GET", "/stream", { streamResponse: true });
    const reader = streamed.body!.getReader();
    download.give("now");
    equal(await piece(reader), "now");
    download.end();
    equal(await piece(reader), undefined);
    const late = proxyHttp(agent, topic, "GET", "/late", { timeoutMs: 5 });
    equal((await rejects(within(fabric, late, "1s"), "ProxyHttpError")).kind, ProxyErrorKind.Timeout);
    await rejects(proxyHttp(agent, topic, "GET", "/late", { signal: AbortSignal.timeout(1) }), "TimeoutError");
    equal(openStreams(agent), 0);
  }),
  inFabric("an abort at one end is heard at the other within one round trip", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const [download, seen] = [hand(), [] as [string, number][]];
    const note = (what: string) => (): void => void seen.push([what, fabric.clock.now()]);
    serveHttp(service, (request) => {
      aborted(request.signal).then(note("signal"));
      return request.url.endsWith("/waits") ? forever() : new Response(download.stream);
    });
    download.cancelled.then(note("source"));
    for (const client of [agent, service]) fabric.faults.delay(client, 50);
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const controller = new AbortController();
    const { signal } = controller;
    fetch("/waits", { signal }).catch(() => {});
    const answer = fetch("/", { signal });
    await fabric.advance(250);
    const reader = (await answer).body!.getReader();
    const read = reader.read();
    read.catch(() => {});
    const since = fabric.clock.now();
    controller.abort();
    await rejects(read, "AbortError");
    await fabric.advance(99);
    equal(seen, [], "before anything could arrive");
    await fabric.advance(1);
    equal(seen.map(([what]) => what).sort(), ["signal", "signal", "source"]);
    equal(seen.every(([, at]) => at - since === 100), true, "one way: two wires of 50 ms");
  }),
];
