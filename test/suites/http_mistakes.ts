import { Hono } from "hono";
import { ServiceClient } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { aetherProxy } from "../../src/proxy/hono.ts";
import { AetherFetchTransport, ProxyErrorKind, proxyHttp, serveHttp } from "../../src/proxy/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { equal, rejects } from "./assert.ts";
import { alone, inFabric, type Pair } from "./http_kit.ts";
import { raw } from "./http_raw.ts";
import { connected } from "./state_kit.ts";

const HIDDEN = ["/a%2f..%2fb", "/a%00", "/a%0d%0ab", "/%c0%ae%c0%ae/a"];
const BIG = "x".repeat(70_000);

/** What is the caller's fault is told as such, and not as the service's. */
export const pairs: Pair[] = [
  inFabric("a request that is none rejects as what it is: an argument, not an answer", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    let handled = 0;
    serveHttp(service, () => (handled++, new Response("ok")));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    for (const path of HIDDEN) {
      const error = await rejects(fetch(path), "InvalidArgumentError");
      equal([error.code, error.argument, error.retryable], ["INVALID_ARGUMENT", "path", false], path);
      await rejects(proxyHttp(agent, service.topic, "GET", path), "InvalidArgumentError");
    }
    await rejects(new AetherFetchTransport(agent, "billing").fetch("/"), "InvalidArgumentError");
    for (const answer of [fetch("/", { headers: { big: BIG } }), fetch(`/${BIG}`)]) {
      const error = await rejects(answer, "ProxyHttpError");
      equal([error.kind, error.code, error.retryable], [ProxyErrorKind.PayloadTooLarge, "RESOURCE_EXHAUSTED", false]);
    }
    equal(handled, 0);
  }),
  // Every path was decoded as UTF-8 in full, and what `fetch` sends elsewhere was refused with it.
  inFabric("a path with a percent sign of its own, or in another encoding, arrives as it is", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, ({ url }) => new Response(url.slice(url.indexOf("/", 8))));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    for (const path of ["/100%", "/%e4?q=%zz", "/%zz", "/a%2Fb"]) equal(await (await fetch(path)).text(), path);
  }),
  inFabric("an answer that is none is the service's fault", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const target = await raw(fabric.gateway, { type: "service", implementation: "s", specifier: "1" });
    const answer = new AetherFetchTransport(agent, "sv::s").fetch("/");
    target.head((await target.next("open")).stream, { status: 7, headers: [] });
    equal((await rejects(answer, "ProxyHttpError")).kind, ProxyErrorKind.DecodeFailed);
    target.leave();
    await fabric.advance(1);
  }),
  alone({
    name: "http: a proxy answers what is wrong with a request by 400, 414 and 431, and for a wrong target by 502",
    async run() {
      const ingress = { services: ["web"], workspace: "p" };
      await using gateway = await createGateway({ store: memoryStore(), auth: allowAll(), ingress });
      await using service = new ServiceClient({ dial: gateway.dial(), implementation: "web", specifier: "1" });
      await service.connect();
      service.onError(() => {});
      serveHttp(service, ({ url }) => new Response("ok", url.endsWith("/big-answer") ? { headers: { big: BIG } } : {}));
      const app = new Hono()
        .all("/web/*", aetherProxy({ gateway, target: "sv::web", stripPrefix: "/web" }))
        .all("/wrong/*", aetherProxy({ gateway, target: "web", stripPrefix: "/wrong" }));
      const places: [string, (request: Request) => Response | Promise<Response>][] = [
        ["/s/web", (request) => gateway.fetch(request)],
        ["/web", (request) => app.fetch(request)],
      ];
      for (const [prefix, ask] of places) {
        const status = async (path: string, headers: Record<string, string> = {}): Promise<unknown> => {
          const response = await ask(new Request(`http://h${prefix}${path}`, { headers }));
          const text = await response.text();
          return response.ok ? text : [response.status, JSON.parse(text).title];
        };
        for (const path of HIDDEN) equal(await status(path), [400, "Bad Request"], prefix + path);
        equal(await status("/", { big: BIG }), [431, "Request Header Fields Too Large"], prefix);
        equal(await status(`/${BIG}`), [414, "URI Too Long"], prefix);
        for (const path of ["/100%", "/%e4", "/%zz"]) equal(await status(path), "ok", prefix + path);
        equal(await status("/big-answer"), [502, "Bad Gateway"], prefix);
      }
      equal((await app.request("/wrong/x")).status, 502);
    },
  }),
];
