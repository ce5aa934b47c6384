// edge: no Deno, Bun, node: or cloudflare: names
import type { Linked } from "../session/link.ts";
import { problem, toProxyError } from "./errors.ts";
import { AetherFetchTransport } from "./fetch_transport.ts";

/** How a request is forwarded. */
export interface ForwardOptions {
  /** Taken off the front of the path. */
  stripPrefix?: string;
  /** Headers instead of the request's own. */
  headers?: Headers;
  /** How long to wait for the head of the answer, in ms. */
  timeoutMs?: number;
  /** Which of its backends the service should use. */
  backend?: string;
}

/** Sends a request that came in elsewhere on to a service. A service that cannot be reached is answered for with a problem. */
export async function forward(
  via: Linked,
  target: string,
  request: Request,
  options: ForwardOptions = {},
): Promise<Response> {
  const { stripPrefix = "", headers = new Headers(request.headers), timeoutMs, backend } = options;
  const transport = new AetherFetchTransport(via, target, { timeoutMs, backend });
  try {
    const url = new URL(request.url);
    // Beside the path: put together as a text, "//host" in it would become the host.
    const { pathname, search } = url;
    url.pathname = stripped(pathname, stripPrefix);
    url.search = search;
    return await transport.fetch(url, {
      method: request.method,
      headers,
      body: request.body,
      signal: request.signal,
      redirect: "manual",
    });
  } catch (error) {
    if (request.signal?.aborted) throw error;
    return problem(toProxyError(error, target));
  }
}

/** A path without a prefix, when it has it as whole segments. */
export function stripped(pathname: string, prefix: string): string {
  const trimmed = prefix.replace(/\/+$/, "");
  const rest = pathname === trimmed || pathname.startsWith(`${trimmed}/`) ? pathname.slice(trimmed.length) : pathname;
  return rest.replace(/^\/*/, "/");
}
