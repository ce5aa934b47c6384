import { AetherFetchTransport, serveHttp } from "../../src/proxy/mod.ts";
import { normalPath, passHeaders } from "../../src/protocol/http.ts";
import { FLAG_END } from "../../src/protocol/frames.ts";
import { equal } from "./assert.ts";
import { alone, inFabric, type Pair } from "./http_kit.ts";
import { raw, type RawClient } from "./http_raw.ts";
import { bytes, connected } from "./state_kit.ts";

/** What a path becomes; undefined for one that is refused. */
const PATHS: readonly (readonly [path: string, normal: string | undefined])[] = [
  ["/", "/"],
  ["/a/b.c?d=e", "/a/b.c?d=e"],
  ["/a/./b", "/a/b"],
  ["/a/../b", "/b"],
  ["/../../b", "/b"],
  ["/a/%2e%2e/b", "/b"],
  ["/a/%2E./b", "/b"],
  ["/a/.%2e", "/"],
  ["/a\\..\\b", "/b"],
  ["/a\\b", "/a/b"],
  ["//host/a", "//host/a"],
  ["/a//b", "/a//b"],
  ["///", "///"],
  ["/ä", "/%C3%A4"],
  ["/%41", "/%41"],
  ["/a%2Fb", "/a%2Fb"],
  ["/...", "/..."],
  ["/.a/..b", "/.a/..b"],
  ["/a?b=../c", "/a?b=../c"],
  ["/a?b=%00", "/a?b=%00"],
  ["/a#b", "/a"],
  ["/%252e%252e/a", "/%252e%252e/a"],
  ["/a;b=c", "/a;b=c"],
  ["/%", "/%"],
  ["/100%", "/100%"],
  ["/%zz", "/%zz"],
  ["/%ff", "/%ff"],
  ["/%e4/%C4", "/%e4/%C4"],
  ["/%c3%a4", "/%c3%a4"],
  ["/%%2e", "/%%2e"],
  ["/a/..%2fb", undefined],
  ["/a/..%5cb", undefined],
  ["/a%2f..%2fb", undefined],
  ["/a%2f%2e%2e", undefined],
  ["/a%5c..", undefined],
  ["/%2e%2e%2fa", undefined],
  ["/a%00b", undefined],
  ["/a%0d%0aHost:%20x", undefined],
  ["/a%0A", undefined],
  ["/a%7f", undefined],
  ["/a\r\nHost: x", undefined],
  ["/a\0", undefined],
  ["/a\tb", undefined],
  ["/a b", undefined],
  ["/a HTTP/1.1", undefined],
  ["/%/..%2fb", undefined],
  ["/%ff%00", undefined],
  ["/%ff%0d%0a", undefined],
  // Dots and slashes to readers that do not look at what they decode.
  ["/%c0%ae%c0%ae/a", undefined],
  ["/%c0%2e/a", undefined],
  ["/a%C1%9cb", undefined],
  ["/%e0%80%ae/a", undefined],
  ["/%f0%80%80%ae/a", undefined],
  ["/%f8%80%80%80%ae/a", undefined],
  ["/%fc%80%80%80%80%ae/a", undefined],
  ["/%u002e%u002e/a", undefined],
  ["/a?b\r\nc", undefined],
  ["", undefined],
  ["a", undefined],
  ["http://h/a", undefined],
  ["*", undefined],
  ["?a", undefined],
];

