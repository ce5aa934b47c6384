// edge: no Deno, Bun, node: or cloudflare: names
import type { SocketClose } from "./socket_close.ts";
import type { SocketData } from "./socket_joint.ts";

/** What Hono's helpers call when something happens to a socket. */
export interface SocketEvents<Socket> {
  /** It is open. */
  onOpen(event: unknown, socket: Socket): void;
  /** It has brought a message. */
  onMessage(event: { data: SocketData }, socket: Socket): void;
  /** It has closed. */
  onClose(event: SocketClose, socket: Socket): void;
  /** It broke. */
  onError(event: unknown, socket: Socket): void;
}

/** A WebSocket of workerd's server side. */
export interface WorkerSocket {
  /** Lets its events come. */
  accept(): void;
  /** Queues a message. */
  send(packet: unknown): void;
  /** Closes it. */
  close(code?: number, reason?: string): void;
  /** Hears its events. */
  // deno-lint-ignore no-explicit-any -- an event for each name
  addEventListener(name: string, listener: (event: any) => void): void;
}

type Pair = new () => { 0: WorkerSocket; 1: WorkerSocket };

/** Where workerd has it: `WebSocketPair`; undefined elsewhere. */
export function workerPair(): Pair | undefined {
  return (globalThis as { WebSocketPair?: Pair }).WebSocketPair;
}

/**
 * Upgrades on workerd. Hono's helper (4.13) hands the socket over with the first message only, so that a service could not speak
 * first, and names no subprotocol in its answer.
 */
export function upgradeOnWorker(Pair: Pair, events: SocketEvents<WorkerSocket>, protocol: string): Response {
  const { 0: client, 1: server } = new Pair();
  server.accept();
  server.addEventListener("message", (event) => events.onMessage(event, server));
  server.addEventListener("close", (event) => events.onClose(event, server));
  server.addEventListener("error", (event) => events.onError(event, server));
  events.onOpen(undefined, server);
  const init = { status: 101, webSocket: client, headers: protocol ? { "sec-websocket-protocol": protocol } : {} };
  return new Response(null, init as ResponseInit);
}
