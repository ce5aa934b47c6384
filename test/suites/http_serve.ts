import { AetherFetchTransport, type HttpLogEntry, ProxyErrorKind, proxyHttp, serveHttp } from "../../src/proxy/mod.ts";
import { FLAG_REFUSED } from "../../src/protocol/frames.ts";
import { settle } from "../../src/testing/virtual_clock.ts";
import { equal, rejects } from "./assert.ts";
import { hand, inFabric, type Pair, pattern, piece, soon, tableOf } from "./http_kit.ts";
import { raw } from "./http_raw.ts";
import { connected, within } from "./state_kit.ts";
import type { TestFabric } from "../../src/testing/mod.ts";

const ANY = "sv::service";

/** A service whose handlers end when the test says so. */
async function held(fabric: TestFabric, options: Parameters<typeof serveHttp>[2] = {}, specifier?: string) {
  const [service] = await connected(fabric.service(specifier ? { specifier } : {}));
  const open: ((text: string) => void)[] = [];
  const http = serveHttp(
    service,
    () => new Promise((resolve) => open.push((text) => resolve(new Response(text)))),
    options,
  );
  return { service, http, open };
}

const textOf = async (answer: Promise<Response>): Promise<string> => await (await answer).text();

/** How services take requests, and which of them gets one. */
export const pairs: Pair[] = [
  inFabric("a service handles so many at once, lets so many wait in order, and refuses the rest", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const { service, http, open } = await held(fabric, { concurrency: 2, queue: 2 });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const controller = new AbortController();
    const answers = [1, 2, 3, 4].map((n) => fetch(`/${n}`, n === 3 ? { signal: controller.signal } : {}));
    const refused = await rejects(fetch("/5"), "ProxyHttpError");
    equal([refused.kind, refused.retryAfterMs], [ProxyErrorKind.SidecarUnavailable, 1000]);
    equal([http.inFlight, open.length], [4, 2]);
    // One that waits and is given up leaves its place to another.
    controller.abort();
    await rejects(answers[2], "AbortError");
    await fabric.advance(1);
    equal(http.inFlight, 3);
    open[0]("first");
    equal(await textOf(answers[0]), "first");
    open[1]("second");
    open[2]("fourth");
    equal([await textOf(answers[1]), await textOf(answers[3]), http.inFlight], ["second", "fourth", 0]);
  }),
  inFabric("every request that is over is told of once", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const log: HttpLogEntry[] = [];
    service.onError(() => {});
    serveHttp(service, (request) => {
      if (request.url.endsWith("/bad")) throw new Error("no");
      return new Response("x", { status: 201 });
    }, { onRequest: (entry) => void log.push(entry) });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    await (await fetch("/good?q")).text();
    await (await fetch("/bad", { method: "POST", body: "x" })).text();
    equal(log.map(({ method, path, status, caller }) => [method, path, status, caller]), [
      ["GET", "/good?q", 201, agent.topic],
      ["POST", "/bad", 500, agent.topic],
    ]);
  }),
  inFabric("a service that closes finishes what it has, takes nothing new, and can serve again", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const { service, http, open } = await held(fabric);
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const answer = fetch("/");
    await fabric.advance(1);
    let isClosed = false;
    const closing = http.close().then(() => isClosed = true);
    equal(await rejects(fetch("/"), "ProxyHttpError").then(({ kind }) => kind), ProxyErrorKind.SidecarUnavailable);
    equal(isClosed, false);
    open[0]("finished");
    equal(await textOf(answer), "finished");
    await soon(closing, "the end of the drain");
    await rejects(fetch("/"), "ProxyHttpError");
    serveHttp(service, () => new Response("again"));
    // That it serves again has to arrive before a request by another wire does.
    await fabric.advance(1);
    equal(await textOf(fetch("/")), "again");
    equal(service.connected, true);
  }),
  inFabric("what is left after the grace is aborted", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const { service, http } = await held(fabric, { concurrency: 1 });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const answers = [fetch("/"), fetch("/")];
    for (const answer of answers) answer.catch(() => {});
    await fabric.advance(1);
    const closing = http.close({ graceMs: 100 });
    for (const answer of answers) {
      await rejects(within(fabric, answer, 200), "ProxyHttpError");
    }
    service.onError(() => {});
    // Handlers that ignore their signal are not waited for.
    await soon(closing, "the end of the drain");
    await rejects(fetch("/"), "ProxyHttpError");
  }),
  inFabric("a client serves once at a time", async (fabric) => {
    const [service] = await connected(fabric.service());
    const http = serveHttp(service, () => new Response("x"));
    let thrown: unknown;
    try {
      serveHttp(service, () => new Response("y"));
    } catch (error) {
      thrown = error;
    }
    equal((thrown as Error).name, "InvalidArgumentError");
    await http.close();
    serveHttp(service, () => new Response("y"));
  }),
  inFabric("methods and paths that a service does not name never reach it", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const seen: string[] = [];
    const rules = { methods: ["GET", "POST"], paths: ["/exact", "/open/*"] };
    serveHttp(service, (request) => (seen.push(new URL(request.url).pathname), new Response("ok")), rules);
    const ask = async (method: string, path: string): Promise<number | string> => {
      const answer = proxyHttp(agent, service.topic, method, path).then(({ status }) => status);
      return await answer.catch((error) => ProxyErrorKind[error.kind]);
    };
    for (const path of ["/exact", "/exact?q", "/open", "/open/", "/open/a/b", "/closed/../open/a", "/%6fpen/a"]) {
      equal(await ask("GET", path), 200, path);
    }
    const closed = [
      "/",
      "/exact/",
      "/exact/a",
      "/opener",
      "/Open/a",
      "//open/a",
      "/open/../closed",
      "/open/%2e%2e/closed",
    ];
    for (const path of closed) equal(await ask("GET", path), "AclDenied", path);
    for (const method of ["PUT", "DELETE", "HEAD", "OPTIONS"]) equal(await ask(method, "/exact"), "AclDenied", method);
    equal(seen.length, 7);
    // Rules stay with a session that comes back, and are told to a new one.
    fabric.faults.cut(service);
    await fabric.advance("5s");
    equal(await ask("GET", "/closed"), "AclDenied");
    await fabric.faults.restartGateway();
    await fabric.advance("30s");
    equal([await ask("GET", "/closed"), await ask("GET", "/exact")], ["AclDenied", 200]);
  }),
  inFabric("any instance: who has least in flight, and in turn where that is the same", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const instances = [await held(fabric, {}, "1"), await held(fabric, {}, "2"), await held(fabric, {}, "3")];
    const { fetch } = new AetherFetchTransport(agent, ANY);
    const load = (): number[] => instances.map(({ http }) => http.inFlight);
    const answers: Promise<Response>[] = [];
    const ask = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) answers.push(fetch("/"));
      await fabric.advance(1);
    };
    await ask(6);
    equal(load(), [2, 2, 2]);
    for (const finish of instances[1].open.splice(0)) finish("done");
    for (let n = 0; n < 50 && instances[1].http.inFlight > 0; n++) await settle();
    await fabric.advance(1);
    await ask(3);
    equal([...load()].sort(), [2, 2, 2].map((n, at) => n + (at === 2 ? 1 : 0)), "least in flight first");
    for (const { open } of instances) for (const finish of open.splice(0)) finish("done");
    await Promise.all(answers.map(textOf));
    for (let n = 0; n < 50 && load().some((count) => count > 0); n++) await settle();
    await fabric.advance(1);
    // One after the other: nobody has anything in flight, so it is a matter of turns.
    const given = [0, 0, 0];
    for (let n = 0; n < 9; n++) {
      const answer = fetch("/");
      await fabric.advance(1);
      const at = instances.findIndex(({ open }) => open.length > 0);
      given[at]++;
      instances[at].open.pop()!("done");
      await textOf(answer);
      for (let n = 0; n < 50 && instances[at].http.inFlight > 0; n++) await settle();
      await fabric.advance(1);
    }
    equal(given, [3, 3, 3]);
  }),
  inFabric("any instance: those that drain, are gone, or do not take it are passed over", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const [one, two, three] = await connected(...["1", "2", "3"].map((specifier) => fabric.service({ specifier })));
    const served = [one, two, three].map((service, at) =>
      serveHttp(service, () => new Response(String(at)), at === 2 ? { paths: ["/only/*"] } : {})
    );
    // What one connection says and another one asks may arrive in either order.
    await fabric.advance(1);
    const { fetch } = new AetherFetchTransport(agent, ANY);
    const asked = async (path: string): Promise<string> => {
      const heard = new Set<string>();
      for (let n = 0; n < 6; n++) heard.add(await textOf(fetch(path)));
      return [...heard].sort().join();
    };
    equal([await asked("/"), await asked("/only/a")], ["0,1", "0,1,2"]);
    await served[0].close();
    await fabric.advance(1);
    equal(await asked("/"), "1");
    await two.disconnect();
    await fabric.advance(1);
    const error = await rejects(fetch("/"), "ProxyHttpError");
    equal([ProxyErrorKind.AclDenied, ProxyErrorKind.SidecarUnavailable].includes(error.kind as number), true);
    equal(await asked("/only/b"), "2");
    await three.disconnect();
    await one.disconnect();
    await fabric.advance(1);
    equal((await rejects(fetch("/"), "ProxyHttpError")).kind, ProxyErrorKind.DialFailed);
  }),
  inFabric("any instance: one that dies hands an idempotent request on, of which nothing was sent", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    for (
      const [method, isRetried] of [["GET", true], ["HEAD", true], ["PUT", true], ["POST", false], [
        "PATCH",
        false,
      ]] as const
    ) {
      const first = await held(fabric);
      const answer = new AetherFetchTransport(agent, ANY).fetch("/", { method });
      await fabric.advance(1);
      equal(first.http.inFlight, 1);
      const [second] = await connected(fabric.service());
      serveHttp(second, () => new Response("second"));
      await fabric.advance(1);
      fabric.faults.cut(first.service);
      if (isRetried) equal((await soon(answer, method)).status, 200, method);
      else equal((await rejects(soon(answer, method), "ProxyHttpError")).retryable, true, method);
      await Promise.all([first.service.disconnect(), second.disconnect()]);
    }
  }),
  inFabric("any instance: with a byte sent or a head given nothing is asked again", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const [first] = await connected(fabric.service());
    const download = hand();
    serveHttp(
      first,
      (request) => request.method === "PUT" ? new Promise<never>(() => {}) : new Response(download.stream),
    );
    let asked = 0;
    const { fetch } = new AetherFetchTransport(agent, ANY);
    const put = fetch("/", { method: "PUT", body: "a byte" });
    const reader = (await fetch("/")).body!.getReader();
    download.give("one");
    equal(await piece(reader), "one");
    const [second] = await connected(fabric.service());
    serveHttp(second, () => new Response(String(++asked)));
    await fabric.advance(1);
    fabric.faults.cut(first);
    await rejects(put, "ProxyHttpError");
    equal((await rejects(reader.read(), "ProxyHttpError")).kind, ProxyErrorKind.UpstreamReset);
    equal(asked, 0);
  }),
  inFabric("any instance: one that refuses hands on, with the caller's whole window", async (fabric) => {
    const [agent] = await connected(fabric.agent());
    const refusing = await raw(fabric.gateway, { type: "service", implementation: "service", specifier: "r" });
    const answer = new AetherFetchTransport(agent, ANY).fetch("/", { method: "GET" });
    const { stream } = await refusing.next("open");
    const [second] = await connected(fabric.service());
    serveHttp(second, () => new Response("second"));
    await fabric.advance(1);
    refusing.reset(stream, { name: "ConnectionError", code: "UNAVAILABLE", message: "no" }, FLAG_REFUSED);
    equal(await textOf(answer), "second");
    // One that has given credit has taken it: the caller may send more than another one has room for.
    await second.disconnect();
    await fabric.advance(1);
    const upload = hand();
    const put = new AetherFetchTransport(agent, ANY).fetch("/", { method: "PUT", body: upload.stream });
    const open = await refusing.next("open");
    refusing.credit(open.stream, 1024 * 1024);
    await fabric.advance(1);
    const [third] = await connected(fabric.service());
    serveHttp(third, async (request) => new Response(String((await request.arrayBuffer()).byteLength)));
    await fabric.advance(1);
    refusing.reset(open.stream, { name: "ConnectionError", code: "UNAVAILABLE", message: "no" }, FLAG_REFUSED);
    for (let n = 0; n < 10; n++) upload.give(pattern(60_000));
    upload.end();
    await put.then((response) => response.text()).catch((error) => equal(error.name, "ProxyHttpError"));
    equal(agent.connected, true);
    refusing.leave();
    await fabric.advance(1);
  }),
  inFabric("a service that calls itself and loses its connection keeps its place in the balance", async (fabric) => {
    const [service] = await connected(fabric.service({ reconnectDelay: 10, maxReconnectDelay: 10 }));
    serveHttp(service, () => new Promise<never>(() => {}));
    const answer = new AetherFetchTransport(service, service.topic).fetch("/");
    answer.catch(() => {});
    await fabric.advance(1);
    equal(tableOf(service).owed, 1);
    fabric.faults.cut(service);
    await rejects(answer, "ProxyHttpError");
    await fabric.advance("1s");
    equal(tableOf(service).owed, 0);
  }, { ownGateway: true }),
];
