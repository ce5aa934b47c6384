import { Hono } from "hono";
import { hc } from "hono/client";
import { proxy } from "hono/proxy";
import { testClient } from "hono/testing";
import { validator } from "hono/validator";
import type { AgentClient } from "../../mod.ts";
import { aether, aetherProxy } from "../../src/proxy/hono.ts";
import { AetherFetchTransport, serveHttp } from "../../src/proxy/mod.ts";
import { equal } from "./assert.ts";
import { hand, headersAreGuarded, inFabric, type Pair, piece, soon } from "./http_kit.ts";
import { connected, within } from "./state_kit.ts";

/** Hono in front of a service, as a service, and as its client. */
export const pairs: Pair[] = [
  inFabric("aetherProxy forwards method, path, query, headers and body, and hands the answer out", async (fabric) => {
    const [client, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, async (request) => {
      const { pathname, search } = new URL(request.url);
      const told = [request.method, pathname + search, request.headers.get("x-a"), await request.text()];
      return Response.json(told, { status: 207, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
    });
    const app = new Hono()
      .all("/billing/*", aetherProxy({ client, target: service.topic, stripPrefix: "/billing" }))
      .all("/whole/*", aetherProxy({ client, target: (c) => `sv::${c.req.header("x-service") ?? "service"}` }));
    const ask = async (path: string, init?: RequestInit): Promise<unknown> =>
      await (await app.request(path, init)).json();
    equal(await ask("/billing/invoices?x=1", { headers: { "x-a": "1" } }), ["GET", "/invoices?x=1", "1", ""]);
    equal(await ask("/billing/", { method: "POST", body: "text" }), ["POST", "/", null, "text"]);
    equal(await ask("/billing", { method: "PUT", body: "x" }), ["PUT", "/", null, "x"]);
    equal(await ask("/billing//evil.example/a"), ["GET", "/evil.example/a", null, ""]);
    equal(await ask("/whole/a"), ["GET", "/whole/a", null, ""]);
    const response = await app.request("/billing/a");
    equal([response.status, response.headers.getSetCookie()], [207, ["a=1", "b=2"]]);
    const head = await app.request("/billing/a", { method: "HEAD" });
    equal([head.status, await head.text()], [207, ""]);
  }, { skip: headersAreGuarded }),
  // A body that a middleware has looked at was gone: 502, "ReadableStream is locked".
  inFabric("aetherProxy forwards a body that was read before it, and says so where it cannot", async (fabric) => {
    const [client, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, async (request) => {
      const isForm = request.headers.get("content-type")?.startsWith("multipart/form-data");
      const body = isForm ? `form ${(await request.formData()).get("name")}` : await request.text();
      return new Response(`${request.method} ${body} ${request.headers.get("x-rule")}`);
    });
    const failed: string[] = [];
    const app = new Hono()
      .post("/text", async (c, next) => (await c.req.text(), await next()))
      .post("/json", async (c, next) => (await c.req.json(), await next()))
      .post("/form", async (c, next) => (await c.req.parseBody(), await next()))
      .post("/raw", async (c, next) => (await c.req.raw.text(), await next()))
      .post("/held", async (c, next) => (c.req.raw.body!.getReader(), await next()))
      .all("*", aetherProxy({ client, target: service.topic, headers: { "x-rule": "1" } }))
      .onError((error, c) => (failed.push(error.message), c.text("failed", 500)));
    const form = new FormData();
    form.append("name", "ada");
    const ask = async (path: string, body: string | FormData): Promise<unknown> => {
      const response = await app.request(path, { method: "POST", body });
      return [response.status, await response.text()];
    };
    equal(await ask("/text", "ä text"), [200, "POST ä text 1"]);
    equal(await ask("/json", '{ "a":  1 }'), [200, 'POST { "a":  1 } 1']);
    equal(await ask("/form", form), [200, "POST form ada 1"]);
    equal(await ask("/untouched", form), [200, "POST form ada 1"]);
    equal([await ask("/raw", "x"), await ask("/held", "x")], [[500, "failed"], [500, "failed"]]);
    equal([failed.length, failed.every((words) => /body/.test(words))], [2, true], failed.join());
    await fabric.advance(1);
  }, { skip: headersAreGuarded }),
  inFabric("aetherProxy sets and removes headers by rule, and drops those of the hop", async (fabric) => {
    const [client, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(
      service,
      (request) => Response.json([...request.headers.keys()].filter((name) => !/^x-aether/.test(name))),
    );
    const app = new Hono().all(
      "*",
      aetherProxy({
        client,
        target: service.topic,
        headers: (c) => ({ authorization: undefined, "x-tenant": c.req.query("tenant") }),
      }),
    );
    const headers = {
      authorization: "secret",
      cookie: "a=1",
      connection: "x-hop",
      "x-hop": "1",
      "x-auth-user": "root",
    };
    equal(await (await app.request("/?tenant=t", { headers })).json(), ["cookie", "x-tenant"]);
  }, { skip: headersAreGuarded }),
  inFabric("aetherProxy streams both ways, and an abort reaches the service", async (fabric) => {
    const [client, service] = await connected(fabric.agent(), fabric.service());
    const download = hand();
    serveHttp(service, (request) => new Response(request.body ?? download.stream));
    const app = new Hono().all("*", aetherProxy({ client, target: service.topic }));
    const upload = hand();
    const init = { method: "POST", body: upload.stream, duplex: "half" } as RequestInit;
    const echo = app.request("/", init);
    upload.give("one");
    const reader = (await soon(Promise.resolve(echo), "the head")).body!.getReader();
    equal(await piece(reader), "one");
    upload.end();
    equal(await piece(reader), undefined);
    const response = await app.request("/");
    const events = response.body!.getReader();
    download.give("event");
    equal(await piece(events), "event");
    await events.cancel();
    await soon(download.cancelled, "the handler's stream");
  }),
  inFabric("aetherProxy answers for a service that does not, with a problem", async (fabric) => {
    const [client, service] = await connected(fabric.agent(), fabric.service());
    const app = new Hono()
      .all("/nobody", aetherProxy({ client, target: "sv::nobody" }))
      .all("/late", aetherProxy({ client, target: service.topic, timeoutMs: 100 }))
      .all("/closed", aetherProxy({ client, target: service.topic }))
      .all("/dies", aetherProxy({ client, target: service.topic }));
    serveHttp(service, () => new Promise<never>(() => {}), { paths: ["/late", "/dies"] });
    const problem = async (answer: Response | Promise<Response>): Promise<unknown> => {
      const response = await within(fabric, Promise.resolve(answer), "1s");
      const { status, title, type, detail } = await response.json();
      equal([response.headers.get("content-type"), status], ["application/problem+json", response.status]);
      equal([typeof detail, type], ["string", "about:blank"]);
      return [status, title];
    };
    equal(await problem(app.request("/nobody")), [503, "Service Unavailable"]);
    equal(await problem(app.request("/late")), [504, "Gateway Timeout"]);
    equal(await problem(app.request("/closed")), [403, "Forbidden"]);
    const dying = app.request("/dies", { method: "POST" });
    await fabric.advance(1);
    fabric.faults.cut(service);
    const [status] = await problem(dying) as number[];
    equal([502, 503].includes(status), true, String(status));
  }),
  inFabric("a Hono app is a service, and knows who calls as c.env", async (fabric) => {
    const [client, service] = await connected(fabric.agent({ specifier: "a" }), fabric.service());
    const app = new Hono<{ Bindings: { caller: { topic: string } } }>()
      .get("/who", (c) => c.text(c.env.caller.topic))
      .get("/broken", () => {
        throw new Error("no");
      });
    const mute = console.error;
    console.error = () => {};
    try {
      serveHttp(service, app.fetch);
      const { fetch } = new AetherFetchTransport(client, service.topic);
      equal(await (await fetch("/who")).text(), "ag::test::agent::a");
      equal([(await fetch("/broken")).status, (await fetch("/none")).status], [500, 404]);
    } finally {
      console.error = mute;
    }
  }),
  inFabric("aether puts the client into the context, typed, also for testClient", async (fabric) => {
    const [client, service] = await connected(fabric.agent({ specifier: "a" }), fabric.service());
    serveHttp(service, () => Response.json({ total: 7 }));
    const app = new Hono().use(aether({ client })).get("/total", async (c) => {
      const typed: AgentClient = c.var.aether;
      const { total } = await (await typed.proxyHttp(service.topic, "GET", "/")).json();
      return c.json({ total: Number(total), topic: typed.topic });
    });
    equal(await (await testClient(app).total.$get()).json(), { total: 7, topic: "ag::test::agent::a" });
    equal(await (await app.request("/total")).json(), { total: 7, topic: "ag::test::agent::a" });
  }),
  inFabric("hono/proxy forwards by customFetch", async (fabric) => {
    const [client, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, async (request) => new Response(`${request.method} ${request.url} ${await request.text()}`));
    const { fetch } = new AetherFetchTransport(client, service.topic);
    const app = new Hono().all(
      "/p/*",
      (c) => proxy(`http://origin${c.req.path}`, { raw: c.req.raw, customFetch: (request) => fetch(request) }),
    );
    equal(await (await app.request("/p/a")).text(), "GET http://origin/p/a ");
    equal(await (await app.request("/p/a", { method: "POST", body: "text" })).text(), "POST http://origin/p/a text");
  }),
  inFabric("hono/client calls a service by its routes", async (fabric) => {
    const [client, service] = await connected(fabric.agent(), fabric.service());
    const app = new Hono()
      .get("/items/:id", (c) => c.json({ id: c.req.param("id"), q: c.req.query("q") ?? null }))
      .post(
        "/items",
        validator("json", (value) => value as { name: string }),
        (c) => c.json({ made: c.req.valid("json") }, 201),
      );
    serveHttp(service, app.fetch);
    const { fetch } = new AetherFetchTransport(client, service.topic);
    const api = hc<typeof app>("http://items", { fetch });
    equal(await (await api.items[":id"].$get({ param: { id: "7" } }, { headers: { "x-a": "1" } })).json(), {
      id: "7",
      q: null,
    });
    const made = await api.items.$post({ json: { name: "n" } });
    equal([made.status, await made.json()], [201, { made: { name: "n" } }]);
  }),
];
