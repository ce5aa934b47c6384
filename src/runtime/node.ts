/**
 * Serves a gateway on Node, by `node:http` and `ws`.
 * @module
 */
import { createServer, type IncomingMessage as HttpRequest, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Gateway } from "../gateway/gateway.ts";
import { SUBPROTOCOL } from "../protocol/limits.ts";
import { closeReason, PING, PONG, type Transport } from "../transport/transport.ts";
import { addresses, checkServe, readUpgrade, type ServeOptions, type Server } from "./rim.ts";

export type { ServeOptions, Server } from "./rim.ts";

/**
 * Opens a port for a gateway.
 * @throws {InvalidArgumentError} for an allow-all gateway beyond loopback
 */
export async function serve(gateway: Gateway, options: ServeOptions = {}): Promise<Server> {
  const { hostname, port, tls } = checkServe(gateway, options);
  const answer = (request: HttpRequest, response: ServerResponse): void => {
    respond(gateway, request, response).catch((error) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  };
  const server = tls ? createSecureServer(tls, answer) : createServer(answer);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: gateway.limits.socketMessageBytes,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  server.on("upgrade", (request, socket: Socket, head) => {
    const upgrade = readUpgrade(request.url ?? "/", request.headers["sec-websocket-protocol"]);
    if (!upgrade.ok) {
      // The server no longer listens to it; what nobody listens to would end the process.
      socket.on("error", () => {});
      return void socket.end(
        `HTTP/1.1 ${upgrade.status} Refused\r\nContent-Type: text/plain\r\nContent-Length: ${upgrade.text.length}\r\nConnection: close\r\n\r\n${upgrade.text}`,
      );
    }
    sockets.handleUpgrade(request, socket, head, (accepted: WebSocket) => accept(gateway, accepted, upgrade.token));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, resolve);
  });
  return {
    ...addresses(hostname, (server.address() as AddressInfo).port, tls !== undefined),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(gateway: Gateway, request: HttpRequest, response: ServerResponse): Promise<void> {
  const headers = new Headers();
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    headers.append(request.rawHeaders[at], request.rawHeaders[at + 1]);
  }
  const url = `http://${request.headers.host ?? "localhost"}${request.url ?? "/"}`;
  // The gateway's own app reads no bodies: only the head is passed on.
  const answer = await gateway.fetch(new Request(url, { method: request.method === "HEAD" ? "HEAD" : "GET", headers }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(new Uint8Array(await answer.arrayBuffer()));
}

function accept(gateway: Gateway, socket: WebSocket, token: string | undefined): void {
  let over = false;
  const end = (code: number, reason: string): void => {
    if (over) return;
    over = true;
    sink.closed({ code, reason });
  };
  // Not copying: `ws` keeps what the kernel has not taken yet as it is.
  const transport: Transport = {
    send: (bytes) => {
      if (!over && socket.readyState === 1) socket.send(bytes);
    },
    ping: () => {
      if (!over && socket.readyState === 1) socket.send(PING);
    },
    close: (code = 1000, reason = "") => {
      if (!over) socket.close(code, closeReason(reason));
    },
    abandon: () => {
      socket.terminate();
      end(1006, "abandoned");
    },
  };
  const sink = gateway.opened(transport, { token });
  socket.on("message", (data: Uint8Array, isBinary: boolean) => {
    if (over) return;
    if (isBinary) return sink.received(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    if (new TextDecoder().decode(data) === PING) socket.send(PONG);
    sink.alive();
  });
  // `ws` reports protocol errors here and closes by itself; without a listener it would throw.
  socket.on("error", () => {});
  socket.on("close", (code: number, reason: Uint8Array) => end(code, new TextDecoder().decode(reason)));
}
