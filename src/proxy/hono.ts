// edge: no Deno, Bun, node: or cloudflare: names
/**
 * Middleware for Hono: routes that forward to a service over the connection, and a client in the context.
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { cloneRawRequest } from "hono/request";
import { InvalidArgumentError } from "../errors.ts";
import type { Linked } from "../session/link.ts";
import { requireMs } from "./bounds.ts";
import { forward, stripped } from "./forward.ts";
import { flatHeaders } from "./heads.ts";
import { forwardSocket } from "./hono_socket.ts";

/** A value, or what gives it for a request. */
export type PerRequest<T> = T | ((c: Context) => T);

/** The part of a runtime's `upgradeWebSocket` helper for Hono that is used here. */
export type UpgradeWebSocket = (
  // deno-lint-ignore no-explicit-any -- each runtime's helper has types of its own
  createEvents: (c: Context) => any,
  // deno-lint-ignore no-explicit-any -- see above
  options?: any,
  // deno-lint-ignore no-explicit-any -- see above
) => MiddlewareHandler<any, any, any>;

/** Options of {@link aetherProxy}. */
export interface AetherProxyOptions {
  /** A connected client … */
  client?: Linked;
  /** … or a gateway in this process. */
  gateway?: Linked;
  /** Whom to forward to: a topic, or what chooses one. */
  target: PerRequest<string>;
  /** Taken off the front of the path. */
  stripPrefix?: string;
  /** Headers of the forwarded request: set, or, with `undefined`, taken away. */
  headers?: PerRequest<Record<string, string | undefined>>;
  /** How long to wait for the head of the answer, or for a WebSocket to be taken, in ms; 30 000 by default. */
  timeoutMs?: number;
  /** Which of its backends the service should use. */
  backend?: string;
  /**
   * Your runtime's helper (`hono/deno`, `hono/bun`, `@hono/node-server`, `hono/cloudflare-workers`): WebSockets are forwarded too,
   * to `serveTunnels`.
   */
  upgradeWebSocket?: UpgradeWebSocket;
}

/**
 * Forwards the requests of a route to a service over the connection. A service that cannot be reached is answered for with
 * 502, 503 or 504 and a problem (RFC 9457) as body, a request that is none with 400, 414 or 431.
 * @throws {InvalidArgumentError} without a target, or without client and gateway; for a `timeoutMs` that is none
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { aetherProxy } from "@aether-edge/sdk/hono";
 * import { serveHttp } from "@aether-edge/sdk/proxy";
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * serveHttp(await fabric.service({ implementation: "billing", specifier: "1" }), (request) => new Response(new URL(request.url).pathname));
 * const client = await fabric.agent({ workspace: "prod", implementation: "web", specifier: "1" });
 * const app = new Hono().all("/billing/*", aetherProxy({ client, target: "sv::billing", stripPrefix: "/billing" }));
 * const response = await app.request("/billing/invoices");
 * if (await response.text() !== "/invoices") throw new Error("not that");
 * ```
 */
export function aetherProxy(options: AetherProxyOptions): MiddlewareHandler {
  const { target, stripPrefix = "", headers, timeoutMs, backend, upgradeWebSocket } = options;
  const via = options.client ?? options.gateway;
  if (!via) throw new InvalidArgumentError("Cannot forward without a connection: give client or gateway", "client");
  if (!target) throw new InvalidArgumentError("Cannot forward to nobody: give a target, as sv::billing", "target");
  requireMs(timeoutMs, "timeoutMs");
  const targetOf = (c: Context): string => typeof target === "function" ? target(c) : target;
  return async (c, next) => {
    if (upgradeWebSocket && c.req.header("upgrade")?.toLowerCase() === "websocket") {
      const asked = { path: pathOf(c, stripPrefix), headers: requestHeaders(c, headers), timeoutMs, backend };
      return await forwardSocket(via, targetOf(c), c, next, upgradeWebSocket, asked);
    }
    // What a middleware has read is taken from where Hono keeps it.
    const raw = c.req.raw.bodyUsed ? await cloneRawRequest(c.req) : c.req.raw;
    return await forward(via, targetOf(c), raw, {
      stripPrefix,
      headers: headers && flatHeaders(requestHeaders(c, headers, raw)),
      timeoutMs,
      backend,
    });
  };
}

/** The path a service sees. */
function pathOf(c: Context, stripPrefix: string): string {
  const { pathname, search } = new URL(c.req.url);
  return stripped(pathname, stripPrefix) + search;
}

function requestHeaders(c: Context, rules: AetherProxyOptions["headers"], raw: Request = c.req.raw): Headers {
  const headers = new Headers(raw.headers);
  for (const [name, value] of Object.entries((typeof rules === "function" ? rules(c) : rules) ?? {})) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return headers;
}

/** Variables of the context that {@link aether} sets. */
export interface AetherVariables<Client> {
  /** The client, as `c.var.aether`. */
  aether: Client;
}

/**
 * Puts a client into the context, typed: `c.var.aether`.
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { AgentClient } from "@aether-edge/sdk";
 * import { aether } from "@aether-edge/sdk/hono";
 * const client = new AgentClient({ address: "ws://127.0.0.1:8787", workspace: "prod", implementation: "web", specifier: "1" });
 * const app = new Hono().use(aether({ client })).get("/", (c) => c.text(c.var.aether.topic));
 * if (await (await app.request("/")).text() !== "ag::prod::web::1") throw new Error("not that");
 * ```
 */
export function aether<Client>(options: { client: Client }): MiddlewareHandler<{ Variables: AetherVariables<Client> }> {
  if (!options?.client) throw new InvalidArgumentError("Cannot set up aether() without a client", "client");
  return async (c, next) => {
    c.set("aether", options.client);
    await next();
  };
}
