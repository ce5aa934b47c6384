/** Server process of a control: what the wire and the runtime cost without us. One frame in, one frame out. */
import { ready } from "../lib/ready.ts";
import { EVERYBODY, indexOf, targetOf } from "./frame.ts";

interface Socket {
  send(bytes: Uint8Array): unknown;
}
interface BunSocket extends Socket {
  readonly data: { index: number };
}
interface BunServer {
  readonly port: number;
  upgrade(request: Request, options: { data: { index: number } }): boolean;
}

const sockets: (Socket | undefined)[] = [];

function relay(bytes: Uint8Array, from: number): void {
  const target = targetOf(bytes);
  if (target !== EVERYBODY) return void sockets[target]?.send(bytes);
  for (let index = 0; index < sockets.length; index++) if (index !== from) sockets[index]?.send(bytes);
}

function serveOnBun(): number {
  const { Bun } = globalThis as unknown as { Bun: { serve(options: unknown): BunServer } };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request: Request, server: BunServer): Response | undefined {
      return server.upgrade(request, { data: { index: indexOf(request.url) } }) ? undefined : new Response("no");
    },
    websocket: {
      idleTimeout: 0,
      sendPings: false,
      open: (socket: BunSocket) => void (sockets[socket.data.index] = socket),
      message: (socket: BunSocket, message: Uint8Array) => relay(message, socket.data.index),
      close: (socket: BunSocket) => void (sockets[socket.data.index] = undefined),
    },
  });
  return server.port;
}

function serveOnDeno(): number {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    const index = indexOf(request.url);
    socket.binaryType = "arraybuffer";
    const plain: Socket = { send: (bytes) => socket.send(bytes as Uint8Array<ArrayBuffer>) };
    socket.onopen = () => void (sockets[index] = plain);
    socket.onmessage = (event) => relay(new Uint8Array(event.data), index);
    socket.onclose = () => void (sockets[index] = undefined);
    return response;
  });
  return (server.addr as Deno.NetAddr).port;
}

ready(`ws://127.0.0.1:${"Bun" in globalThis ? serveOnBun() : serveOnDeno()}`);
