import process from "node:process";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { atPort, hands, pathOf, routes } from "./http_port_kit.ts";

const MIB = 1024 * 1024;
const streams = hands();
/** Bun's server looks every four seconds for those who have been silent for ten. */
const SILENCE_S = Number(process.env.HTTP_SILENCE_S ?? 13);
const gate = Promise.withResolvers<void>();
let made = 0;

/**
 * HTTP at the gateway's own port, as each runtime's server makes it: on Node a request once came without its method and body, and
 * an answer was gathered before its head left; see the single cases for what else.
 */
export const cases: Case[] = [
  atPort(
    "a request comes as it was sent, with method, query, repeated headers and body",
    async (request) => {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      const body = await request.text();
      return Response.json([method, pathname + search, headers.get("x-two"), headers.get("cookie"), body]);
    },
    async ({ base, wire }) => {
      equal(await (await fetch(`${base}/a?b=%20c`)).json(), ["GET", "/a?b=%20c", null, null, ""]);
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const response = await fetch(`${base}/`, { method, body: "héllo" });
        equal(await response.json(), [method, "/", null, null, "héllo"]);
      }
      const one = await wire();
      await one.ask("/r", { lines: "x-two: 1\r\ncookie: a=1\r\nx-two: 2\r\ncookie: b=2\r\n" });
      equal(JSON.parse((await one.answer()).body), ["GET", "/r", "1, 2", "a=1; b=2", ""]);
      // Without a length, and in pieces.
      await one.ask("/c", { method: "POST", lines: "transfer-encoding: chunked\r\n" });
      await one.send("5\r\nhello\r\n");
      await one.send("6\r\n world\r\n0\r\n\r\n");
      equal(JSON.parse((await one.answer()).body), ["POST", "/c", null, null, "hello world"]);
      // A body nobody takes from a GET is not the next request. Deno closes the connection for it.
      const other = await wire();
      await other.ask("/g", { lines: "content-length: 2\r\n" });
      await other.send("hi");
      equal((await other.answer()).status, 200);
      await other.ask("/after");
      const after = await other.answer().catch(() => undefined);
      if (after) equal(JSON.parse(after.body)[1], "/after");
    },
  ),
  atPort(
    "headers of an answer come as they are: cookies apart, where a redirect leads, no body where there is none",
    routes({
      "/cookies": () => {
        const headers = new Headers([["set-cookie", "a=1; Path=/"], ["set-cookie", "b=2"], ["x-own", "é"]]);
        return new Response("ok", { status: 201, headers });
      },
      "/moved": () => new Response(null, { status: 302, headers: { location: "/elsewhere?x=1" } }),
      "/none": () => new Response(null, { status: 204 }),
      "/same": () => new Response(null, { status: 304, headers: { etag: '"a"' } }),
      "/empty": () => new Response(null, { status: 200 }),
      "/large": (request) =>
        new Response(request.method === "HEAD" ? null : "12345", { headers: { "content-length": "5" } }),
    }),
    async ({ base, wire }) => {
      const { status, headers } = await fetch(`${base}/cookies`);
      equal([status, headers.getSetCookie(), headers.get("x-own")], [201, ["a=1; Path=/", "b=2"], "é"]);
      const one = await wire();
      await one.ask("/cookies");
      const { lines } = await one.answer();
      equal(lines.filter((line) => /^set-cookie:/i.test(line)).length, 2, "lines of cookies");
      await one.ask("/moved");
      const moved = await one.answer();
      equal([moved.status, moved.headers.location, moved.body], [302, "/elsewhere?x=1", ""]);
      await one.ask("/none");
      const none = await one.answer();
      equal([none.status, none.headers["content-length"], none.headers["transfer-encoding"]], [
        204,
        undefined,
        undefined,
      ]);
      await one.ask("/same");
      const same = await one.answer();
      equal([same.status, same.headers.etag], [304, '"a"']);
      await one.ask("/empty");
      equal((await one.answer()).body, "");
      // Still the same connection: had any of these a body, it would stand before this.
      await one.ask("/large", { method: "HEAD" });
      const head = await one.answer({ bodyless: true });
      equal([head.status, head.headers["content-length"]], [200, "5"]);
      await one.ask("/large");
      equal((await one.answer()).body, "12345");
      equal(one.closed, false, "the connection");
    },
  ),
  atPort(
    "a HEAD whose service says no length is not given one",
    routes({ "/sized": () => new Response(null, { headers: { etag: '"a"' } }) }),
    async ({ wire }) => {
      // Deno and Bun said content-length: 0 of what a GET has 5 bytes of.
      const one = await wire();
      for (let round = 0; round < 2; round++) {
        await one.ask("/sized", { method: "HEAD" });
        const { headers, status } = await one.answer({ bodyless: true });
        equal([status, headers.etag, headers["content-length"]], [200, '"a"', undefined]);
      }
      await one.ask("/next");
      equal((await one.answer()).body, "own /next");
    },
  ),
  atPort(
    "an answer of status 205 comes to an end, which clients wait for as for no other without a body",
    () => new Response(null, { status: 205 }),
    async ({ wire }) => {
      const one = await wire();
      await one.ask("/");
      const { status, headers } = await one.answer();
      equal([status, headers["content-length"]], [205, "0"]);
    },
    ({ runtime }) =>
      runtime === "deno" ? "Deno's server takes its length away, and closes no connection when told to" : undefined,
  ),
  atPort(
    "a type is said where the service says one, and nowhere else",
    routes({
      "/bytes": () => new Response(new TextEncoder().encode("<p>hello")),
      "/typed": () => new Response(new TextEncoder().encode("{}"), { headers: { "content-type": "application/json" } }),
      "/empty": () => new Response(new Uint8Array()),
    }),
    async ({ wire }) => {
      // Bun said application/octet-stream of bytes without one: a page was saved instead of shown.
      const one = await wire();
      const seen: Record<string, unknown> = {};
      for (const path of ["/bytes", "/typed", "/empty"]) {
        await one.ask(path);
        const { headers, body } = await one.answer();
        seen[path] = [headers["content-type"]?.toLowerCase().replace(" ", ""), headers["content-length"], body];
      }
      equal(seen, {
        "/bytes": [undefined, "8", "<p>hello"],
        "/typed": ["application/json", "2", "{}"],
        "/empty": [undefined, "0", ""],
      });
    },
  ),
  atPort("an event leaves before the next one is made", streams.handler, async ({ wire }, { runtime }) => {
    const one = await wire();
    await one.ask("/events");
    const events = await streams.next();
    // Bun 1.4 writes the head of a stream with its first piece.
    if (runtime !== "bun") await one.holds("\r\n\r\n");
    for (const word of ["first", "second"]) {
      events.give(`data: ${word}\n\n`);
      await one.holds(`data: ${word}`);
    }
    events.end();
    equal((await one.answer()).body, "data: first\n\ndata: second\n\n");
  }),
  atPort(
    "an upload waits for a service that does not read, and comes in full to one that does",
    async (request) => {
      const reader = request.body!.getReader();
      let size = (await reader.read()).value!.length;
      await gate.promise;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return new Response(String(size));
        size += value.length;
      }
    },
    async ({ wire }) => {
      const size = 48 * MIB;
      const one = await wire();
      await one.ask("/", { method: "PUT", lines: `content-length: ${size + 1}\r\n` });
      await one.send("x");
      let sent = 0;
      const piece = new Uint8Array(MIB);
      const sending = (async () => {
        for (; sent < size; sent += MIB) await one.send(piece);
      })();
      let before = -1;
      for (; before !== sent; await new Promise((resolve) => setTimeout(resolve, 200))) before = sent;
      // What is on its way: the kernel's buffers, the runtime's, and a stream's window.
      equal(sent < 24 * MIB, true, `${sent / MIB} MiB were taken`);
      gate.resolve();
      await sending;
      equal((await one.answer()).body, String(size + 1));
    },
  ),
  atPort("an answer waits for a caller that does not read", (request) => {
    if (pathOf(request) === "/made") return new Response(String(made));
    made = 0;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      controller.enqueue(new Uint8Array(64 * 1024).fill(made));
      if (++made === 1024) controller.close();
    };
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }));
  }, async ({ base }) => {
    const response = await fetch(`${base}/much`);
    const reader = response.body!.getReader();
    let size = 0;
    // Its memory may be used again when a piece has left: what arrives is what was said.
    const isRight = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === (size++ >> 16 & 255));
    equal(isRight((await reader.read()).value!), true, "the beginning");
    let before = -1;
    for (; before !== made; await new Promise((resolve) => setTimeout(resolve, 200))) before = made;
    equal(made < 600, true, `${made / 16} MiB of 64 were made for nobody`);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      equal(isRight(value), true, `the bytes up to ${size}`);
    }
    equal([size, made], [64 * MIB, 1024], "the rest");
  }),
  atPort("a request may be of any size", async (request) => {
    const { value } = await request.body!.getReader().read();
    return new Response(`${value!.length} of ${request.headers.get("content-length")}`);
  }, async ({ wire }) => {
    // Bun's server refuses more than 128 MiB unless it is told otherwise.
    const one = await wire();
    await one.ask("/", { method: "PUT", lines: "content-length: 1000000000000\r\n" });
    await one.send("x");
    equal((await one.answer()).body, "1 of 1000000000000");
  }),
  {
    timeoutMs: SILENCE_S * 1000 + 10_000,
    ...atPort(
      "who is silent for longer than a server's patience is answered all the same",
      (request) => {
        const silence = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SILENCE_S * 1000));
        if (pathOf(request) === "/late") return silence().then(() => new Response("late"));
        const pieces = ["first", "second"];
        return new Response(
          new ReadableStream({
            async pull(controller) {
              if (pieces.length === 1) await silence();
              const piece = pieces.shift();
              if (piece) controller.enqueue(new TextEncoder().encode(piece));
              else controller.close();
            },
          }, { highWaterMark: 0 }),
        );
      },
      async ({ wire }) => {
        const [late, paused, beside] = await Promise.all([wire(), wire(), wire()]);
        await Promise.all([
          late.ask("/late"),
          paused.ask("/paused"),
          beside.ask("/late", { method: "POST", lines: "content-length: 0\r\n" }),
        ]);
        const bodies = await Promise.all(
          [late, paused, beside].map(async (one) => (await one.answer({ waitMs: SILENCE_S * 1000 + 5000 })).body),
        );
        equal(bodies, ["late", "firstsecond", "late"]);
      },
      ({ runtime }) => {
        if (SILENCE_S === 0) return "HTTP_SILENCE_S is 0";
        return runtime === "bun" ? undefined : `the server of ${runtime} has no such patience of its own`;
      },
    ),
  },
];
