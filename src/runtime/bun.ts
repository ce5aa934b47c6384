/**
 * Serves a gateway on Bun.
 * @module
 */
import type { Gateway } from "../gateway/gateway.ts";
import { whenOver } from "../base/streamed.ts";
import { hasNoBody } from "../protocol/http.ts";
import { SUBPROTOCOL } from "../protocol/limits.ts";
import { closeReason, PING, PONG, type Transport, type TransportSink } from "../transport/transport.ts";
import { addresses, checkServe, readUpgrade, type ServeOptions, type Server } from "./rim.ts";

export type { ServeOptions, Server } from "./rim.ts";

// The part of Bun's API used here, as a type of our own: the package must type-check where bun-types are not installed.
interface BunSocket {
  readonly data: SocketData;
  readonly readyState: number;
  sendBinary(bytes: Uint8Array): number;
  sendText(text: string): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
}
interface SocketData {
  token?: string;
  sink?: TransportSink;
  over: boolean;
}
interface BunServer {
  readonly port: number;
  timeout(request: Request, seconds: number): void;
  upgrade(request: Request, options: { data: SocketData; headers: Record<string, string> }): boolean;
  stop(closeActive: boolean): void | Promise<void>;
}
interface BunLike {
  serve(options: unknown): BunServer;
}

/** Silence that ends a connection on which nothing is asked, or asked only in part, in seconds: as Bun has it by default. */
const IDLE_S = 10;

/**
 * Opens a port for a gateway.
 * @throws {InvalidArgumentError} for an allow-all gateway beyond loopback
 */
export async function serve(gateway: Gateway, options: ServeOptions = {}): Promise<Server> {
  const { hostname, port, tls } = checkServe(gateway, options);
  const bun = (globalThis as unknown as { Bun: BunLike }).Bun;
  const server = bun.serve({
    hostname,
    port,
    ...(tls ? { tls } : {}),
    idleTimeout: IDLE_S,
    // Bodies are streams here, and nobody keeps one; Bun's own bound is 128 MiB.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch(request: Request, server: BunServer): Response | Promise<Response> | undefined {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        return answer(gateway, request, server);
      }
      const upgrade = readUpgrade(request.url, request.headers.get("sec-websocket-protocol"));
      if (!upgrade.ok) return new Response(upgrade.text, { status: upgrade.status });
      const data: SocketData = { token: upgrade.token, over: false };
      if (server.upgrade(request, { data, headers: { "sec-websocket-protocol": SUBPROTOCOL } })) return undefined;
      return new Response("Cannot upgrade\n", { status: 400 });
    },
    websocket: {
      maxPayloadLength: gateway.limits.socketMessageBytes,
      // Windows bound what a slow client can pile up; Bun's own limit would cut it off without a word.
      backpressureLimit: 64 * 1024 * 1024,
      idleTimeout: 0,
      sendPings: false,
      open(socket: BunSocket) {
        socket.data.sink = gateway.opened(new SocketTransport(socket), { token: socket.data.token });
      },
      message(socket: BunSocket, message: string | Uint8Array) {
        if (socket.data.over) return;
        if (typeof message !== "string") {
          return socket.data.sink!.received(new Uint8Array(message.buffer, message.byteOffset, message.byteLength));
        }
        if (message === PING) socket.sendText(PONG);
        socket.data.sink!.alive();
      },
      close(socket: BunSocket, code: number, reason: string) {
        end(socket.data, code, reason);
      },
    },
  });
  return await Promise.resolve({
    ...addresses(hostname, server.port, tls !== undefined),
    close: async () => void (await server.stop(true)),
  });
}

/** An answer may take as long as the gateway lets it, be it for its head or between two pieces of its body. */
async function answer(gateway: Gateway, request: Request, server: BunServer): Promise<Response> {
  server.timeout(request, 0);
  const response = await gateway.fetch(request);
  // The connection stays, and would stay without end.
  const idle = (): void => server.timeout(request, IDLE_S);
  const isStreamed = whenOver(response, idle);
  if (!isStreamed) idle();
  // What is not said of a length stays unsaid: Bun 1.4 says 0 of an answer without a body, unless that is said to come in chunks.
  if (request.method === "HEAD" && !hasNoBody(response.status) && !response.headers.has("content-length")) {
    response.headers.set("transfer-encoding", "chunked");
  }
  return isStreamed || !response.body || response.headers.has("content-type") ? response : await untyped(response);
}

/** Of bytes whose service says no type, Bun 1.4 says application/octet-stream, and a browser would not look for itself. */
async function untyped(response: Response): Promise<Response> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const body = new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
  const said = new Response(body, response);
  said.headers.set("content-length", String(bytes.length));
  return said;
}

function end(data: SocketData, code: number, reason: string): void {
  if (data.over) return;
  data.over = true;
  data.sink?.closed({ code, reason });
}

/** One socket's pipe. A class: of ten thousand idle sockets none brings functions of its own. */
class SocketTransport implements Transport {
  readonly #socket: BunSocket;

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  get isCopying(): boolean {
    return true;
  }

  send(bytes: Uint8Array): void {
    if (!this.#socket.data.over) this.#socket.sendBinary(bytes);
  }

  ping(): void {
    if (!this.#socket.data.over) this.#socket.sendText(PING);
  }

  close(code = 1000, reason = ""): void {
    if (!this.#socket.data.over) this.#socket.close(code, closeReason(reason));
  }

  abandon(): void {
    this.#socket.terminate();
    end(this.#socket.data, 1006, "abandoned");
  }
}
