// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, ProxyErrorKind, ProxyHttpError } from "../errors.ts";
import { type HttpRequestHead, methodOf, requireMethod } from "../protocol/http.ts";
import { LINK, type Linked, type StreamLink } from "../session/link.ts";
import { type Body, type BodySource, toBody } from "./body.ts";
import { requireMs } from "./bounds.ts";
import { exchange, type ExchangeOptions, requireBounds, requireLink } from "./exchange.ts";
import { flatHeaders, type HeadersSource, toPlace } from "./heads.ts";

/** Options of an {@link AetherFetchTransport}, for every request made with it. */
export interface FetchTransportOptions extends Omit<ExchangeOptions, "signal"> {
  /** Which of its backends the service should use. */
  backend?: string;
  /** Headers beside those of the request; the request's own come first. */
  headers?: HeadersSource;
}

/** What `fetch` takes, and an async iterable as a body besides. */
export type FetchInit = Omit<RequestInit, "body"> & {
  /** Any kind of body: this library's and the platform's. */
  body?: BodySource | RequestInit["body"];
  /** As in `fetch`; streams need nothing said. */
  duplex?: "half";
  /** How long to wait for the head of this answer, in ms, instead of what the transport says; `fetch` elsewhere does not know it. */
  timeoutMs?: number;
};

const REDIRECTS = [301, 302, 303, 307, 308];
/** As the fetch standard has it. */
const MOST_REDIRECTS = 20;

interface Prepared {
  readonly head: HttpRequestHead;
  readonly body: Body | undefined;
  readonly signal: AbortSignal | undefined;
  readonly redirect: RequestRedirect;
  readonly timeoutMs: number | undefined;
}

/**
 * `fetch` to a service over the connection: same arguments, a real `Response`, streams both ways. Of the address only path
 * and query count; the host is what the service sees in `request.url`.
 * @example
 * ```ts
 * import { AetherFetchTransport, serveHttp } from "@aether-edge/sdk/proxy";
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * const billing = await fabric.service({ implementation: "billing", specifier: "1" });
 * serveHttp(billing, (request) => new Response(`you asked for ${new URL(request.url).pathname}`));
 * const agent = await fabric.agent({ workspace: "prod", implementation: "desk", specifier: "1" });
 * const transport = new AetherFetchTransport(agent, "sv::billing");
 * const response = await transport.fetch("/invoices/7");
 * if (await response.text() !== "you asked for /invoices/7") throw new Error("not that");
 * ```
 */
export class AetherFetchTransport {
  /** Whom it asks: `sv::implementation::specifier`, or `sv::implementation` for any instance. */
  readonly target: string;
  readonly #link: StreamLink;
  readonly #options: FetchTransportOptions;

