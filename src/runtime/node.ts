/**
 * Serves a gateway on Node, by `node:http` and `ws`.
 * @module
 */
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Gateway } from "../gateway/gateway.ts";
import { SUBPROTOCOL } from "../protocol/limits.ts";
import { closeReason, PING, PONG, type Transport } from "../transport/transport.ts";
import { answer } from "./node_http.ts";
import { addresses, checkServe, readUpgrade, type ServeOptions, type Server } from "./rim.ts";

export type { ServeOptions, Server } from "./rim.ts";

const HTTP = {
  // What bounds an answer is the gateway's own deadline; five minutes, the server's, are too few for a large upload.
  requestTimeout: 0,
  // For a head that comes byte by byte; by default no more than the other one.
  headersTimeout: 60_000,
  // Offers of other protocols may be passed over, as Java's client expects of its h2c. Known from Node 22.21 on.
  shouldUpgradeCallback: ({ headers }: IncomingMessage): boolean => headers.upgrade?.toLowerCase() === "websocket",
};

/** How long a refused peer may take to read why, in ms. */
const REFUSED_MS = 5000;

/**
 * Opens a port for a gateway.
 * @throws {InvalidArgumentError} for an allow-all gateway beyond loopback
 */
export async function serve(gateway: Gateway, options: ServeOptions = {}): Promise<Server> {
  const { hostname, port, tls } = checkServe(gateway, options);
  const handler = (request: Request): Response | Promise<Response> => gateway.fetch(request);
  const server = tls ? createSecureServer({ ...HTTP, ...tls }) : createServer(HTTP);
  server.on("request", (request, response) => answer(handler, request, response));
  server.on("checkContinue", (request, response) => answer(handler, request, response, true));
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
      // Nor does it end it: a peer that keeps its half open would keep all of it.
      const late = setTimeout(() => socket.destroy(), REFUSED_MS);
      socket.once("finish", () => socket.destroy()).once("close", () => clearTimeout(late));
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
