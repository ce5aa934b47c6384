// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { HttpRequestHead } from "../protocol/http.ts";
import { LINK, type Linked } from "../session/link.ts";
import { problem } from "./errors.ts";
import { exchange } from "./exchange.ts";
import { flatHeaders } from "./heads.ts";

/** How a request is forwarded. */
export interface ForwardOptions {
  /** Taken off the front of the path. */
  stripPrefix?: string;
  /** The headers to send, name, value, name, value; the request's own by default. */
  headers?: readonly string[];
  /** How long to wait for the head of the answer, in ms. */
  timeoutMs?: number;
  /** Which of its backends the service should use. */
  backend?: string;
}

/**
 * Sends a request that came in elsewhere on to a service. What fails is answered for with a problem.
 * @throws {InvalidArgumentError} when somebody reads its body, or has
 */
export async function forward(
  via: Linked,
  target: string,
  request: Request,
  options: ForwardOptions = {},
): Promise<Response> {
  const { stripPrefix = "", headers = flatHeaders(request.headers), timeoutMs, backend } = options;
  const { method, url, body } = request;
  if (body?.locked) {
    throw new InvalidArgumentError("Cannot forward this request: somebody reads its body already, or has", "request");
  }
  const { origin, path } = placeOf(url);
  const head: HttpRequestHead = { method, path: stripped(path, stripPrefix), origin, headers, backend };
  let signal: AbortSignal | undefined;
  try {
    const leaving = (): AbortSignal => (signal ??= request.signal);
    return await exchange(via[LINK], target, head, body ? { stream: body } : undefined, { timeoutMs }, leaving);
  } catch (error) {
    if (signal?.aborted) throw error;
    return problem(error, target, head);
  }
}

/** A request's address is normalised: what stands behind the host begins with the third slash. */
function placeOf(url: string): { origin: string; path: string } {
  const at = url.indexOf("/", url.indexOf("//") + 2);
  const hash = url.indexOf("#", at);
  return at < 0
    ? { origin: url, path: "/" }
    : { origin: url.slice(0, at), path: hash < 0 ? url.slice(at) : url.slice(at, hash) };
}

/** A path without a prefix, when it has it as whole segments. */
export function stripped(path: string, prefix: string): string {
  const trimmed = prefix.replace(/\/+$/, "");
  const next = path[trimmed.length];
  const has = path.startsWith(trimmed) && (next === undefined || next === "/" || next === "?");
  // "//host" would be read as an address by somebody.
  return (has ? path.slice(trimmed.length) : path).replace(/^\/*/, "/");
}
