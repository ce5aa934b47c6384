import { type EventSourceMessage, EventSourceParserStream } from "eventsource-parser/stream";
import ky from "ky";
import { AetherFetchTransport, serveHttp } from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { both, hand, type Pair, soon } from "./http_kit.ts";

/** Events of a `text/event-stream`, as SDKs of language models read them. */
function events(body: ReadableStream<Uint8Array>): ReadableStreamDefaultReader<EventSourceMessage> {
  const texts = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>);
  return texts.pipeThrough(new EventSourceParserStream()).getReader();
}

/** `transport.fetch` as the fetch of others' libraries. */
export const pairs: Pair[] = [
  both("ky asks by it: JSON, search, hooks, retries, errors of status, its timeout", async ({ service, transport }) => {
    let failures = 0;
    serveHttp(service, async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/flaky" && failures++ < 2) return new Response("busy", { status: 503 });
      if (pathname === "/never") return await new Promise<never>(() => {});
      if (pathname === "/missing") return new Response("no", { status: 404 });
      const json = request.method === "POST" ? await request.json() : null;
      return Response.json({ q: searchParams.get("q"), json, hook: request.headers.get("x-hook") });
    });
    const client = ky.create({
      fetch: transport().fetch,
      hooks: { beforeRequest: [({ request }) => request.headers.set("x-hook", "1")] },
      retry: { limit: 3, delay: () => 1 },
    });
    equal(await client.get("http://h/a", { searchParams: { q: "x y" } }).json(), { q: "x y", json: null, hook: "1" });
    equal(await client.post("http://h/a", { json: { a: [1] } }).json(), { q: null, json: { a: [1] }, hook: "1" });
    equal([(await client.get("http://h/flaky")).status, failures], [200, 3]);
    await rejects(client.get("http://h/missing"), "HTTPError");
    await rejects(client.get("http://h/never", { timeout: 20, retry: 0 }), "TimeoutError");
  }),
  both("a stream of tokens is read event by event, and stopped in the middle", async ({ service, transport }) => {
    const download = hand();
    let asked: unknown;
    serveHttp(service, async (request) => {
      asked = await request.json();
      return new Response(download.stream, { headers: { "content-type": "text/event-stream" } });
    });
    const controller = new AbortController();
    const response = await transport().fetch("http://api/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer k" },
      body: JSON.stringify({ model: "m", stream: true }),
      signal: controller.signal,
    });
    equal(asked, { model: "m", stream: true });
    const stream = events(response.body!);
    const next = async (): Promise<unknown> => (await soon(stream.read(), "an event")).value;
    // Borders of pieces are not borders of events.
    const ö = new TextEncoder().encode("ö");
    download.give(": a comment, as some send while nothing comes\r\n\r\n");
    download.give('data: {"choices":[{"delta":{"content":"Hel');
    download.give('lo"}}]}\n\ndata: sm');
    equal(await next(), { data: '{"choices":[{"delta":{"content":"Hello"}}]}' });
    download.give(ö.slice(0, 1));
    download.give(ö.slice(1));
    download.give("rg\n\nevent: ping\nid: 7\ndata: 1\ndata: 2\n\n");
    equal([await next(), await next()], [{ data: "smörg" }, { id: "7", event: "ping", data: "1\n2" }]);
    controller.abort();
    await rejects(next() as Promise<unknown>, "AbortError");
    await soon(download.cancelled, "the handler's stream to be cancelled");
  }),
  both("it can be given away as a function, many to many services", async ({ agent, any, service }) => {
    serveHttp(service, (request) => new Response(new URL(request.url).pathname));
    const { fetch } = new AetherFetchTransport(agent, any, 5000, "blue");
    // A type of its own check: it passes where the platform's is asked for.
    const ask: (input: string | URL | Request, init?: RequestInit) => Promise<Response> = fetch;
    equal(await Promise.all(["/a", "/b"].map(async (path) => await (await ask(`http://h${path}`)).text())), [
      "/a",
      "/b",
    ]);
  }),
];
