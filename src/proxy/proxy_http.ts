// edge: no Deno, Bun, node: or cloudflare: names
import { ProxyErrorKind, ProxyHttpError } from "../errors.ts";
import type { HeadersSource } from "./heads.ts";
import type { Linked } from "../session/link.ts";
import type { BodySource } from "./body.ts";
import { type ExchangeOptions, failureOf } from "./exchange.ts";
import { AetherFetchTransport, withUrl } from "./fetch_transport.ts";

/** Options of {@link proxyHttp}. */
export interface ProxyHttpOptions extends ExchangeOptions {
  /** Headers of the request. */
  headers?: HeadersSource;
  /** Any kind of body. */
  body?: BodySource;
  /** Whether redirects within the service are followed; they are not by default. */
  followRedirects?: boolean;
  /** Which of its backends the service should use. */
  backend?: string;
  /** Whether the body of the answer is a stream that takes as long as it takes; otherwise it is read in full first. */
  streamResponse?: boolean;
}

/** Bytes of an answer that is read in full, unless more is allowed; as the older system had it. */
const WHOLE_BYTES = 10 * 1024 * 1024;

/**
 * One HTTP request to a service over the connection.
 * @throws {ProxyHttpError} no answer came; its `kind` says why
 * @throws {InvalidArgumentError} what was asked is no request
 * @example
 * ```ts
 * import { proxyHttp, serveHttp } from "@aether-edge/sdk/proxy";
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * serveHttp(await fabric.service({ implementation: "echo", specifier: "1" }), async (request) => new Response(await request.text()));
 * const user = await fabric.user({ userId: "ada", windowId: "1", workspace: "prod" });
 * const response = await proxyHttp(user, "sv::echo::1", "POST", "/", { body: "hello" });
 * if (await response.text() !== "hello") throw new Error("not that");
 * ```
 */
export async function proxyHttp(
  client: Linked,
  target: string,
  method: string,
  path: string,
  options: ProxyHttpOptions = {},
): Promise<Response> {
  const { headers, body, followRedirects, backend, streamResponse, signal, ...bounds } = options;
  const limits = streamResponse ? bounds : { maxResponseBodyBytes: WHOLE_BYTES, ...bounds };
  const transport = new AetherFetchTransport(client, target, { ...limits, backend });
  const redirect = followRedirects ? "follow" : "manual";
  const response = await transport.fetch(path, { method, headers, body, signal, redirect });
  if (streamResponse || !response.body) return response;
  const whole = await response.arrayBuffer().catch((thrown) => {
    const error = failureOf(response) ?? thrown;
    if (!(error instanceof ProxyHttpError) || error.kind !== ProxyErrorKind.PayloadTooLarge) throw error;
    const hint = `${error.message}; allow more, or read it as it comes with streamResponse: true`;
    throw new ProxyHttpError(error.kind, hint, { retryable: false, details: error.details });
  });
  const { status, statusText, url, redirected } = response;
  return withUrl(new Response(whole, { status, statusText, headers: response.headers }), url, redirected);
}