  /**
   * Makes one.
   * @param client any connected client, or a gateway in this process
   * @param target a topic
   * @param options or, as a number, `timeoutMs`
   * @param backend as in the options
   * @throws {InvalidArgumentError} for options that are none
   */
  constructor(client: Linked, target: string, options: FetchTransportOptions | number = {}, backend?: string) {
    this.#link = requireLink(client?.[LINK]);
    if (!target) throw new InvalidArgumentError("Cannot fetch from nobody: give a topic, as sv::billing", "target");
    this.target = target;
    this.#options = typeof options === "number" ? { timeoutMs: options, backend } : options;
    requireBounds(this.#options);
  }

  /**
   * Asks; resolves at the head of the answer. A property of its own, so that it can be handed to others as their `fetch`.
   * @throws {ProxyHttpError} no answer came; its `kind` says why
   * @throws {InvalidArgumentError} what was asked is no request
   */
  readonly fetch: (input: string | URL | Request, init?: FetchInit) => Promise<Response> = async (input, init) => {
    let prepared = this.#prepare(input, init);
    for (let count = 0;; count++) {
      const { head, body, signal, redirect, timeoutMs } = prepared;
      const response = await exchange(this.#link, this.target, head, body, { ...this.#options, signal, timeoutMs });
      const isRedirect = redirect !== "manual" && REDIRECTS.includes(response.status);
      if (isRedirect && redirect === "error") throw this.#redirected(response, 'and redirect is "error"');
      if (isRedirect && response.headers.has("location")) {
        if (count >= MOST_REDIRECTS) throw this.#redirected(response, `after ${MOST_REDIRECTS} others`);
        // Whether it can be followed or not: nobody reads this body.
        response.body?.cancel().catch(() => {});
        prepared = this.#follow(prepared, response);
        continue;
      }
      return withUrl(response, head.origin + head.path, count > 0);
    }
  };

  #prepare(input: string | URL | Request, init: FetchInit = {}): Prepared {
    const request = input instanceof Request ? input : undefined;
    const { origin, path } = toPlace(request?.url ?? input as string | URL);
    const method = methodOf(init.method ?? request?.method ?? "GET");
    requireMethod(method);
    const source = init.body ?? (init.body === undefined ? request?.body : null);
    if (init.body === undefined && request?.bodyUsed) {
      throw new InvalidArgumentError("Cannot send this request: its body was read already", "input");
    }
    if (source !== null && source !== undefined && (method === "GET" || method === "HEAD")) {
      throw new InvalidArgumentError(`Cannot send a body with ${method}`, "body");
    }
    const body = toBody(source as BodySource);
    const headers = new Headers(init.headers ?? request?.headers);
    if (this.#options.headers) {
      for (const [name, value] of new Headers(this.#options.headers)) if (!headers.has(name)) headers.set(name, value);
    }
    // What was said by anybody is more than what the kind of the body implies.
    if (body?.type && !headers.has("content-type")) headers.set("content-type", body.type);
    const size = body?.bytes?.length ?? body?.size;
    if (size !== undefined) headers.set("content-length", String(size));
    const { backend } = this.#options;
    const head: HttpRequestHead = { method, path, origin, headers: flatHeaders(headers), backend };
    const signal = init.signal === undefined ? request?.signal : init.signal ?? undefined;
    requireMs(init.timeoutMs, "timeoutMs");
    const timeoutMs = init.timeoutMs ?? this.#options.timeoutMs;
    return { head, body, signal, redirect: init.redirect ?? request?.redirect ?? "follow", timeoutMs };
  }

  #follow(prepared: Prepared, response: Response): Prepared {
    const { head, body } = prepared;
    // Not by the second argument: "//host/path" would be another host.
    const from = new URL(head.origin + head.path);
    const to = URL.parse(response.headers.get("location")!, from);
    if (!to) throw this.#redirected(response, "which is no address");
    if (to.origin !== from.origin) {
      throw this.#redirected(response, 'which is another origin: follow it by hand, with redirect: "manual"');
    }
    const { status } = response;
    const path = to.pathname + to.search;
    // RFC 9110, section 15.4, as the fetch standard narrows it down.
    const becomesGet = status === 303 ? head.method !== "HEAD" : status < 303 && head.method === "POST";
    if (becomesGet) {
      const headers = withoutContent(head.headers);
      return { ...prepared, head: { ...head, method: "GET", path, headers }, body: undefined };
    }
    if (!body || body.bytes) return { ...prepared, head: { ...head, path } };
    if (!body.again) throw this.#redirected(response, "and a body that was a stream cannot be sent again");
    const again = body.again();
    // A form has another boundary each time it is written.
    const headers = head.headers.map((part, at) => at % 2 === 1 && part === body.type ? again.type! : part);
    return { ...prepared, head: { ...head, path, headers }, body: again };
  }

  #redirected(response: Response, why: string): ProxyHttpError {
    response.body?.cancel().catch(() => {});
    return new ProxyHttpError(
      ProxyErrorKind.Unknown,
      `"${this.target}" redirects (${response.status}) to ${response.headers.get("location")}, ${why}`,
      { retryable: false },
    );
  }
}

function withoutContent(flat: readonly string[]): string[] {
  return flat.filter((_, at) => !/^content-(?:encoding|language|location|type|length)$/.test(flat[at - at % 2]));
}

/** A response made by hand has no address, and no one but its maker can give it one. */
export function withUrl(response: Response, url: string, redirected: boolean): Response {
  Object.defineProperty(response, "url", { value: url });
  if (redirected) Object.defineProperty(response, "redirected", { value: true });
  return response;
}
