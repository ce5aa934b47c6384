import { AetherFetchTransport, type HttpContext, ProxyErrorKind, serveHttp } from "../../src/proxy/mod.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import { equal, rejects } from "./assert.ts";
import { inFabric, type Pair } from "./http_kit.ts";
import { raw } from "./http_raw.ts";
import { connected } from "./state_kit.ts";

const OK = { status: 200, headers: [] };

/** Who calls, who may, and what of a request's headers passes. */
export const pairs: Pair[] = [
  inFabric("a service is told who calls by the gateway, whatever the caller says", async (fabric) => {
    const [service, other] = await connected(fabric.service({ specifier: "s" }), fabric.service({ specifier: "o" }));
    const callers = await connected<AetherClient[]>(
      fabric.agent({ specifier: "a" }),
      fabric.user({ userId: "ada", windowId: "w" }),
      fabric.task({ uniqueSpecifier: "t" }),
      other,
      fabric.workflowEngine(),
      fabric.bridge({ specifier: "b" }),
    );
    const seen: Record<string, unknown>[] = [];
    serveHttp(service, (request: Request, { caller }: HttpContext) => {
      const names = [...request.headers.keys()].filter((name) => /^x.(aether|auth)./.test(name));
      seen.push({ ...caller, headers: names.map((name) => `${name}: ${request.headers.get(name)}`) });
      return new Response("ok");
    });
    const spoofed = {
      "x-aether-caller": "sv::root::1",
      "X-Aether-User": "root",
      "x-aether-caller-type": "gateway",
      "x-aether-workspace": "secret",
      "x-aether-anything": "1",
      "X-Auth-User": "root",
      "x-auth-groups": "admin",
      // Servers that hand headers on as variables take these for the same.
      x_aether_caller: "root",
      "x-aether_user": "root",
      x_auth_user: "root",
    };
    for (const client of callers) {
      await (await new AetherFetchTransport(client, service.topic).fetch("/", { headers: spoofed })).text();
    }
    equal(seen.map(({ topic, type, workspace, userId }) => [topic, type, workspace, userId]), [
      ["ag::test::agent::a", "agent", "test", undefined],
      [callers[1].topic, "user", "test", "ada"],
      [callers[2].topic, "unique_task", "test", undefined],
      ["sv::service::o", "service", undefined, undefined],
      [callers[4].topic, "workflow_engine", undefined, undefined],
      [callers[5].topic, "bridge", undefined, undefined],
    ]);
    equal(seen[1].headers, [
      `x-aether-caller: ${callers[1].topic}`,
      "x-aether-caller-type: user",
      "x-aether-user: ada",
      "x-aether-via: sv::service::s",
      "x-aether-workspace: test",
    ]);
    const strangers = seen.filter(({ headers }) => /root|secret|admin|anything/.test(JSON.stringify(headers)));
    equal(strangers, []);
  }),
  inFabric(
    "who may call whom is the permission matrix: not from no workspace, not into another, not to a crowd",
    async (fabric) => {
      const [agent, there, user, lost, bridge, service] = await connected<AetherClient[]>(
        fabric.agent({ specifier: "a" }),
        fabric.agent({ specifier: "b", workspace: "there" }),
        fabric.user({ userId: "ada" }),
        fabric.user({ userId: "bob", workspace: undefined }),
        fabric.metricsBridge(),
        fabric.service(),
      );
      for (const client of [agent, there, service]) serveHttp(client, () => new Response("ok"));
      const ask = async (client: AetherClient, target: string): Promise<number | string> => {
        const answer = new AetherFetchTransport(client, target).fetch("/").then(({ status }) => status);
        return await answer.catch((error) => ProxyErrorKind[error.kind] ?? error.code);
      };
      equal(await ask(user, service.topic), 200);
      equal(await ask(user, agent.topic), 200);
      equal(await ask(service, there.topic), 200, "a service is of no workspace");
      equal(await ask(agent, there.topic), "AclDenied");
      equal(await ask(there, agent.topic), "AclDenied");
      equal(await ask(lost, service.topic), "AclDenied");
      equal(await ask(lost, agent.topic), "AclDenied");
      equal(await ask(bridge, service.topic), "AclDenied");
      for (const target of ["ga::test", "tb::test::pool", "gu::test", "event::x", "pg::test"]) {
        equal(["AclDenied", "INVALID_ARGUMENT"].includes(String(await ask(agent, target))), true, target);
      }
      equal(await ask(agent, "sv::nobody"), "DialFailed");
      equal(await ask(agent, "sv::nobody::1"), "DialFailed");
      equal(await ask(agent, "nonsense"), "INVALID_ARGUMENT");
      // Connected, but not serving.
      equal(await ask(agent, user.topic), "DialFailed");
    },
  ),
  inFabric("any principal that has a topic of its own may serve, with all that a service has", async (fabric) => {
    const [asking, agent, task, user, service] = await connected<AetherClient[]>(
      fabric.agent(),
      fabric.agent(),
      fabric.task(),
      fabric.user(),
      fabric.service(),
    );
    for (const client of [agent, task, user, service]) {
      const seen: unknown[] = [];
      const http = serveHttp(client, async (request, { caller }) => {
        seen.push([caller.topic, caller.type]);
        return new Response(`${request.method} ${await request.text()}`, { status: 201 });
      }, { methods: ["POST"], paths: ["/open/*"], concurrency: 1 });
      const { fetch } = new AetherFetchTransport(asking, client.topic);
      const answers = [1, 2, 3].map((n) => fetch("/open/x", { method: "POST", body: String(n) }));
      const texts = await Promise.all(answers.map(async (answer) => await (await answer).text()));
      equal(texts, ["POST 1", "POST 2", "POST 3"], client.topic);
      equal(seen, Array(3).fill([asking.topic, "agent"]), client.topic);
      equal((await rejects(fetch("/shut", { method: "POST" }), "ProxyHttpError")).kind, ProxyErrorKind.AclDenied);
      await http.close();
      await rejects(fetch("/open/x", { method: "POST" }), "ProxyHttpError");
    }
  }),
  inFabric("headers of one hop stay on it, with those that Connection names, both ways", async (fabric) => {
    const [caller, target] = [
      await raw(fabric.gateway),
      await raw(fabric.gateway, { type: "service", implementation: "s", specifier: "1" }),
    ];
    const hop = [
      "Connection",
      "X-One, close",
      "connection",
      "x-two",
      "x-one",
      "1",
      "X-Two",
      "2",
      "keep-alive",
      "5",
      "TE",
      "x",
    ];
    hop.push("transfer-encoding", "chunked", "upgrade", "h2c", "proxy-authorization", "secret", "Host", "evil");
    hop.push("proxy-connection", "x", "proxy-authenticate", "x", "Expect", "100-continue");
    caller.open(1, "sv::s::1", {
      method: "GET",
      path: "/",
      headers: [...hop, "x-kept", "1", "X-Kept", "2", "trailer", "t"],
    });
    const { stream, body } = await target.next("open");
    const passed = (body.head.headers as string[]).filter((_, at) =>
      at % 2 === 0 && !/^x-aether/.test(body.head.headers[at])
    );
    equal(passed, ["x-kept", "x-kept", "trailer"]);
    target.head(stream, OK, true);
    await caller.next("head");
    // The way back is the libraries' to clean: a gateway does not read answers.
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(
      service,
      () => new Response("x", { headers: { connection: "x-one", "x-one": "1", "keep-alive": "5", "x-kept": "1" } }),
    );
    const response = await new AetherFetchTransport(agent, service.topic).fetch("/");
    const implied = ["content-length", "content-type"];
    equal([...response.headers.keys()].filter((name) => !implied.includes(name)), ["x-kept"]);
    const own = new AetherFetchTransport(agent, "sv::s::1").fetch("/");
    const opened = await target.next("open");
    target.head(opened.stream, {
      status: 200,
      headers: ["Connection", "x-one", "x-one", "1", "te", "x", "x-kept", "1"],
    }, true);
    equal([...(await own).headers.keys()], ["x-kept"]);
    caller.leave();
    target.leave();
  }),
  inFabric("a request passes so many services at most, and none twice", async (fabric) => {
    const services = await connected(
      ...["1", "2", "3"].map((specifier) => fabric.service({ implementation: `s${specifier}`, specifier })),
    );
    const [agent] = await connected(fabric.agent());
    // Each asks the next and hands its answer on, in a ring.
    services.forEach((service, at) =>
      serveHttp(service, async (request) => {
        const next = services[(at + 1) % services.length];
        try {
          return await new AetherFetchTransport(service, next.topic).fetch(request);
        } catch (error) {
          return new Response((error as Error).message, { status: 508 });
        }
      })
    );
    const response = await new AetherFetchTransport(agent, services[0].topic).fetch("/");
    const text = await response.text();
    equal([response.status, /came from there/.test(text)], [508, true], text);
    const { fetch } = new AetherFetchTransport(services[1], services[0].topic);
    const via = (count: number): HeadersInit => ({
      "x-aether-via": Array.from({ length: count }, (_, n) => `sv::x::${n}`).join(", "),
    });
    const error = await rejects(fetch("/", { headers: via(8) }), "ProxyHttpError");
    equal([error.kind, /8 services/.test(error.message)], [ProxyErrorKind.AclDenied, true]);
    // A refusal after the choice leaves nothing behind at who was chosen.
    for (let n = 0; n < 3; n++) {
      await rejects(fetch("/", { headers: { "x-aether-via": services[0].topic } }), "ProxyHttpError");
    }
  }),
];
