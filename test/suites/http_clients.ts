import ky from "ky";
import { AetherFetchTransport, serveHttp } from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { both, hand, type Pair, soon } from "./http_kit.ts";

/** Events of a `text/event-stream`, as clients of language models read them. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; data: string }> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    rest += value;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const lines = rest.slice(0, end).split("\n");
      rest = rest.slice(end + 2);
      const field = (name: string): string[] =>
        lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
      yield { event: field("event")[0] ?? "message", data: field("data").join("\n") };
    }
  }
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
    const next = async (): Promise<unknown> => (await soon(stream.next(), "an event")).value;
    // Borders of pieces are not borders of events.
    const ö = new TextEncoder().encode("ö");
    download.give('data: {"choices":[{"delta":{"content":"Hel');
    download.give('lo"}}]}\n\ndata: sm');
    equal(await next(), { event: "message", data: '{"choices":[{"delta":{"content":"Hello"}}]}' });
    download.give(ö.slice(0, 1));
    download.give(ö.slice(1));
    download.give("rg\n\nevent: ping\ndata: 1\ndata: 2\n\n");
    equal([await next(), await next()], [{ event: "message", data: "smörg" }, { event: "ping", data: "1\n2" }]);
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
