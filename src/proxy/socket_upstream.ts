// edge: no Deno, Bun, node: or cloudflare: names
import { systemClock } from "../base/clock.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { IncomingTunnel } from "./serve_tunnels.ts";
import { BROKEN } from "./socket_close.ts";
import { type JointSocket, SocketJoint } from "./socket_joint.ts";
import { at, baseOf } from "./upstream.ts";

/** What Node, Deno and Bun take as second argument; browsers and Workers know only the subprotocols. */
interface SocketInit {
  protocols: string[];
  headers: Record<string, string>;
}
type SocketWithHeaders = new (url: URL, init: SocketInit) => WebSocket;

/** Headers of the handshake itself: the socket that is opened has its own. */
const OF_HANDSHAKE = /^(?:sec-websocket-|content-length$)/;

/**
 * The same as `httpUpstream` for WebSockets: a handler of `serveTunnels` that joins each to one of the server's. The server gets
 * the headers the WebSocket was asked for with, cookies among them, and chooses the subprotocol; codes and reasons of closing
 * pass both ways.
 * @param server its address; paths come behind its own
 * @throws {InvalidArgumentError} when that is no http or https address
 * @example
 * ```ts ignore
 * import { ServiceClient } from "@aether-edge/sdk";
 * import { serveTunnels, webSocketUpstream } from "@aether-edge/sdk/proxy";
 * const service = new ServiceClient({ address: "ws://127.0.0.1:8787", implementation: "web", specifier: "1" });
 * await service.connect();
 * serveTunnels(service, webSocketUpstream("http://127.0.0.1:3000"));
 * ```
 */
export function webSocketUpstream(server: string | URL): (tunnel: IncomingTunnel) => Promise<void> {
  const base = baseOf(server);
  return async (tunnel) => {
    if (tunnel.protocol !== "websocket") {
      throw new InvalidArgumentError(`No tunnel for ${tunnel.protocol} is taken here, only for websocket`);
    }
    const url = new URL(at(base, `http://aether${tunnel.path ?? "/"}`));
    url.protocol = url.protocol.replace("http", "ws");
    const socket = open(url, tunnel);
    socket.binaryType = "arraybuffer";
    const joint = await new Promise<SocketJoint>((resolve, reject) => {
      const refused = (): void => reject(new Error(`${url.host} took no WebSocket at ${url.pathname}`));
      const gone = (): void => socket.close();
      tunnel.signal.addEventListener("abort", gone);
      socket.onerror = refused;
      socket.onclose = refused;
      socket.onopen = () => {
        tunnel.signal.removeEventListener("abort", gone);
        tunnel.accept({ protocol: socket.protocol });
        // At once: the next event may be its first message.
        const made = new SocketJoint(jointSocket(socket), tunnel, systemClock);
        socket.onerror = () => made.left(BROKEN);
        socket.onmessage = ({ data }) => made.message(data);
        socket.onclose = ({ code, reason }) => made.left({ code, reason });
        resolve(made);
      };
    });
    await joint.run();
  };
}

function open(url: URL, tunnel: IncomingTunnel): WebSocket {
  const protocols = [...tunnel.protocols];
  const headers: Record<string, string> = {};
  for (const [name, value] of tunnel.headers) if (!OF_HANDSHAKE.test(name)) headers[name] = value;
  try {
    return new (WebSocket as unknown as SocketWithHeaders)(url, { protocols, headers });
  } catch {
    // By the standard the second argument is only the subprotocols, and an object among them a syntax error.
    return new WebSocket(url, protocols);
  }
}

function jointSocket(socket: WebSocket): JointSocket {
  return {
    send: (packet) => socket.send(packet as Uint8Array<ArrayBuffer>),
    close({ code, reason }) {
      try {
        socket.close(code, reason);
      } catch {
        // By the standard a client says 1000 or 3000 to 4999. What went wrong cannot be said; that it was no normal end can.
        if (code === 1001) socket.close(1000, reason);
        else socket.close();
      }
    },
    buffered: () => socket.bufferedAmount,
  };
}
