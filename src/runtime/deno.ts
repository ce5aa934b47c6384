/**
 * Serves a gateway on Deno. Needs `--allow-net` for its address.
 * @module
 */
import { markHeld } from "../base/streamed.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { hasNoBody } from "../protocol/http.ts";
import { SUBPROTOCOL } from "../protocol/limits.ts";
import { closeReason, PING, PONG, type Transport } from "../transport/transport.ts";
import { addresses, checkServe, readUpgrade, type ServeOptions, type Server } from "./rim.ts";

export type { ServeOptions, Server } from "./rim.ts";

// The part of Deno's API used here, as a type of our own: the file also has to type-check outside Deno.
interface DenoLike {
  serve(
    options: Record<string, unknown>,
    handler: (request: Request) => Response | Promise<Response>,
  ): { addr: { port: number }; shutdown(): Promise<void>; finished: Promise<void> };
  upgradeWebSocket(request: Request, options?: { idleTimeout?: number }): { socket: WebSocket; response: Response };
}

/**
 * Opens a port for a gateway.
 * @throws {InvalidArgumentError} for an allow-all gateway beyond loopback
 */
export async function serve(gateway: Gateway, options: ServeOptions = {}): Promise<Server> {
  const { hostname, port, tls } = checkServe(gateway, options);
  const deno = (globalThis as unknown as { Deno: DenoLike }).Deno;
  const sockets = new Set<WebSocket>();
  const stop = new AbortController();
  const server = deno.serve({ hostname, port, signal: stop.signal, onListen: () => {}, ...tls }, (request) => {
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return request.method === "HEAD" ? headOnly(gateway, request) : answer(gateway, request);
    }
    const upgrade = readUpgrade(request.url, request.headers.get("sec-websocket-protocol"));
    if (!upgrade.ok) return new Response(upgrade.text, { status: upgrade.status });
    // Not by its `protocol` option: Deno 2.9 refuses offers without a space after the comma, as `ws` sends them.
    const { socket, response } = deno.upgradeWebSocket(request, { idleTimeout: 0 });
    response.headers.set("sec-websocket-protocol", SUBPROTOCOL);
    accept(gateway, socket, upgrade.token, sockets);
    return response;
  });
  return await Promise.resolve({
    ...addresses(hostname, server.addr.port, tls !== undefined),
    async close() {
      for (const socket of sockets) socket.close(1001, "the server stops");
      stop.abort();
      await server.finished;
    },
  });
}

/** Deno keeps the memory of a piece until it is written, whatever becomes of the array it was given as. */
async function answer(gateway: Gateway, request: Request): Promise<Response> {
  const response = await gateway.fetch(request);
  markHeld(response);
  return response;
}

/** What is not said of a length stays unsaid: Deno 2.9 says 0 of an answer without a body, but nothing of a stream. */
async function headOnly(gateway: Gateway, request: Request): Promise<Response> {
  const response = await gateway.fetch(request);
  if (response.body || hasNoBody(response.status) || response.headers.has("content-length")) return response;
  return new Response(new ReadableStream({ start: (controller) => controller.close() }), response);
}

function accept(gateway: Gateway, socket: WebSocket, token: string | undefined, sockets: Set<WebSocket>): void {
  socket.binaryType = "arraybuffer";
  let over = false;
  const end = (code: number, reason: string): void => {
    if (over) return;
    over = true;
    sockets.delete(socket);
    sink?.closed({ code, reason });
  };
  const isOpen = (): boolean => !over && socket.readyState === 1;
  const transport: Transport = {
    isCopying: true,
    send: (bytes) => {
      if (isOpen()) socket.send(bytes as Uint8Array<ArrayBuffer>);
    },
    ping: () => {
      if (isOpen()) socket.send(PING);
    },
    close: (code = 1000, reason = "") => {
      if (isOpen()) socket.close(code, closeReason(reason));
    },
    abandon: () => {
      if (isOpen()) socket.close(4408, "abandoned");
      end(1006, "abandoned");
    },
  };
  let sink: ReturnType<Gateway["opened"]> | undefined;
  socket.onopen = () => {
    sockets.add(socket);
    sink = gateway.opened(transport, { token });
  };
  socket.onmessage = ({ data }) => {
    if (over) return;
    if (typeof data !== "string") return sink!.received(new Uint8Array(data as ArrayBuffer));
    if (data === PING) socket.send(PONG);
    sink!.alive();
  };
  socket.onerror = () => end(1006, "connection broke");
  socket.onclose = ({ code, reason }) => end(code, reason);
}
