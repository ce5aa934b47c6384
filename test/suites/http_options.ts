import type { InvalidArgumentError } from "../../mod.ts";
import { aetherProxy } from "../../src/proxy/hono.ts";
import {
  AetherFetchTransport,
  type FetchInit,
  type FetchTransportOptions,
  ProxyErrorKind,
  proxyHttp,
  serveHttp,
  type ServeHttpOptions,
} from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { inFabric, type Pair, soon } from "./http_kit.ts";
import { connected, within } from "./state_kit.ts";

/** Names the argument a call is refused for, at once. */
function refusedFor(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const { name, argument } = error as InvalidArgumentError;
    return `${name} ${argument}`;
  }
  return "taken";
}

/** What may be set, and what may not. */
export const pairs: Pair[] = [
  // Nothing looked at them: with `concurrency: 0` every request ran into its time limit without a word of why.
  inFabric("an option that cannot be kept to is refused at once, by its name", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const times = [0, -1, NaN, -Infinity, "100"] as number[];
    const served: Record<string, number[]> = {
      concurrency: [0, -1, NaN, 1.5],
      queue: [-1, NaN, 1.5],
      timeoutMs: times,
      stallTimeoutMs: times,
      maxRequestBodyBytes: [-1, NaN, 1.5],
    };
    for (const [name, values] of Object.entries(served)) {
      for (const value of values) {
        const options: ServeHttpOptions = { [name]: value };
        const became = refusedFor(() => serveHttp(service, () => new Response("x"), options));
        equal(became, `InvalidArgumentError ${name}`, `${name} ${value}`);
      }
    }
    const asked: Record<string, number[]> = {
      timeoutMs: times,
      streamIdleTimeoutMs: times,
      maxResponseBodyBytes: [-1, NaN, 1.5],
    };
    for (const [name, values] of Object.entries(asked)) {
      for (const value of values) {
        const options: FetchTransportOptions = { [name]: value };
        const became = refusedFor(() => new AetherFetchTransport(agent, service.topic, options));
        equal(became, `InvalidArgumentError ${name}`, `${name} ${value}`);
        const error = await rejects(proxyHttp(agent, service.topic, "GET", "/", options), "InvalidArgumentError");
        equal(error.argument, name);
      }
    }
    equal(refusedFor(() => new AetherFetchTransport(agent, service.topic, -1)), "InvalidArgumentError timeoutMs");
    const proxied = { client: agent, target: service.topic, timeoutMs: -1 };
    equal(refusedFor(() => aetherProxy(proxied)), "InvalidArgumentError timeoutMs");
    const http = serveHttp(service, () => new Response("x"));
    equal((await rejects(http.close({ graceMs: -1 }), "InvalidArgumentError")).argument, "graceMs");
    equal((await new AetherFetchTransport(agent, service.topic).fetch("/")).status, 200);
  }),
  inFabric("what is infinite is no limit", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const go = Promise.withResolvers<void>();
    const any = {
      timeoutMs: Infinity,
      stallTimeoutMs: Infinity,
      maxRequestBodyBytes: Infinity,
      concurrency: Infinity,
      queue: Infinity,
    };
    const http = serveHttp(service, async (request) => {
      await go.promise;
      return new Response(await request.text());
    }, any);
    const asked = { timeoutMs: Infinity, streamIdleTimeoutMs: Infinity, maxResponseBodyBytes: Infinity };
    const { fetch } = new AetherFetchTransport(agent, service.topic, asked);
    const answer = fetch("/", { method: "POST", body: "hello" });
    await fabric.advance("2h");
    go.resolve();
    equal(await (await soon(answer, "the answer")).text(), "hello");
    await http.close({ graceMs: Infinity });
  }),
  // Only the first close was heard: one that had no grace waited for good, whatever was said later.
  inFabric("a service that closes twice keeps to the sooner end", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    for (const graces of [[undefined, 100], [100, undefined], [1000, 100], [100, 1000]]) {
      const http = serveHttp(service, () => new Promise<never>(() => {}));
      await fabric.advance(1);
      const answer = new AetherFetchTransport(agent, service.topic).fetch("/");
      answer.catch(() => {});
      await fabric.advance(1);
      const closing = graces.map((graceMs) => http.close({ graceMs }));
      let isClosed = false;
      Promise.all(closing).then(() => isClosed = true);
      await fabric.advance(98);
      equal(isClosed, false, String(graces));
      await fabric.advance(5);
      await rejects(answer, "ProxyHttpError");
      equal(isClosed, true, String(graces));
    }
  }),
  // The type that a text implies was set first, and headers that are there are kept: JSON went out as text/plain.
  inFabric("a content type among the transport's headers is more than the one a body implies", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, ({ headers }) => new Response(headers.get("content-type")));
    const headers = { "content-type": "application/json", "content-length": "7" };
    const post = async (options: FetchTransportOptions, init: FetchInit): Promise<string> =>
      await (await new AetherFetchTransport(agent, service.topic, options).fetch("/", { method: "POST", ...init }))
        .text();
    equal(await post({ headers }, { body: "{}" }), "application/json");
    equal(await post({ headers }, { body: "{}", headers: { "content-type": "text/x" } }), "text/x");
    equal(await post({}, { body: "{}" }), "text/plain;charset=UTF-8");
    equal(await post({ headers: { "x-other": "1" } }, { body: new Blob(["{}"], { type: "text/b" }) }), "text/b");
  }),
  // An answer that was read in full was made anew, and had forgotten where it came from.
  inFabric("an answer of proxyHttp knows its address, whole or streamed", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, ({ url }) => {
      return url.endsWith("/from")
        ? new Response(null, { status: 302, headers: { location: "/to?x" } })
        : new Response("ok");
    });
    for (const streamResponse of [true, false]) {
      const straight = await proxyHttp(agent, service.topic, "GET", "/to?x", { streamResponse });
      equal([straight.url, straight.redirected, await straight.text()], ["http://aether/to?x", false, "ok"]);
      const { url, redirected } = await agent.proxyHttp(service.topic, "GET", "/from", {
        streamResponse,
        followRedirects: true,
      });
      equal([url, redirected], ["http://aether/to?x", true]);
    }
  }),
  inFabric("a request may have a time limit of its own", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, () => new Promise<never>(() => {}));
    const { fetch } = new AetherFetchTransport(agent, service.topic, 60_000);
    const began = fabric.clock.now();
    let ended = 0;
    const answer = fetch("/", { timeoutMs: 500 }).finally(() => ended = fabric.clock.now());
    equal((await rejects(within(fabric, answer, "1s"), "ProxyHttpError")).kind, ProxyErrorKind.Timeout);
    equal(ended - began, 500);
    equal((await rejects(fetch("/", { timeoutMs: 0 }), "InvalidArgumentError")).argument, "timeoutMs");
    const longer = new AetherFetchTransport(agent, service.topic, 500).fetch("/", { timeoutMs: Infinity });
    const controller = new AbortController();
    const other = fetch("/", { signal: controller.signal, timeoutMs: Infinity });
    await fabric.advance("10m");
    equal(await Promise.race([longer.catch(() => "over"), "open"]), "open");
    controller.abort();
    await rejects(other, "AbortError");
    fabric.faults.cut(agent);
    await rejects(longer, "ProxyHttpError");
  }),
];