/** Heads that are none, or that would be another request behind a server of HTTP/1. */
const BAD_HEADS: readonly unknown[] = [
  null,
  7,
  [],
  {},
  { path: "/", headers: [] },
  { method: "GET", headers: [] },
  { method: "GET", path: "/" },
  { method: "GET", path: "/", headers: {} },
  { method: "GET", path: "/", headers: ["a"] },
  { method: "GET", path: "/", headers: ["a", 1] },
  { method: "GET", path: "/", headers: [], origin: 1 },
  { method: "GET", path: "/", headers: [], backend: 1 },
  { method: "", path: "/", headers: [] },
  { method: "G T", path: "/", headers: [] },
  { method: "GET\r\nX: y", path: "/", headers: [] },
  { method: "CONNECT", path: "/", headers: [] },
  { method: "trace", path: "/", headers: [] },
  { method: "TRACK", path: "/", headers: [] },
  { method: "X".repeat(33), path: "/", headers: [] },
  { method: "GET", path: "/", headers: ["a b", "c"] },
  { method: "GET", path: "/", headers: ["a:", "c"] },
  { method: "GET", path: "/", headers: ["", "c"] },
  { method: "GET", path: "/", headers: ["ä", "c"] },
  { method: "GET", path: "/", headers: ["a\r\nb", "c"] },
  { method: "GET", path: "/", headers: ["a", "b\r\nc: d"] },
  { method: "GET", path: "/", headers: ["a", "b\nc"] },
  { method: "GET", path: "/", headers: ["a", "b\0"] },
  { method: "GET", path: "/", headers: ["a", "\u{1f600}"] },
  { method: "POST", path: "/", headers: ["content-length", "1", "content-length", "2"] },
  { method: "POST", path: "/", headers: ["Content-Length", "1, 2"] },
  { method: "POST", path: "/", headers: ["content-length", "+1"] },
  { method: "POST", path: "/", headers: ["content-length", "0x1"] },
  { method: "POST", path: "/", headers: ["content-length", "-1"] },
  { method: "POST", path: "/", headers: ["content-length", ""] },
  { method: "GET", path: "/", headers: [], origin: "ftp://h" },
  { method: "GET", path: "/", headers: [], origin: "http://h/a" },
  { method: "GET", path: "/", headers: [], origin: "http://u@h" },
  { method: "GET", path: "/", headers: [], origin: "http://h\r\n" },
  { method: "GET", path: "/", headers: ["x", "y".repeat(65 * 1024)] },
  ...PATHS.filter(([, normal]) => normal === undefined).map(([path]) => ({ method: "GET", path, headers: [] })),
];

async function refused(client: RawClient, stream: number): Promise<string> {
  const event = await client.next("reset");
  equal(event.stream, stream);
  return event.body.code;
}

