import type { Case } from "../harness.ts";
import { equal, until } from "./assert.ts";
import { aborted, soon } from "./http_kit.ts";
import { atPort, hands, pathOf, routes } from "./http_port_kit.ts";

const text = (...pieces: string[]): ReadableStream<Uint8Array<ArrayBuffer>> =>
  new ReadableStream({
    async pull(controller) {
      // Apart, so that no length can be told from a first piece.
      await new Promise((resolve) => setTimeout(resolve, 10));
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(piece));
    },
  }, { highWaterMark: 0 });
const sized = (length: string): ResponseInit => ({ headers: { "content-length": length } });
const INNER = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nBAD";

const slow = hands();
const leaving: Promise<unknown>[] = [];
let uploads: string[] = [];

function lies(name: string, isBare: boolean): Case {
  const handler = routes({
    "/long": () => new Response(`hello${INNER}`, sized("5")),
    "/long-in-pieces": () => new Response(text("hello", INNER), sized("5")),
    "/short": () => new Response("hello", sized("100")),
    "/short-in-pieces": () => new Response(text("hel", "lo"), sized("100")),
    "/two": () => new Response(text("hello"), sized("5, 6")),
    "/none": () => new Response(text("hello"), sized("abc")),
    "/empty": () => new Response(null, sized("5")),
  });
  return atPort(
    name,
    handler,
    async ({ wire }) => {
      // Node wrote the length as it was said and the body as it was: what stood behind the length was read as the next answer.
      for (const path of ["/long", "/long-in-pieces", "/short", "/short-in-pieces", "/two", "/none", "/empty"]) {
        const one = await wire();
        await one.ask(path);
        // The next one has its own answer, or there is none.
        await one.ask("/next");
        const first = await one.answer().catch(() => undefined);
        const second = one.closed && !first?.whole ? undefined : await one.answer().catch(() => undefined);
        if (first?.whole && first.status === 200) {
          equal([`hello${INNER}`, "hello", ""].includes(first.body), true, `${path}: ${first.body}`);
        }
        if (second) equal([second.status, second.body], [200, "own /next"], path);
        else equal(/BAD/.test(await one.rest()), false, `${path}: a second answer`);
      }
    },
    undefined,
    isBare,
  );
}

