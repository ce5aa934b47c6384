import type { TestFabric } from "../../src/testing/mod.ts";
import { seededRandom } from "../../src/base/ids.ts";
import { AetherFetchTransport, ProxyHttpError, serveHttp } from "../../src/proxy/mod.ts";
import { equal } from "./assert.ts";
import {
  bodiesAreOpaque,
  both,
  inFabric,
  noLeak,
  openStreams,
  type Pair,
  pattern,
  same,
  soon,
  tableOf,
} from "./http_kit.ts";
import { connected } from "./state_kit.ts";

/** Many at once over one connection, long lives, many requests, and chance. */
export const pairs: Pair[] = [
  both("1 000 requests at once, each with its own answer", async ({ service, transport }) => {
    serveHttp(service, async (request) => new Response(`${new URL(request.url).pathname} ${await request.text()}`));
    const { fetch } = transport();
    const answers = await Promise.all(Array.from({ length: 1000 }, async (_, n) => {
      const response = await fetch(`/${n}`, { method: "POST", body: String(n) });
      return await response.text();
    }));
    equal(answers.findIndex((text, n) => text !== `/${n} ${n}`), -1);
  }),
  inFabric("10 000 requests one after the other leave nothing behind", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const http = serveHttp(service, (request) => new Response(request.body));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    // Ten lines of a thousand: the turns of a line are what takes time.
    await Promise.all(Array.from({ length: 10 }, async (_, line) => {
      for (let n = 0; n < 1000; n++) {
        const body = `${line} ${n}`;
        const response = await fetch("/", { method: "POST", body });
        if (n % 7 === 0) await response.body?.cancel();
        else if (await response.text() !== body) throw new Error(`${body}: another answer`);
      }
    }));
    await fabric.advance(1);
    equal([openStreams(agent), openStreams(service), http.inFlight, tableOf(agent).size, tableOf(service).owed], [
      0,
      0,
      0,
      0,
      0,
    ]);
  }, { ownGateway: true }),
  inFabric("an event stream lives for an hour, and each event arrives when it is sent", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, (request) => {
      let n = 0;
      const stream = new ReadableStream({
        start(controller) {
          const tick = (): void => {
            if (request.signal.aborted) return;
            controller.enqueue(new TextEncoder().encode(`id: ${++n}\ndata: ${fabric.clock.now()}\n\n`));
            fabric.clock.timer(10_000, tick);
          };
          fabric.clock.timer(10_000, tick);
        },
      });
      return new Response(stream, { headers: { "content-type": "text/event-stream" } });
    });
    const controller = new AbortController();
    const response = await new AetherFetchTransport(agent, service.topic).fetch("/", { signal: controller.signal });
    let text = "";
    let late = 0;
    const reading = (async () => {
      for await (const bytes of response.body!) {
        const event = new TextDecoder().decode(bytes);
        late = Math.max(late, fabric.clock.now() - Number(/data: (\d+)/.exec(event)![1]));
        text += event;
      }
    })().catch((error) => error);
    await fabric.advance("1h");
    controller.abort();
    equal((await soon(reading, "the end")).name, "AbortError");
    equal([text.match(/id/g)?.length, late], [360, 0]);
  }),
  ...[1, 2, 3, 4].map((seed) =>
    inFabric(
      `bodies of any size with aborts and cuts are right to the last byte, or a typed error (seed ${seed})`,
      (fabric) => chance(fabric, seed),
      { skip: bodiesAreOpaque, seed },
    )
  ),
];

async function chance(fabric: TestFabric, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const soonBack = { reconnectDelay: 5, maxReconnectDelay: 20 };
  const agents = await connected(fabric.agent(soonBack), fabric.agent(soonBack));
  const services = await connected(fabric.service(soonBack), fabric.service(soonBack));
  // So that requests last, and there is something to be cut.
  for (const client of [...agents, ...services]) fabric.faults.delay(client, 1 + below(5));
  let running = 0;
  for (const service of services) {
    service.onError(() => {});
    serveHttp(service, async (request) => {
      running++;
      try {
        const { searchParams } = new URL(request.url);
        const sent = new Uint8Array(await request.arrayBuffer());
        if (!same(sent, pattern(Number(searchParams.get("up")), Number(searchParams.get("seed"))))) {
          return new Response("wrong bytes", { status: 500 });
        }
        return new Response(
          pieces(pattern(Number(searchParams.get("down")), Number(searchParams.get("seed")) + 1), below),
        );
      } finally {
        running--;
      }
    });
  }
  const sizes = [0, 1, 100, 65_536, 65_537, 262_144, 262_145, 600_000];
  const counts = { right: 0, typed: 0 };
  const one = async (n: number): Promise<void> => {
    const [up, down] = [sizes[below(sizes.length)], sizes[below(sizes.length)]];
    const controller = new AbortController();
    if (below(5) === 0) fabric.clock.timer(below(60), () => controller.abort());
    const sent = pattern(up, n);
    const body = below(2) === 0 ? sent : pieces(sent, below);
    const transport = new AetherFetchTransport(agents[below(2)], "sv::service", { timeoutMs: 5000 });
    try {
      const response = await transport.fetch(`/?up=${up}&down=${down}&seed=${n}`, {
        method: below(2) === 0 ? "PUT" : "POST",
        body,
        signal: controller.signal,
      });
      equal(response.status, 200, `request ${n}`);
      const got = new Uint8Array(await response.arrayBuffer());
      equal(same(got, pattern(down, n + 1)), true, `request ${n}: its bytes`);
      counts.right++;
    } catch (error) {
      const isTyped = error instanceof ProxyHttpError || (error as Error).name === "AbortError";
      if (!isTyped) throw error;
      counts.typed++;
    }
  };
  const asked: Promise<void>[] = [];
  for (let n = 1; n <= 80; n++) {
    asked.push(one(n));
    if (below(3) === 0) await fabric.advance(below(20));
    if (below(12) === 0) fabric.faults.cut([...agents, ...services][below(4)]);
    if (below(20) === 0) fabric.faults.delay([...agents, ...services][below(4)], below(10));
  }
  for (const client of [...agents, ...services]) fabric.faults.delay(client, 0);
  await fabric.advance("10s");
  await soon(Promise.all(asked), "every request to end");
  await fabric.advance("1s");
  equal([running, ...[...agents, ...services].map(openStreams)], [0, 0, 0, 0, 0]);
  equal(counts.right > 5 && counts.typed > 5, true, JSON.stringify(counts));
  await noLeak();
}

function pieces(
  whole: Uint8Array<ArrayBuffer>,
  below: (limit: number) => number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= whole.length) return controller.close();
      const end = Math.min(whole.length, at + 1 + below(100_000));
      controller.enqueue(whole.slice(at, end));
      at = end;
    },
  });
}
