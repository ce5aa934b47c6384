/** What the types of HTTP over the connection promise: nothing of it runs, `deno check` is the test. */
import { Hono } from "hono";
import { hc } from "hono/client";
import type { AgentClient, ServiceClient } from "../../mod.ts";
import { aether, aetherProxy } from "../../src/proxy/hono.ts";
import {
  AetherFetchTransport,
  type HttpContext,
  type HttpService,
  type Packet,
  proxyHttp,
  serveHttp,
  serveTunnels,
  type SocketClose,
  tunnelDial,
} from "../../src/proxy/mod.ts";

/** True only when both are the same, and neither is any. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function same<_Holds extends true>(): void {}

declare const agent: AgentClient;
declare const service: ServiceClient;
declare const bytes: AsyncIterable<Uint8Array>;

// It passes where the platform's fetch is asked for, and takes more kinds of body besides.
const { fetch } = new AetherFetchTransport(agent, "sv::billing", {
  timeoutMs: 1,
  headers: { a: "b" },
  backend: "blue",
});
const asked: (input: string | URL | Request, init?: RequestInit) => Promise<Response> = fetch;
new AetherFetchTransport(agent, "sv::billing", 1000, "blue");
fetch("/", { method: "POST", body: bytes, signal: new AbortController().signal });
asked("/", { body: new FormData(), redirect: "manual", duplex: "half" } as RequestInit);
fetch("/", { timeoutMs: 500 });
// @ts-expect-error no kind of body
fetch("/", { body: 7 });
// @ts-expect-error who has no connection cannot carry HTTP
new AetherFetchTransport({}, "sv::billing");

same<Same<Awaited<ReturnType<typeof proxyHttp>>, Response>>();
proxyHttp(agent, "sv::billing", "GET", "/", { followRedirects: true, streamResponse: true, maxResponseBodyBytes: 1 });
// @ts-expect-error an option that is none
proxyHttp(agent, "sv::billing", "GET", "/", { follow: true });

// Any handler of requests is one, an app's among them.
const http = serveHttp(service, (request, context) => {
  same<Same<typeof request, Request>>();
  same<Same<typeof context, HttpContext>>();
  same<Same<typeof context.caller.userId, string | undefined>>();
  return new Response(context.caller.topic);
}, { methods: ["GET"], paths: ["/a/*"], concurrency: 1, queue: 1, maxRequestBodyBytes: 1 });
same<Same<typeof http, HttpService>>();
serveHttp(service, new Hono().fetch);
// @ts-expect-error no answer
serveHttp(service, () => "text");

const tunnel = await tunnelDial(agent, "sv::db", "tcp", { remoteHint: "db:5432", idleTimeoutMs: 1 });
same<Same<typeof tunnel.readable, ReadableStream<Packet>>>();
same<Same<typeof tunnel.closed, Promise<void>>>();
same<Same<typeof tunnel.protocol, string | undefined>>();
same<Same<typeof tunnel.farClose, SocketClose | undefined>>();
tunnel.ownClose = { code: 4001, reason: "session expired" };
// @ts-expect-error no protocol of tunnels
tunnelDial(agent, "sv::db", "sctp");
serveTunnels(service, ({ readable, writable, protocol }) => {
  same<Same<typeof protocol, "tcp" | "udp" | "websocket">>();
  return readable.pipeTo(writable);
});

// The client in the context has its own type, and routes keep theirs.
const app = new Hono()
  .use(aether({ client: agent }))
  .get("/topic", (c) => {
    same<Same<typeof c.var.aether, AgentClient>>();
    return c.json({ topic: c.var.aether.topic });
  })
  .all("/billing/*", aetherProxy({ client: agent, target: (c) => `sv::${c.req.param()}`, stripPrefix: "/billing" }));
const api = hc<typeof app>("http://app", { fetch });
const answer = await (await api.topic.$get()).json();
same<Same<typeof answer, { topic: string }>>();
