// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { HttpHandler } from "./serve.ts";

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

/** Where a server is. @throws {InvalidArgumentError} when it is no http or https address */
export function baseOf(server: string | URL): URL {
  const url = URL.canParse(String(server)) ? new URL(server) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new InvalidArgumentError(`Cannot forward to "${server}": give the address of an HTTP server`, "server");
}

/** The address there of what a request asks for. */
export function at(base: URL, address: string): URL {
  const { pathname, search } = new URL(address);
  const url = new URL(base);
  url.pathname = base.pathname.replace(/\/$/, "") + pathname;
  url.search = search;
  return url;
}
