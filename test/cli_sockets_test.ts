/** WebSockets of a local server that is exposed by the command, as a browser finds them. */
import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import { Hono } from "hono";
import * as ws from "ws";
import { AgentClient } from "../mod.ts";
import { aetherProxy } from "../src/proxy/hono.ts";
import { Aether } from "./cli_process.ts";
import { platformOf } from "./suites/hono_platforms.ts";

/** The part of a socket of ws that is used here; the package has no types of its own. */
interface ServerSocket {
  on(name: "close", listener: (code: number, reason: unknown) => void): void;
  on(name: "message", listener: (data: unknown, isBinary: boolean) => void): void;
  send(data: unknown, options?: { binary: boolean }): void;
  close(code: number, reason: string): void;
  terminate(): void;
}
const { WebSocketServer } = ws as unknown as {
  WebSocketServer: new (options: { server: http.Server; handleProtocols(offered: Set<string>): string }) => {
    readonly clients: Set<ServerSocket>;
    on(name: "connection", listener: (socket: ServerSocket, request: http.IncomingMessage) => void): void;
  };
};

const runtime = "Bun" in globalThis ? "bun" : "deno";

test("WebSockets of an exposed server are reached through Hono: cookies, subprotocol, messages, close", async () => {
  const local = http.createServer();
  const sockets = new WebSocketServer({ server: local, handleProtocols: (offered) => [...offered].at(-1)! });
  const closes: unknown[] = [];
  sockets.on("connection", (socket, request) => {
    socket.on("close", (code, reason) => closes.push([code, String(reason)]));
    socket.on("message", (data, isBinary) => {
      if (String(data) === "expire") socket.close(4001, "session expired");
      else socket.send(data, { binary: isBinary });
    });
    socket.send(`${request.url} ${request.headers.cookie} ${request.headers["x-aether-caller"]}`);
  });
  await new Promise<void>((resolve) => void local.listen(0, "127.0.0.1", resolve));
  try {
    await using dev = new Aether("dev", "--port", "0", "--json");
    const { url } = await dev.event("listening");
    const { port } = local.address() as { port: number };
    await using exposed = new Aether("expose", "web", String(port), "--address", url as string, "--json");
    await exposed.event("exposed");
    const client = new AgentClient({ address: url as string, workspace: "w", implementation: "front", specifier: "1" });
    await client.connect();
    const { upgradeWebSocket, serve } = await platformOf(runtime);
    const proxy = aetherProxy({ client, target: "sv::web", stripPrefix: "/app", upgradeWebSocket });
    await using front = await serve(new Hono().all("/app/*", proxy));
    const browse = (): WebSocket =>
      new (WebSocket as unknown as new (address: string, init: unknown) => WebSocket)(
        `${front.url.replace("http", "ws")}/app/chat?room=1`,
        { protocols: ["v1", "v2"], headers: { cookie: "sid=1" } },
      );
    for (const end of ["expire", "leave"]) {
      const socket = browse();
      const got: unknown[] = [];
      socket.onmessage = ({ data }) => {
        got.push(data);
        if (got.length === 1) socket.send("hello");
        else if (end === "expire") socket.send("expire");
        else socket.close(4002, "enough");
      };
      const { code, reason } = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
      assert.equal(socket.protocol, "v2");
      assert.deepEqual(got, ["/chat?room=1 sid=1 ag::w::front::1", "hello"]);
      assert.deepEqual([code, reason], end === "expire" ? [4001, "session expired"] : [4002, "enough"]);
    }
    for (let tries = 0; closes.length < 2 && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(closes, [[4001, "session expired"], [4002, "enough"]]);
    await client.disconnect();
    exposed.kill("SIGTERM");
    assert.equal(await exposed.exitCode(), 0);
  } finally {
    for (const socket of sockets.clients) socket.terminate();
    local.close();
  }
});