/** No two readers of a path disagree about it, and no head is two. */
export const pairs: Pair[] = [
  alone({
    name: "http: a header whose value is the name of another one is not that one",
    run() {
      const headers = ["access-control-request-headers", "content-length", "content-length", "5"];
      equal(passHeaders(headers, { isCaller: true }), headers);
    },
  }),
  alone({
    name: "http: paths are normalised, or refused where they hide something",
    run() {
      for (const [path, normal] of PATHS) {
        let found: string | undefined;
        try {
          found = normalPath(path);
        } catch (error) {
          equal((error as Error).name, "InvalidArgumentError", path);
        }
        equal(found, normal, JSON.stringify(path));
        // Normalised twice is normalised once.
        if (normal !== undefined && !normal.includes("#")) equal(normalPath(normal), normal, path);
      }
    },
  }),
  inFabric(
    "frames that bypass the library: bad heads are refused, one by one, and the connection stays",
    async (fabric) => {
      const [service] = await connected(fabric.service({ implementation: "s", specifier: "1" }));
      let handled = 0;
      serveHttp(service, (request) => {
        handled++;
        return new Response(request.url);
      });
      const client = await raw(fabric.gateway);
      let stream = -1;
      for (const head of BAD_HEADS) {
        client.open(stream += 2, "sv::s::1", head);
        const code = await refused(client, stream);
        equal(
          ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"].includes(code),
          true,
          `${code} for ${JSON.stringify(head)?.slice(0, 99)}`,
        );
      }
      client.open(stream += 2, "sv::s::1", {}, true, 9);
      equal(await refused(client, stream), "INVALID_ARGUMENT");
      equal([handled, client.isClosed], [0, false]);
      client.open(stream += 2, "sv::s::1", {
        method: "GET",
        path: "//evil.example/a",
        headers: [],
        origin: "http://h",
      });
      equal((await client.next("head")).body.status, 200);
      equal(handled, 1);
      client.leave();
    },
  ),
  inFabric("a request has as many bytes as it says, or fails", async (fabric) => {
    const [service] = await connected(fabric.service({ implementation: "s", specifier: "1" }));
    service.onError(() => {});
    const got: string[] = [];
    serveHttp(service, async (request) => {
      const text = await request.text();
      got.push(text);
      return new Response(text);
    });
    const client = await raw(fabric.gateway);
    const ask = async (stream: number, length: string, ...parts: string[]): Promise<number> => {
      client.open(stream, "sv::s::1", { method: "POST", path: "/", headers: ["content-length", length] }, false);
      for (const part of parts) {
        client.chunk(stream, bytes(part));
        // Some come with the head, some later.
        if (stream % 4 === 1) await fabric.advance(1);
      }
      client.chunk(stream, bytes(""), FLAG_END);
      return (await client.next("head")).body.status;
    };
    equal([await ask(1, "2", "a", "b"), await ask(3, "2", "a", "b")], [200, 200]);
    equal([await ask(5, "1", "ab"), await ask(7, "1", "ab"), await ask(9, "5", "ab"), await ask(11, "5", "ab")], [
      400,
      400,
      400,
      400,
    ]);
    equal(got, ["ab", "ab"]);
    client.leave();
    await fabric.advance(1);
  }),
  inFabric("frames that break the rules of streams end that connection and no other", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service({ implementation: "s", specifier: "1" }));
    serveHttp(service, async (request) => {
      await request.body?.getReader().read();
      return new Response(new ReadableStream());
    });
    const head = { method: "POST", path: "/", headers: [] };
    const wrongs: ((client: RawClient) => void | Promise<void>)[] = [
      (client) => client.open(2, "sv::s::1", head),
      (client) => (client.open(1, "sv::s::1", head, false), client.open(1, "sv::s::1", head, false)),
      (client) => (client.open(1, "sv::s::1", head, true), client.chunk(1, bytes("x"))),
      (client) => (client.open(1, "sv::s::1", head, false), client.head(1, { status: 200, headers: [] })),
      (client) => client.chunk(1, new Uint8Array(65 * 1024)),
      (client) => (client.open(1, "sv::s::1", head, false), client.credit(1, 0x7fffffff)),
      (client) => {
        client.open(1, "sv::s::1", head, false);
        for (let n = 0; n < 6; n++) client.chunk(1, new Uint8Array(60_000));
      },
    ];
    for (const [at, wrong] of wrongs.entries()) {
      const client = await raw(fabric.gateway, {
        type: "agent",
        workspace: "test",
        implementation: "raw",
        specifier: String(at),
      });
      await wrong(client);
      await fabric.advance(10);
      equal(client.isClosed, true, `after wrong ${at}`);
    }
    equal([agent.connected, service.connected], [true, true]);
    const controller = new AbortController();
    const answer = new AetherFetchTransport(agent, "sv::s::1").fetch("/", { signal: controller.signal });
    equal((await answer).status, 200);
    controller.abort();
    await fabric.advance(1);
  }),
  inFabric("what comes for streams that are over, or never were, is not minded", async (fabric) => {
    const client = await raw(fabric.gateway);
    client.chunk(7, bytes("x"));
    client.credit(7, 10);
    client.reset(7, { name: "AetherError", code: "CANCELLED", message: "x" });
    client.head(9, { status: 200, headers: [] });
    await fabric.advance(10);
    equal(client.isClosed, false);
    client.leave();
  }),
  inFabric("an answer that is none reaches the caller as a typed error", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const target = await raw(fabric.gateway, { type: "service", implementation: "s", specifier: "1" });
    const { fetch } = new AetherFetchTransport(agent, "sv::s::1");
    const heads = [null, {}, { status: 100, headers: [] }, { status: 101, headers: [] }, { status: 103, headers: [] }, {
      status: 600,
      headers: [],
    }, {
      status: "200",
      headers: [],
    }];
    const more = [["a\n", "b"], ["a", "b\r\nc"], ["a", 1], ["ä", "b"], ["a", "\u{1f600}"]];
    for (const head of [...heads, ...more.map((headers) => ({ status: 200, headers }))]) {
      const answer = fetch("/").then(() => "a response", (error) => `${error.name} ${error.kind}`);
      target.head((await target.next("open")).stream, head);
      equal(await answer, "ProxyHttpError 7", JSON.stringify(head));
    }
    target.leave();
    await fabric.advance(1);
  }),
];