/** What goes wrong between a gateway's own port and who calls it. */
export const cases: Case[] = [
  atPort(
    "an answer that breaks in the middle is not a whole one, and says nothing of why",
    slow.handler,
    async ({ wire }) => {
      const one = await wire();
      await one.ask("/breaks");
      const body = await slow.next();
      body.give("hello");
      await one.holds("hello");
      body.fail(new Error("the secret words"));
      const { whole, body: got } = await one.answer();
      equal([whole, got], [false, "hello"]);
      equal(/secret|Error/.test(await one.rest()), false, "words of the inside");
    },
  ),
  atPort(
    "a caller that leaves stops the handler, before an answer, within it and within a request",
    async (request) => {
      leaving.push(aborted(request.signal));
      if (pathOf(request) === "/never") return await new Promise<never>(() => {});
      if (pathOf(request) === "/upload") {
        leaving.push(request.text().catch(() => {}));
        return await new Promise<never>(() => {});
      }
      return new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(10)) }, { highWaterMark: 0 }));
    },
    async ({ wire }) => {
      for (const path of ["/never", "/endless", "/upload"]) {
        leaving.length = 0;
        const one = await wire();
        const lines = path === "/upload" ? "content-length: 50\r\n" : "";
        await one.ask(path, { method: lines ? "POST" : "GET", lines });
        if (lines) await one.send("hello");
        await until(() => leaving.length > 0, "the service was asked");
        if (path === "/endless") await one.holds("\r\n\r\n");
        // Not at once: whether the caller is still there is asked from 20 ms on.
        await new Promise((resolve) => setTimeout(resolve, 50));
        one.leave();
        await soon(Promise.all(leaving), `${path} to hear of it`);
      }
    },
  ),
  lies("a length that is not true is no second answer", false),
  lies("a length that is not true is no second answer where a gateway would let it pass", true),
  atPort(
    "a caller that expects 100 (Continue) is told to go on",
    async (request) => new Response(`${request.headers.get("expect")} ${await request.text()}`),
    async ({ wire }) => {
      let one = await wire();
      for (let round = 0; round < 2; round++) {
        await one.ask("/", { method: "POST", lines: "expect: 100-continue\r\ncontent-length: 5\r\n" });
        equal((await one.answer()).status, 100);
        await one.send("hello");
        const { body, headers } = await one.answer();
        equal(body, "null hello");
        // As Deno 2.9 does behind such a request.
        if (headers.connection === "close") one = await wire();
      }
    },
  ),
  atPort(
    "requests that are sent before the first is answered are answered in their order",
    async (request) => {
      // The first is the slowest.
      if (pathOf(request) === "/0") await new Promise((resolve) => setTimeout(resolve, 50));
      return new Response(text(pathOf(request), await request.text()));
    },
    async ({ wire }) => {
      const one = await wire();
      for (let n = 0; n < 20; n++) {
        await one.ask(`/${n}`, { method: "POST", lines: "content-length: 4\r\n" });
        await one.send("body");
      }
      for (let n = 0; n < 20; n++) equal((await one.answer()).body, `/${n}body`);
    },
    ({ runtime }) =>
      runtime === "bun" ? "Bun 1.4 closes a connection on which one asks before it has answered" : undefined,
  ),
  atPort("a caller that leaves stops also what it has asked behind that", (request) => {
    leaving.push(aborted(request.signal));
    return new Response(
      new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(64 * 1024)) }, { highWaterMark: 0 }),
    );
  }, async ({ wire }) => {
    leaving.length = 0;
    const one = await wire();
    one.pause();
    for (let n = 0; n < 3; n++) await one.ask(`/${n}`);
    await until(() => leaving.length > 0, "the service was asked");
    await new Promise((resolve) => setTimeout(resolve, 50));
    one.leave();
    await soon(Promise.all(leaving), "all of them to hear of it");
  }),
  atPort("an answer that comes before the end of its request is not lost, nor is what follows", (request) => {
    uploads.push(pathOf(request));
    return new Response("too much", { status: 413 });
  }, async ({ wire }) => {
    uploads = [];
    const one = await wire();
    await one.ask("/up", { method: "POST", lines: "content-length: 100000\r\n" });
    await one.send("x".repeat(10));
    const { status, body } = await one.answer();
    equal([status, body], [413, "too much"]);
    if (!one.closed) await one.send("GET /s/web/hidden HTTP/1.1\r\nhost: test\r\n\r\n".padEnd(99_990)).catch(() => {});
    if (!one.closed) await one.ask("/next").catch(() => {});
    const next = await wire();
    await next.ask("/other");
    equal((await next.answer()).status, 413);
    equal(uploads.includes("/hidden"), false, "what is a body is no request");
  }),
  atPort("a request that is not sent to its end holds no connection beyond its answer", () => {
    return new Response("refused", { status: 403 });
  }, async ({ wire }) => {
    const one = await wire();
    await one.ask("/up", { method: "POST", lines: "content-length: 100000\r\n" });
    await one.send("x".repeat(10));
    equal((await one.answer()).body, "refused");
    equal(await one.rest(), "");
  }, ({ runtime }) => runtime === "node" ? undefined : `the server of ${runtime} has its own rule for that`),
  atPort(
    "who asks for a WebSocket where there is none, and leaves, harms nobody",
    () => new Response("ok"),
    async ({ wire }) => {
      // On Node "//" could not be read as an address, and what that threw ended the process; so did a refused socket that was reset.
      for (
        const address of ["//", "//x:y/", "*", "http://[/", "/v1/connect?%", "/%", ...Array<string>(50).fill("/s/web/")]
      ) {
        const one = await wire();
        const key = "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        await one.send(
          `GET ${address} HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n${key}\r\n`,
        );
        if (address === "/s/web/") {
          one.reset();
          continue;
        }
        const answer = await one.answer().catch(() => undefined);
        if (answer) equal(answer.status >= 400, true, `${address}: ${answer.status}`);
      }
      const next = await wire();
      await next.ask("/");
      equal((await next.answer()).body, "ok");
    },
  ),
  atPort("the offer of a protocol that is none of ours is passed over", (request) => {
    return new Response(request.body);
  }, async ({ wire }) => {
    // Java's client offers HTTP/2 with its first request.
    const lines = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAABAAMAAABk\r\n";
    const one = await wire();
    await one.ask("/", { method: "POST", lines: `${lines}content-length: 5\r\n` });
    await one.send("hello");
    equal((await one.answer()).body, "hello");
  }, ({ runtime }) => runtime === "deno" ? "the server of Deno 2.9 answers 400 to an offer with a body" : undefined),
  atPort(
    "a header that no server can write is answered for, and harms nobody",
    (request) => {
      if (pathOf(request) !== "/") return new Response("ok");
      return new Response("ok", { headers: { "x-own": "a\x01b" } });
    },
    async ({ wire }) => {
      // Deno 2.9 panics at it, which ends the process.
      const one = await wire();
      await one.ask("/");
      const { status, body } = await one.answer();
      equal([status, body.includes("x-own")], [500, false]);
      await one.ask("/next");
      equal((await one.answer()).body, "ok");
    },
  ),
];
