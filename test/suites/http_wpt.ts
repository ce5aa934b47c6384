import { serveHttp } from "../../src/proxy/mod.ts";
import { equal } from "./assert.ts";
import { inspected, name, REDIRECTS, type Row } from "./http_wpt_redirect.ts";
import { both, hand, headersAreGuarded, type Pair, soon } from "./http_kit.ts";

// Cases of the web-platform-tests' fetch suite that apply to a fetch without an origin, a cache or a page, in our own words.
// Not applicable, and why:
//   cors/, origin/, cross-origin-resource-policy/, private-network-access/, sec-metadata/: no origins, no preflight.
//   api/cors/, api/policies/, api/credentials/, content-security: cookies, referrers and policies belong to pages.
//   http-cache/, api/basic/request-forbidden-headers, api/basic/referrer, api/basic/integrity, stale-while-revalidate/:
//     what a user agent adds or forbids; here the caller is trusted with all headers but those of the hop and of identity.
//   data-urls/, api/basic/scheme-*, api/redirect/redirect-to-dataurl, redirect-schemes: only http(s), and only the path counts.
//   content-encoding/, corb/, nosniff/, range/, images/, fetch-later/, api/crashtests/, keepalive, priority: bodies pass as they
//     are, and nothing is rendered or outlives its client.
//   h1-parsing/, http2 and security/1xx, dangling-markup: there is no line protocol below; heads are one structure.
//   api/headers/, api/request/, api/response/ but for what is below: classes of the platform, which are used as they are.
//   api/abort/cache, keepalive, serviceworker-intercepted, destroyed-context: no caches, workers or frames in between.
// Known difference: api/abort/general, "response.text() rejects if already aborted" holds only while the body is arriving. What
//   is here in full stays readable after an abort (test/suites/http_abort.ts).

/** What the suite's server does, as far as it is needed. */
async function server(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/inspect":
      return Response.json({
        method: request.method,
        headers: Object.fromEntries([...request.headers].filter(([name]) => !/^x-aether/.test(name))),
        body: await request.text(),
      });
    case "/status": {
      const status = Number(searchParams.get("code"));
      return new Response(searchParams.has("empty") ? null : "body", {
        status,
        statusText: searchParams.get("text") ?? "",
      });
    }
    case "/redirect": {
      const count = Number(searchParams.get("count") ?? 1);
      const status = Number(searchParams.get("status") ?? 302);
      const next = count > 1 ? `/redirect?count=${count - 1}&status=${status}` : "/inspect";
      return new Response("redirecting", { status, headers: { location: searchParams.get("to") ?? next } });
    }
    case "/slow":
      return new Response(new ReadableStream());
    default:
      return new Response("top");
  }
}

