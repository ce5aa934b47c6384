// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { Packet } from "./packets.ts";
import type { HttpHandler } from "./serve.ts";
import type { IncomingTunnel } from "./serve_tunnels.ts";

/**
 * Whether `fetch` sends a stream with the length its headers say; what `serveHttp` hands on is that long, or fails. Deno 2.9 sends
 * it in chunks all the same, and the other one leaves a stream at its last byte, before it has heard that it was the last.
 */
const SENDS_LENGTHS = /^Node\.js/.test(globalThis.navigator?.userAgent ?? "");

/**
 * A handler that answers from an HTTP server: what a service behind NAT may be.
 * @param server its address; paths of requests come behind its own
 * @throws {InvalidArgumentError} when that is no http or https address
 * @example
 * ```ts ignore
 * import { ServiceClient } from "@aether-edge/sdk";
 * import { httpUpstream, serveHttp } from "@aether-edge/sdk/proxy";
 * const service = new ServiceClient({ address: "ws://127.0.0.1:8787", implementation: "web", specifier: "1" });
 * await service.connect();
 * serveHttp(service, httpUpstream("http://127.0.0.1:3000"));
 * ```
 */
export function httpUpstream(server: string | URL): HttpHandler {
  const base = baseOf(server);
  return async (request) => {
    const headers = new Headers(request.headers);
    // Decoded on the way in, what was encoded would leave under the wrong name.
    headers.set("accept-encoding", "identity");
    if (!request.body || !SENDS_LENGTHS) headers.delete("content-length");
    const init: RequestInit & { duplex?: "half" } = {
      method: request.method,
      headers,
      body: request.body,
      signal: request.signal,
      redirect: "manual",
    };
    if (request.body) init.duplex = "half";
    const response = await fetch(at(base, request.url), init);
    if (!response.headers.has("content-encoding")) return response;
    const { status, statusText, body } = response;
    const decoded = new Headers(response.headers);
    decoded.delete("content-encoding");
    decoded.delete("content-length");
    return new Response(body, { status, statusText, headers: decoded });
  };
}

/** The same for WebSockets: a handler of `serveTunnels` that joins each to one of the server's. */
export function webSocketUpstream(server: string | URL): (tunnel: IncomingTunnel) => Promise<void> {
  const base = baseOf(server);
  return async (tunnel) => {
    if (tunnel.protocol !== "websocket") {
      throw new InvalidArgumentError(`No tunnel for ${tunnel.protocol} is taken here, only for websocket`);
    }
    const url = new URL(at(base, `http://aether${tunnel.path ?? "/"}`));
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, [...tunnel.protocols]);
    socket.binaryType = "arraybuffer";
    const closed = Promise.withResolvers<void>();
    // A server may speak first, and the tunnel is taken only when it has let us in.
    const early: Packet[] = [];
    let hear = (packet: Packet): void => void early.push(packet);
    socket.onmessage = ({ data }) => hear(typeof data === "string" ? data : new Uint8Array(data));
    socket.onerror = () => closed.reject(new Error(`${url.host} took no WebSocket at ${url.pathname}`));
    await Promise.race([new Promise<void>((resolve) => socket.onopen = () => resolve()), closed.promise]);
    const writer = tunnel.writable.getWriter();
    hear = (packet) => void writer.write(packet).catch(() => socket.close());
    early.forEach(hear);
    socket.onclose = () => writer.close().then(closed.resolve, closed.resolve);
    try {
      for await (const packet of tunnel.readable) send(socket, packet);
      socket.close(1000);
      await closed.promise;
    } finally {
      if (socket.readyState < 2) socket.close(1000);
    }
  };
}

function send(socket: WebSocket, packet: Packet): void {
  if (socket.readyState === 1) socket.send(packet as Uint8Array<ArrayBuffer>);
}

function baseOf(server: string | URL): URL {
  const url = URL.canParse(String(server)) ? new URL(server) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new InvalidArgumentError(`Cannot forward to "${server}": give the address of an HTTP server`, "server");
}

function at(base: URL, address: string): URL {
  const { pathname, search } = new URL(address);
  const url = new URL(base);
  url.pathname = base.pathname.replace(/\/$/, "") + pathname;
  url.search = search;
  return url;
}
