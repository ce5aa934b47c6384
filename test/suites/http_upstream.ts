import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { AgentClient, ServiceClient } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { AetherFetchTransport, httpUpstream, serveHttp } from "../../src/proxy/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Case, Env } from "../harness.ts";
import { equal } from "./assert.ts";
import { soon } from "./http_kit.ts";

/** A server that says each of these before it answers, and the answer's head in pieces. */
async function interim(...heads: string[]): Promise<AsyncDisposable & { url: string }> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {}).once("data", async () => {
      for (const text of [...heads, "HTTP/1.1 200 OK\r\nx-final: 1\r\n", "content-length: 5\r\n\r\nhello"]) {
        socket.write(text);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function run(
  name: string,
  body: (transport: AetherFetchTransport, env: Env, behind: (url: string) => Promise<void>) => Promise<void>,
): Case {
  return {
    name: `http: ${name}`,
    async run(env) {
      const server = createServer((request, response) => {
        const { method, headers } = request;
        let size = 0;
        request.on("data", (piece: Uint8Array) => void (size += piece.length)).on("end", () => {
          const said = [method, size, headers["content-length"] ?? null, headers["transfer-encoding"] ?? null];
          response.end(JSON.stringify([...said, headers.expect ?? null]));
        });
        request.on("error", () => {});
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
      const dial = gateway.dial();
      const client = new AgentClient({ dial, workspace: "w", implementation: "front", specifier: "1" });
      const service = new ServiceClient({ dial, implementation: "web", specifier: "1" });
      service.onError(() => {});
      try {
        await Promise.all([client.connect(), service.connect()]);
        const http = serveHttp(service, httpUpstream(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
        await body(new AetherFetchTransport(client, "sv::web", 5000), env, async (url) => {
          await http.close();
          serveHttp(service, httpUpstream(url));
        });
      } finally {
        await Promise.all([client.disconnect(), service.disconnect()]);
        await gateway.close();
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

function pieces(...sizes: number[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const size = sizes.shift();
      if (size === undefined) controller.close();
      else controller.enqueue(new Uint8Array(size));
    },
  }, { highWaterMark: 0 });
}

/** A server that knows nothing of all this, behind a service. */
export const cases: Case[] = [
  run("what a caller expects of its own connection is not expected of the server behind", async ({ fetch }) => {
    // curl says so of every body above a megabyte. Node's fetch refuses to, which came out as a 500.
    const response = await fetch("/", { method: "POST", body: "hello", headers: { expect: "100-continue" } });
    const [method, size, , , expect] = await response.json();
    equal([response.status, method, size, expect], [200, "POST", 5, null]);
  }),
  run("a length that is known is said to the server behind, one that is not true is answered for", async (
    { fetch },
    { runtime },
  ) => {
    // Only there does fetch send a stream with a length.
    const known = (size: number): unknown[] => runtime === "node" ? [String(size), null] : [null, "chunked"];
    const put = async (body: BodyInit, length?: number): Promise<Response> => {
      const headers: Record<string, string> = length === undefined ? {} : { "content-length": String(length) };
      return await fetch("/", { method: "PUT", body, headers });
    };
    equal((await (await put("hello", 5)).json()).slice(0, 2), ["PUT", 5]);
    equal((await (await put(pieces(70_000, 30_000), 100_000)).json()).slice(0, 4), ["PUT", 100_000, ...known(100_000)]);
    equal((await (await put(pieces(7, 3))).json()).slice(0, 4), ["PUT", 10, null, "chunked"]);
    for (const length of [9, 11]) equal((await put(pieces(7, 3), length)).status, 400, `${length} for 10`);
    const bare = await fetch("/", { method: "GET", headers: { "content-length": "0" } });
    equal((await bare.json()).slice(0, 2), ["GET", 0]);
  }),
  run(
    "what a server says before its answer (1xx) is not the answer, and not in its way",
    async ({ fetch }, _, behind) => {
      const hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nx-hint: 1\r\n\r\n";
      await using server = await interim("HTTP/1.1 102 Processing\r\n\r\n", hints, hints);
      await behind(server.url);
      const response = await soon(fetch("/"), "the answer");
      equal([response.status, response.headers.get("x-final"), response.headers.get("x-hint")], [200, "1", null]);
      equal(await response.text(), "hello");
    },
  ),
];