const ROWS: Row[] = [
  {
    from: "api/basic/accept-header.any.js, request-headers.any.js",
    skip: headersAreGuarded,
    says: "methods without a body send no length and no type; those with one say both",
    async run(fetch) {
      for (const method of ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]) {
        if (method === "HEAD") continue;
        const { method: seen, headers, body } = await inspected(fetch("/inspect", { method }));
        equal([seen, headers["content-type"] ?? null, body], [method, null, ""]);
      }
      const kinds: [BodyInit, string | null, string | null][] = [
        ["body", "4", "text/plain;charset=UTF-8"],
        [new Blob(["body"]), "4", null],
        [new Blob(["body"], { type: "x/y" }), "4", "x/y"],
        [new TextEncoder().encode("body"), "4", null],
        [new URLSearchParams("a=bo"), "4", "application/x-www-form-urlencoded;charset=UTF-8"],
      ];
      for (const [body, length, type] of kinds) {
        const { headers } = await inspected(fetch("/inspect", { method: "POST", body }));
        equal([headers["content-length"] ?? null, headers["content-type"] ?? null], [length, type]);
      }
    },
  },
  {
    from: "api/request/request-headers.any.js, api/basic/request-head.any.js",
    says: "GET and HEAD take no body; a type that was given stays",
    async run(fetch) {
      for (const method of ["GET", "HEAD"]) {
        for (const body of ["x", ""]) equal(await name(fetch("/inspect", { method, body })) !== "none", true);
      }
      const headers = { "content-type": "application/json" };
      equal(
        (await inspected(fetch("/inspect", { method: "POST", body: "{}", headers }))).headers["content-type"],
        "application/json",
      );
    },
  },
  {
    from: "api/basic/request-headers-case.any.js, request-headers-nonascii.any.js",
    says: "names are compared without case; values are Latin-1",
    async run(fetch) {
      const headers = [["THIS-is-A-test", "1"], ["THIS-IS-A-TEST", "2"]] as [string, string][];
      equal((await inspected(fetch("/inspect", { headers }))).headers["this-is-a-test"], "1, 2");
      const { headers: seen } = await inspected(fetch("/inspect", { headers: { "x-l": "caf\xe9\xff" } }));
      equal(seen["x-l"], "caf\xe9\xff");
      equal(await name(fetch("/inspect", { headers: { "x-l": "\u{1f600}" } })) !== "none", true);
    },
  },
  {
    from: "api/basic/status.h2.any.js, response-null-body.any.js, http-response-code.any.js",
    says: "every status of a response comes as it is, errors included; some never have a body",
    async run(fetch) {
      for (const code of [200, 210, 299, 400, 404, 418, 500, 510, 599]) {
        const response = await fetch(`/status?code=${code}&text=Words`);
        equal([response.status, response.ok, response.statusText, await response.text()], [
          code,
          code < 300,
          "Words",
          "body",
        ]);
      }
      for (const code of [204, 205, 304]) {
        const response = await fetch(`/status?code=${code}&empty`);
        equal([response.body, await response.text()], [null, ""]);
      }
    },
  },
  {
    from: "api/basic/stream-response.any.js, text-utf8.any.js, api/response/response-consume-stream.any.js",
    says: "a body is read once, as text, bytes, JSON, a Blob or a stream",
    async run(fetch) {
      equal(await (await fetch("/")).text(), "top");
      equal((await (await fetch("/")).arrayBuffer()).byteLength, 3);
      equal(await (await (await fetch("/")).blob()).text(), "top");
      equal(await name((await fetch("/")).json()), "SyntaxError");
      const response = await fetch("/");
      await response.text();
      equal([response.bodyUsed, await name(response.text())], [true, "TypeError"]);
      const pieces: number[] = [];
      const reader = (await fetch("/")).body!.getReader();
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        pieces.push(value!.length);
      }
      equal(pieces.reduce((sum, size) => sum + size, 0), 3);
    },
  },
  {
    from: "api/response/response-clone.any.js, api/basic/response-url.sub.any.js",
    says: "an answer can be cloned; its url is the last one, without a fragment",
    async run(fetch) {
      const response = await fetch("http://h/status?code=200#fragment");
      const copy = response.clone();
      equal([await response.text(), await copy.text()], ["body", "body"]);
      equal(response.url, "http://h/status?code=200");
      equal((await fetch("http://h/redirect#fragment")).url, "http://h/inspect");
    },
  },
  {
    from: "api/basic/request-upload.any.js, request-upload.h2.any.js",
    says: "a stream is sent as it comes; one that gives no bytes, is locked or was read is refused",
    async run(fetch) {
      const of = (...parts: unknown[]): ReadableStream =>
        new ReadableStream({
          start(controller) {
            for (const part of parts) controller.enqueue(part);
            controller.close();
          },
        });
      const upload = (body: ReadableStream): Promise<Response> =>
        fetch("/inspect", { method: "POST", body, duplex: "half" });
      equal(
        (await inspected(upload(of(new TextEncoder().encode("Foo"), new TextEncoder().encode("bar"))))).body,
        "Foobar",
      );
      equal((await inspected(upload(of()))).body, "");
      for (const chunk of [null, 33, {}, new ArrayBuffer(1)]) {
        equal(await name(soon(upload(of(chunk)), "a refusal")) !== "none", true, String(chunk));
      }
      const locked = of();
      locked.getReader();
      equal(await name(soon(upload(locked), "a refusal")) !== "none", true);
      const request = new Request("http://h/inspect", { method: "POST", body: "x" });
      await inspected(fetch(request));
      equal(request.bodyUsed, true);
      equal(await name(fetch(request)) !== "none", true);
    },
  },
  {
    from: "api/abort/general.any.js",
    says: "an abort rejects with the signal's reason: before, during, and in the body; a signal serves many",
    async run(fetch) {
      const done = AbortSignal.abort();
      equal(await name(fetch("/", { signal: done })), "AbortError");
      equal(await name(fetch(new Request("http://h/", { signal: done }))), "AbortError");
      equal(
        await name(fetch(new Request("http://h/", { signal: done }), { signal: new AbortController().signal })),
        "none",
      );
      const why = new TypeError("why");
      equal(await fetch("/", { signal: AbortSignal.abort(why) }).catch((error) => error === why), true);
      const controller = new AbortController();
      const { signal } = controller;
      const slow = await fetch("/slow", { signal });
      const others = [1, 2, 3].map(() => fetch("/slow", { signal }));
      const reader = slow.body!.getReader();
      const read = reader.read();
      controller.abort();
      equal(await name(soon(read, "the read")), "AbortError");
      for (const other of others) {
        const body = other.then((response) => response.text());
        equal(await name(soon(body, "an answer")), "AbortError");
      }
      equal(await name(soon(reader.closed, "the end")), "AbortError");
    },
  },
  {
    from: "api/abort/general.any.js, api/abort/request.any.js",
    says: "an abort stops an upload; the source hears of it",
    async run(fetch) {
      const controller = new AbortController();
      const upload = hand();
      const answer = fetch("/inspect", { method: "POST", body: upload.stream, signal: controller.signal });
      upload.give("x");
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.abort();
      equal(await name(answer), "AbortError");
      await soon(upload.cancelled, "the source");
    },
  },
  {
    from: "api/abort/general.any.js",
    says: "an abort after the end changes nothing, and an empty body is no error",
    async run(fetch) {
      const controller = new AbortController();
      const response = await fetch("/", { signal: controller.signal });
      equal(await response.text(), "top");
      const empty = await fetch("/status?code=204&empty", { signal: controller.signal });
      controller.abort();
      equal(await empty.text(), "");
    },
  },
];

/** The table as cases. */
export const pairs: Pair[] = [...ROWS, ...REDIRECTS].map(({ from, says, run, skip }) =>
  both(`wpt ${from}: ${says}`, async ({ service, transport }) => {
    serveHttp(service, server);
    await run(transport().fetch);
  }, skip)
);
