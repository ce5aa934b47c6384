import { AetherFetchTransport, serveHttp, serveTunnels, tunnelDial } from "../../src/proxy/mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { ServiceClient } from "../../mod.ts";
import { equal, rejects } from "./assert.ts";
import {
  alone,
  bodiesAreOpaque,
  hand,
  headersAreGuarded,
  inFabric,
  type Pair,
  pattern,
  piece,
  same,
  soon,
} from "./http_kit.ts";
import { bytes, connected, within } from "./state_kit.ts";

const SECRET = "postgres://root:hunter2@db";

const failing = (): ReadableStream<Uint8Array> =>
  new ReadableStream({ pull: (controller) => controller.error(new Error(SECRET)) }, { highWaterMark: 0 });

/** Answers that are not what they should be. */
export const pairs: Pair[] = [
  // The words of a body's failure went to the caller, by the gateway's own address to everybody, and the service's own log
  // had nothing: the other way round than with a handler that throws.
  inFabric("a body that fails before the head is a bare 500, and the service's own log has why", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const reported: string[] = [];
    service.onError((error) => void reported.push(error.message));
    const seen: number[] = [];
    serveHttp(service, () => new Response(failing(), { headers: { "x-own": "1" } }), {
      onRequest: ({ status }) => void seen.push(status),
    });
    const response = await new AetherFetchTransport(agent, service.topic).fetch("/");
    const { status, headers } = response;
    equal([status, await response.text(), headers.get("x-own")], [500, "Internal Server Error\n", null]);
    equal([reported.length, reported[0]?.includes(SECRET), seen], [1, true, [500]]);
  }),
  inFabric(
    "a body that fails behind the head is reported to the service, and not told to the caller",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      const reported: string[] = [];
      service.onError((error) => void reported.push(error.message));
      const download = hand();
      serveHttp(service, () => new Response(download.stream));
      const reader = (await new AetherFetchTransport(agent, service.topic).fetch("/")).body!.getReader();
      download.give("one");
      equal(await piece(reader), "one");
      download.fail(new Error(SECRET));
      const error = await rejects(soon(reader.read(), "the failure"), "ProxyHttpError");
      equal([error.kind, error.message.includes("hunter2"), /body of the answer/.test(error.message)], [
        3,
        false,
        true,
      ]);
      equal([reported.length, reported[0]?.includes(SECRET)], [1, true]);
    },
    { skip: bodiesAreOpaque },
  ),
  inFabric("a caller that leaves within a body is nobody's failure", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const reported: unknown[] = [];
    service.onError((error) => void reported.push(error));
    const download = hand();
    serveHttp(service, () => new Response(download.stream));
    const reader = (await new AetherFetchTransport(agent, service.topic).fetch("/")).body!.getReader();
    download.give("one");
    equal(await piece(reader), "one");
    await reader.cancel();
    await soon(download.cancelled, "the source to be cancelled");
    await fabric.advance(1);
    equal(reported, []);
  }),
  alone({
    name: "http: what fails inside a service is not shown at the gateway's own address",
    async run() {
      const ingress = { services: ["web"], workspace: "p" };
      await using gateway = await createGateway({ store: memoryStore(), auth: allowAll(), ingress });
      await using service = new ServiceClient({ dial: gateway.dial(), implementation: "web", specifier: "1" });
      await service.connect();
      service.onError(() => {});
      serveHttp(service, ({ url }) => {
        if (url.endsWith("/throws")) throw new Error(SECRET);
        return new Response(failing());
      });
      for (const path of ["throws", "fails"]) {
        const response = await gateway.fetch(new Request(`http://h/s/web/${path}`));
        equal([response.status, await response.text()], [500, "Internal Server Error\n"], path);
      }
    },
  }),
  // An answer of 5 bytes that says it has 100 read as complete: a download that was cut looked like a short one.
  inFabric("an answer has as many bytes as it says, or fails", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, ({ url }) => {
      const { pathname, search } = new URL(url);
      let left = pathname === "/later" ? 1 : 0;
      const later = new ReadableStream({
        async pull(controller) {
          await fabric.advance(1);
          if (left-- > 0) controller.enqueue(bytes("hel"));
          else {
            controller.enqueue(bytes("lo"));
            controller.close();
          }
        },
      }, { highWaterMark: 0 });
      const headers: Record<string, string> = { "content-length": search.slice(1) };
      if (pathname === "/none") return new Response(null, { status: 304, headers });
      return new Response(pathname === "/later" ? later : "hello", { headers });
    });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const read = async (path: string): Promise<string> => {
      const answer = fetch(path).then(async (response) =>
        `${await response.text()} ${response.headers.get("content-length")}`
      );
      return await soon(answer.catch(({ kind, message }) => `${kind} ${/content-length is \d+$/.test(message)}`), path);
    };
    for (const path of ["/whole", "/later"]) {
      equal([await read(`${path}?5`), await read(`${path}?100`), await read(`${path}?4`)], [
        "hello 5",
        "7 true",
        "7 true",
      ]);
      for (const odd of ["abc", "5,5", "-5", "5x", ""]) equal(await read(`${path}?${odd}`), "hello null", odd);
    }
    const head = await fetch("/whole?100", { method: "HEAD" });
    equal([head.status, head.headers.get("content-length")], [200, "100"]);
    equal((await fetch("/none?100")).status, 304);
  }, { skip: headersAreGuarded }),
  // Only the platform's own promises were bounded: of a library with its own the caller's time limit was the first to end.
  inFabric("whatever a handler gives to be waited for is bounded by timeoutMs", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    service.onError(() => {});
    const later = (ms: number | undefined) => ({
      then(settle: (response: Response) => void) {
        if (ms === undefined) return;
        if (ms === 0) settle(new Response("at once"));
        else fabric.clock.timer(ms, () => settle(new Response("in time")));
      },
    });
    const given = [later(0), later(50), later(undefined), later(200)];
    serveHttp(service, () => given.shift() as unknown as Promise<Response>, { timeoutMs: 100 });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    for (const expected of ["at once", "in time", "The service took too long\n", "The service took too long\n"]) {
      equal(await (await within(fabric, fetch("/"), "1s")).text(), expected);
    }
  }),
  inFabric(
    "the platform's own Response is one, also where another class has taken its global place",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      const Native = Response;
      const Other = class extends Native {};
      const given = [() => new Native("native"), () => new Other("other"), () => Native.json("json")];
      serveHttp(service, () => given.shift()!());
      const { fetch } = new AetherFetchTransport(agent, service.topic);
      try {
        globalThis.Response = Other;
        for (const expected of ["native", "other", '"json"']) equal(await (await fetch("/")).text(), expected);
      } finally {
        globalThis.Response = Native;
      }
    },
  ),
  inFabric("what a handler returns that is no Response is reported with what would be one", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const reported: string[] = [];
    service.onError(({ message }) => void reported.push(message));
    const foreign = { status: 200, headers: new Headers(), body: null, ok: true };
    const given: unknown[] = [foreign, "text", null, undefined, {}];
    serveHttp(service, () => given.shift() as Response);
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    for (let n = 0; n < 5; n++) equal((await fetch("/")).status, 500);
    const expected = [
      /another package or realm: give .*new Response\(it\.body/,
      /string, not a/,
      /null, not a/,
      /undefined, not a/,
      /object, not a/,
    ];
    equal(expected.map((words, at) => words.test(reported[at])), expected.map(() => true), reported.join("\n"));
  }),
  inFabric(
    "a status that is no answer's is the handler's fault, where the platform lets it be made",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      const reported: string[] = [];
      service.onError(({ message }) => void reported.push(message));
      serveHttp(service, () => {
        try {
          return new Response(null, { status: 101 });
        } catch (error) {
          throw new Error("101 is not made here", { cause: error });
        }
      });
      const response = await new AetherFetchTransport(agent, service.topic).fetch("/");
      equal([response.status, /101/.test(reported.join())], [500, true]);
    },
  ),
  inFabric(
    "an answer of which all is there says how long it is; one that comes piece by piece does not",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      const size = 700_001;
      serveHttp(service, (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/bytes") return new Response(pattern(size));
        if (pathname === "/text") return new Response("é".repeat(100_000));
        if (pathname === "/blob") {
          return new Response(new Blob([pattern(size)]), { headers: { "content-length": `${size}` } });
        }
        let n = 0;
        return new Response(
          new ReadableStream({
            async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, 1));
              if (n++ === 8) controller.close();
              else controller.enqueue(pattern(50_000, n));
            },
          }),
        );
      });
      const { fetch } = new AetherFetchTransport(agent, service.topic);
      const cases = {
        "/bytes": [size, size],
        "/text": [200_000, 200_000],
        "/blob": [size, size],
        "/pieces": [0, 400_000],
      };
      for (const [path, [length, whole]] of Object.entries(cases)) {
        const response = await fetch(path);
        equal(Number(response.headers.get("content-length")), length, path);
        const body = new Uint8Array(await response.arrayBuffer());
        equal(body.length, whole, path);
        if (whole === size) equal(same(body, pattern(size)), true, path);
      }
    },
    { skip: ({ runtime }) => runtime === "workerd" ? "workerd gives out what is in memory piece by piece" : undefined },
  ),
  inFabric("the type that the kind of an answer's body implies is said", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const form = new FormData();
    form.set("a", "b");
    const bodies: Record<string, BodyInit> = {
      "/blob": new Blob(["<p>"], { type: "text/html" }),
      "/query": new URLSearchParams("a=1"),
      "/form": form,
      "/bytes": new Uint8Array(3),
    };
    serveHttp(service, ({ url }) => new Response(bodies[new URL(url).pathname]));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const typeOf = async (path: string): Promise<string | null> => (await fetch(path)).headers.get("content-type");
    equal(/^text\/html\b/.test(await typeOf("/blob") ?? ""), true);
    equal(/^application\/x-www-form-urlencoded\b/.test(await typeOf("/query") ?? ""), true);
    equal((await (await fetch("/form")).formData()).get("a"), "b");
    equal(await typeOf("/bytes"), null);
  }),
  inFabric("a handler that has seen enough of its request answers all the same", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const reported: string[] = [];
    service.onError(({ message }) => void reported.push(message));
    const handlers: Record<string, (body: ReadableStream<Uint8Array>) => Promise<Response>> = {
      "/cancels": async (body) => {
        await body.cancel();
        return new Response("too much", { status: 413 });
      },
      "/breaks": async (body) => {
        for await (const piece of body) return new Response(String(piece.length > 0), { status: 422 });
        return new Response("nothing came");
      },
      "/throws": async (body) => {
        for await (const _ of body) throw new Error("a bug");
        return new Response("nothing came");
      },
      "/pipes": async (body) => {
        const failing = new WritableStream({ write: () => Promise.reject(new Error("a full disk")) });
        await body.pipeTo(failing);
        return new Response("nothing came");
      },
    };
    serveHttp(service, ({ url, body }) => handlers[new URL(url).pathname](body!));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const answers: unknown[] = [];
    for (const path of Object.keys(handlers)) {
      const upload = hand();
      for (let n = 0; n < 20; n++) upload.give(pattern(50_000));
      const response = await soon(fetch(path, { method: "POST", body: upload.stream }), path);
      answers.push([response.status, await response.text()]);
      await soon(upload.cancelled, "the source to hear that nobody wants more");
    }
    equal(answers, [
      [413, "too much"],
      [422, "true"],
      [500, "Internal Server Error\n"],
      [500, "Internal Server Error\n"],
    ]);
    equal(reported, ["a bug", "a full disk"]);
  }),
  inFabric("a piece belongs to who reads it: its memory may be handed on, and hurts nothing else", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const downloads = [hand(), hand()];
    serveHttp(service, ({ url }) => new Response(downloads[Number(url.at(-1))].stream));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const readers = await Promise.all([0, 1].map(async (n) => (await fetch(`/${n}`)).body!.getReader()));
    // In one turn, and so in one message.
    for (const size of [500, 300]) for (const [n, download] of downloads.entries()) download.give(pattern(size, n));
    await fabric.advance(1);
    for (const download of downloads) download.end();
    for (const size of [500, 300]) {
      for (const [n, reader] of readers.entries()) {
        const piece = (await reader.read()).value!;
        equal(same(piece, pattern(size, n)), true, `${size} of ${n}`);
        structuredClone(piece, { transfer: [piece.buffer] });
      }
    }
    for (const reader of readers) equal((await reader.read()).done, true);
    // Packets of a tunnel as well.
    serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable));
    const tunnel = await tunnelDial(agent, service.topic, "udp");
    const writer = tunnel.writable.getWriter();
    const sent = [40, 50, 60].map((size) => pattern(size, size));
    const written = Promise.all([...sent.map((packet) => writer.write(packet)), writer.close()]);
    for await (const packet of tunnel.readable) {
      equal(same(packet as Uint8Array, sent.shift()!), true, "a packet");
      structuredClone(packet, { transfer: [(packet as Uint8Array<ArrayBuffer>).buffer] });
    }
    equal(sent.length, 0);
    await written;
  }),
];
