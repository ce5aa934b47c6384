import { type BodySource, serveHttp } from "../../src/proxy/mod.ts";
import { FLAG_END } from "../../src/protocol/frames.ts";
import { channelsOf } from "../../src/session/channels.ts";
import { LINK } from "../../src/session/link.ts";
import { equal } from "./assert.ts";
import { both, hand, headersAreGuarded, type Pair, pattern, piece, same, soon } from "./http_kit.ts";
import { bytes } from "./state_kit.ts";

async function* texts(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await bytes(part);
}

/** What a body may be made of, and that its pieces travel as they come. */
export const pairs: Pair[] = [
  both("every kind of body arrives whole, with the type its kind implies", async ({ service, transport }) => {
    serveHttp(service, async (request) => {
      const type = request.headers.get("content-type");
      return Response.json([await request.text(), type, request.headers.get("content-length")]);
    });
    const { fetch } = transport();
    const sent = async (body: BodySource): Promise<unknown> =>
      await (await fetch("/", { method: "POST", body })).json();
    equal(await sent("grüße"), ["grüße", "text/plain;charset=UTF-8", "7"]);
    equal(await sent(bytes("abc")), ["abc", null, "3"]);
    equal(await sent(bytes("abc").buffer as ArrayBuffer), ["abc", null, "3"]);
    equal(await sent(new DataView(bytes("xabcx").buffer, 1, 3)), ["abc", null, "3"]);
    equal(await sent(new Blob(["blob"], { type: "image/x" })), ["blob", "image/x", "4"]);
    equal(await sent(new Blob(["blob"])), ["blob", null, "4"]);
    equal(await sent(new URLSearchParams({ a: "1 2", b: "&" })), [
      "a=1+2&b=%26",
      "application/x-www-form-urlencoded;charset=UTF-8",
      "11",
    ]);
    equal(await sent(new Response("of a stream").body), ["of a stream", null, null]);
    equal(await sent([bytes("of "), bytes("pieces")]), ["of pieces", null, null]);
    equal(await sent(texts("of ", "an ", "iterable")), ["of an iterable", null, null]);
    equal(await sent(""), ["", "text/plain;charset=UTF-8", "0"]);
    equal(await sent(null), ["", null, null]);
  }, headersAreGuarded),
  both("a form arrives as a form, files and all", async ({ service, transport }) => {
    serveHttp(service, async (request) => {
      const form = await request.formData();
      const file = form.get("file") as File;
      return Response.json([form.getAll("name"), file.name, file.type.replace(/;.*/, ""), await file.text()]);
    });
    const form = new FormData();
    form.append("name", "ada");
    form.append("name", "bob");
    form.append("file", new File(["content"], "a.txt", { type: "text/plain" }));
    const response = await transport().fetch("/", { method: "POST", body: form });
    equal(await response.json(), [["ada", "bob"], "a.txt", "text/plain", "content"]);
  }),
  both("the handler reads the first piece before the last is sent", async ({ service, transport }) => {
    serveHttp(service, (request) => new Response(request.body));
    const upload = hand();
    const answering = transport().fetch("/", { method: "POST", body: upload.stream });
    upload.give("one");
    const reader = (await soon(answering, "the head")).body!.getReader();
    equal(await soon(piece(reader), "the first piece"), "one");
    upload.give("two");
    equal(await soon(piece(reader), "the second piece"), "two");
    upload.end();
    equal(await piece(reader), undefined);
  }),
  both("pieces of an answer arrive one by one, whatever its type", async ({ service, transport }) => {
    for (const type of ["text/event-stream", "application/json", "application/octet-stream", undefined]) {
      const download = hand();
      const http = serveHttp(
        service,
        () => new Response(download.stream, type ? { headers: { "content-type": type } } : {}),
      );
      const response = await soon(transport().fetch("/"), "the head before any byte");
      equal(response.headers.get("content-type"), type ?? null);
      const reader = response.body!.getReader();
      for (const text of ["a", "b", "c"]) {
        download.give(text);
        equal(await soon(piece(reader), `piece ${text}`), text);
      }
      download.end();
      equal(await piece(reader), undefined);
      await http.close();
    }
  }),
  both("an answer that is all there leaves with its head", async ({ service, transport }) => {
    const channels = channelsOf(service[LINK]);
    const { head, chunk } = channels;
    let left = "";
    channels.head = (...args) => {
      left = "head";
      head.apply(channels, args);
      // A microtask behind the turn in which the head is laid, everything laid has left.
      queueMicrotask(() => left += " |");
    };
    channels.chunk = (...args) => {
      const [, flags, { length }] = args;
      left += ` ${length}${flags & FLAG_END ? " end" : ""}`;
      chunk.apply(channels, args);
    };
    const stream = (): ReadableStream<Uint8Array<ArrayBuffer>> => {
      const { stream, give, end } = hand();
      give("of a ");
      give("stream");
      end();
      return stream;
    };
    const answers: Record<string, () => Response> = {
      text: () => new Response("text"),
      json: () => Response.json([1, 2]),
      bytes: () => new Response(new TextEncoder().encode("bytes")),
      stream: () => new Response(stream()),
    };
    serveHttp(service, (request) => answers[request.url.split("/").at(-1)!]());
    const { fetch } = transport();
    const seen: string[] = [];
    for (const kind in answers) seen.push(`${await (await fetch(`/${kind}`)).text()}: ${left}`);
    equal(seen, ["text: head 4 end |", "[1,2]: head 5 end |", "bytes: head 5 end |", "of a stream: head 11 end |"]);
  }),
  both("two megabytes go each way unchanged, at the same time", async ({ service, transport }) => {
    serveHttp(service, (request) => new Response(request.body));
    const sent = pattern(2 * 1024 * 1024 + 17);
    const response = await transport().fetch("/", { method: "POST", body: sent });
    equal(same(new Uint8Array(await response.arrayBuffer()), sent), true);
  }),
  both("repeated headers and cookies are kept apart or joined as the platform does", async ({ service, transport }) => {
    serveHttp(service, (request) => {
      const headers = new Headers({ "x-seen": request.headers.get("x-many") ?? "" });
      headers.append("set-cookie", "a=1; Path=/, really");
      headers.append("set-cookie", "b=2");
      headers.append("vary", "accept");
      headers.append("vary", "origin");
      return new Response("", { status: 201, statusText: "Made", headers });
    });
    const response = await transport().fetch("/", { headers: [["x-many", "1"], ["x-many", "2"]] });
    equal([response.status, response.statusText, response.headers.get("x-seen")], [201, "Made", "1, 2"]);
    equal(response.headers.getSetCookie(), ["a=1; Path=/, really", "b=2"]);
    equal(response.headers.get("vary"), "accept, origin");
  }, headersAreGuarded),
  both("204, 205, 304 and answers to HEAD have no body", async ({ service, transport }) => {
    serveHttp(service, (request) => {
      const status = Number(new URL(request.url).searchParams.get("status"));
      if (status !== 200) return new Response(null, { status, headers: { etag: '"1"' } });
      return new Response("a body that HEAD must not get", { headers: { "content-length": "29" } });
    });
    const { fetch } = transport();
    for (const status of [204, 205, 304]) {
      const response = await fetch(`/?status=${status}`);
      equal([response.status, response.body, response.headers.get("etag")], [status, null, '"1"']);
    }
    const head = await fetch("/?status=200", { method: "HEAD" });
    equal([head.status, head.headers.get("content-length"), await head.text()], [200, "29", ""]);
  }),
  both(
    "of the address the path and query count; the service sees the host as origin",
    async ({ service, transport }) => {
      serveHttp(service, (request) => new Response(`${request.method} ${request.url}`));
      const { fetch } = transport();
      const ask = async (input: string | URL | Request, method?: string) =>
        await (await fetch(input, { method })).text();
      equal(await ask("/a/b?c=d&e"), "GET http://aether/a/b?c=d&e");
      equal(await ask("https://billing.example:8443/a?b#c"), "GET https://billing.example:8443/a?b");
      equal(await ask(new URL("http://x/%C3%A4/é")), "GET http://x/%C3%A4/%C3%A9");
      equal((await ask("/", "patch")).toLowerCase(), "patch http://aether/");
      const request = new Request("http://h/p", { method: "PUT", body: "x" });
      equal(await ask(request), "PUT http://h/p");
      const response = await fetch("http://h/p?q#f");
      equal([response.url, response.redirected, await response.text()], ["http://h/p?q", false, "GET http://h/p?q"]);
    },
  ),
  both(
    "a method of one's own arrives as it is, or is answered with 501 where the runtime knows none",
    async (world) => {
      const { service, transport } = world;
      const seen: string[] = [];
      service.onError(() => {});
      serveHttp(service, (request) => (seen.push(request.method), new Response("x")));
      const response = await transport().fetch("/", { method: "TESTING", body: "x" });
      equal(
        response.status === 501 ? seen : [response.status, seen],
        response.status === 501 ? [] : [200, ["TESTING"]],
      );
    },
  ),
];
