import { Hono } from "hono";
import { ServiceClient, withAPIKey } from "../../mod.ts";
import { allowAll, type Authenticator, createGateway, type Gateway, tokenAuth } from "../../src/gateway/mod.ts";
import { aetherProxy } from "../../src/proxy/hono.ts";
import { AetherFetchTransport, serveHttp } from "../../src/proxy/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { headersAreGuarded } from "./http_kit.ts";

const told = (request: Request): Response => {
  const { pathname, search } = new URL(request.url);
  const headers = [...request.headers].filter(([name]) => /^x-|^auth/.test(name));
  return Response.json({ path: pathname + search, ...Object.fromEntries(headers) });
};

interface World {
  gateway: Gateway;
  service: ServiceClient;
  /** What a service saw of a request that came in by the gateway's address. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

function run(name: string, auth: Authenticator, body: (world: World) => Promise<void>, skip?: Case["skip"]): Case {
  return {
    name: `http: ${name}`,
    skip,
    async run() {
      const ingress = { services: ["web"], workspace: "front" };
      const gateway = await createGateway({ store: memoryStore(), auth, ingress });
      const credentials = withAPIKey("opens-all");
      const service = new ServiceClient({ dial: gateway.dial(), credentials, implementation: "web", specifier: "1" });
      await service.connect();
      try {
        await body({
          gateway,
          service,
          ask: async (path, init) => await gateway.fetch(new Request(`http://gateway${path}`, init)),
        });
      } finally {
        await service.disconnect();
        await gateway.close();
      }
    },
  };
}

const keys = tokenAuth({
  keys: [
    { key: "opens-all" },
    { key: "opens-back", workspaces: ["back"] },
    { key: "agents-only", principalTypes: ["agent"] },
  ],
});

/** Services at a gateway's own address, and those its program calls. */
export const cases: Case[] = [
  run(
    "a service that is shown is at /s/ of the gateway's address, no other is",
    allowAll(),
    async ({ service, ask }) => {
      serveHttp(service, told);
      equal(await (await ask("/s/web/a/b?c=1")).json(), {
        path: "/a/b?c=1",
        "x-aether-caller": "us::ingress::http",
        "x-aether-caller-type": "user",
        "x-aether-user": "ingress",
        "x-aether-via": "sv::web::1",
        "x-aether-workspace": "front",
        "x-forwarded-prefix": "/s/web",
      });
      equal((await (await ask("/s/web/")).json()).path, "/");
      const { status, headers } = await ask("/s/web?x=1");
      equal([status, headers.get("location")], [308, "/s/web/?x=1"]);
      // A name that is written with more percent signs than it needs was left on the path.
      for (const path of ["/s/w%65b/a%20b?c=%41", "/s/%77%65%62/a%20b?c=%41"]) {
        const seen = await (await ask(path)).json();
        equal([seen.path, seen["x-forwarded-prefix"]], ["/a%20b?c=%41", "/s/web"], path);
      }
      equal((await (await ask("/%73/web/a")).json()).path, "/a");
      equal((await ask("/s/w%65b?x=1")).headers.get("location"), "/s/web/?x=1");
      for (const path of ["/s/w%2565b/a", "/s/web%2Fa/b", "/s/web%2F", "/s/w%zzb/"]) {
        equal((await ask(path)).status, 404, path);
      }
      for (const path of ["/s/other/a", "/s/web2/a", "/s/", "/s"]) equal((await ask(path)).status, 404, path);
      equal((await ask("/healthz")).status, 200);
    },
  ),
  run("whoever comes by the gateway's address says who it is not", allowAll(), async ({ service, ask }) => {
    serveHttp(service, told);
    const headers = { "x-aether-caller": "ag::prod::root::1", "x-forwarded-prefix": "/evil", "x-own": "1" };
    const seen = await (await ask("/s/web/", { headers })).json();
    equal([seen["x-aether-caller"], seen["x-forwarded-prefix"], seen["x-own"]], ["us::ingress::http", "/s/web", "1"]);
  }, headersAreGuarded),
  run("the gateway's keys open its address, and are not passed on", keys, async ({ service, ask }) => {
    serveHttp(service, told);
    const none = await ask("/s/web/a");
    equal([none.status, none.headers.get("www-authenticate")], [401, "Bearer"]);
    equal((await ask("/s/web/a", { headers: { authorization: "Bearer wrong" } })).status, 401);
    for (const key of ["opens-back", "agents-only"]) {
      const { status, headers } = await ask("/s/web/a", { headers: { "x-api-key": key } });
      equal([status, headers.get("content-type")], [403, "application/problem+json"], key);
    }
    for (
      const headers of <Record<string, string>[]> [{ authorization: "Bearer opens-all" }, { "x-api-key": "opens-all" }]
    ) {
      const seen = await (await ask("/s/web/a", { headers })).json();
      equal([seen.path, seen.authorization, seen["x-api-key"]], ["/a", undefined, undefined]);
    }
    // A service that is not shown is not even asked for a key.
    equal((await ask("/s/other/a")).status, 404);
  }, headersAreGuarded),
  run(
    "bodies stream through the gateway's address, more requests at once than one end takes",
    allowAll(),
    async ({ service, ask }) => {
      serveHttp(service, async (request) => new Response((await request.text()).toUpperCase()), { concurrency: 2000 });
      const texts = await Promise.all(Array.from({ length: 1000 }, async (_, n) => {
        return await (await ask("/s/web/", { method: "POST", body: `n${n}` })).text();
      }));
      equal(texts.findIndex((text, n) => text !== `N${n}`), -1);
    },
  ),
  run(
    "a service that is not there is a problem with 503, one that is lost in the middle ends the body",
    allowAll(),
    async ({ service, ask }) => {
      const away = await ask("/s/web/");
      equal([away.status, (await away.json()).status], [503, 503], "nobody serves");
      serveHttp(service, () => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(10)) })));
      const response = await ask("/s/web/");
      const reader = response.body!.getReader();
      equal((await reader.read()).value?.length, 10);
      await service.disconnect();
      await rejects(reader.read(), "ProxyHttpError");
      equal((await ask("/s/web/")).status, 503);
    },
  ),
  run("a caller that leaves before its answer stops the handler", allowAll(), async ({ service, ask }) => {
    const heard = Promise.withResolvers<void>();
    serveHttp(service, (request) => {
      request.signal.addEventListener("abort", () => heard.resolve());
      return new Promise<never>(() => {});
    });
    const caller = new AbortController();
    const asked = ask("/s/web/", { signal: caller.signal });
    caller.abort();
    // Nobody reads it.
    equal((await asked).status, 500);
    await heard.promise;
  }),
  run(
    "what breaks while credentials are looked at is not shown outside",
    {
      loopbackOnly: true,
      authenticate({ identity }) {
        if (identity.type === "user") throw new Error("the secret words");
        return { allowed: true };
      },
    },
    async ({ ask }) => {
      for (const path of ["/s/web/", "/s/w%65b/"]) {
        const response = await ask(path);
        equal([response.status, await response.text()], [500, "Internal Server Error"], path);
      }
    },
  ),
  run("the program around a gateway calls services, as the gateway", allowAll(), async ({ gateway, service }) => {
    serveHttp(service, (request, { caller }) => Response.json([caller, new URL(request.url).pathname]));
    const transport = new AetherFetchTransport(gateway, "sv::web");
    equal(await (await transport.fetch("/x")).json(), [{ topic: "gateway", type: "gateway" }, "/x"]);
    const app = new Hono().all("/web/*", aetherProxy({ gateway, target: "sv::web", stripPrefix: "/web" }));
    equal(await (await app.request("/web/y")).json(), [{ topic: "gateway", type: "gateway" }, "/y"]);
  }),
  {
    name: "http: an ingress that shows nothing, or what is no name, is refused",
    async run() {
      const made = (services: string[]): Promise<Gateway> =>
        createGateway({ store: memoryStore(), auth: allowAll(), ingress: { services } });
      await rejects(made([]), "InvalidArgumentError");
      await rejects(made(["a::b"]), "InvalidArgumentError");
      await rejects(Promise.resolve().then(() => aetherProxy({ target: "sv::a" })), "InvalidArgumentError");
      const closed = await createGateway({ store: memoryStore(), auth: allowAll() });
      equal((await closed.fetch(new Request("http://gateway/s/web/"))).status, 404, "shown by default");
      await closed.close();
    },
  },
];
