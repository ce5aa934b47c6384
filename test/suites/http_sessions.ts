import { AetherFetchTransport, ProxyErrorKind, serveHttp } from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { hand, inFabric, openStreams, type Pair, piece, soon } from "./http_kit.ts";
import { connected } from "./state_kit.ts";

/** Streams and the sessions they are of. */
export const pairs: Pair[] = [
  inFabric(
    "a client that moves to another workspace keeps its streams, and calls from there from then on",
    async (fabric) => {
      const [agent, service, here, there] = await connected(
        fabric.agent({ specifier: "mover" }),
        fabric.service(),
        fabric.agent({ specifier: "here" }),
        fabric.agent({ specifier: "there", workspace: "other" }),
      );
      const download = hand();
      serveHttp(
        service,
        (request, { caller }) =>
          request.url.endsWith("/stream")
            ? new Response(download.stream)
            : Response.json([caller.topic, caller.workspace]),
      );
      for (const client of [here, there]) {
        serveHttp(client, () => new Response("ok"));
      }
      const from = (target: string): Promise<Response> => new AetherFetchTransport(agent, target).fetch("/");
      equal([(await from(here.topic)).status, (await rejects(from(there.topic), "ProxyHttpError")).kind], [200, 4]);
      const response = await new AetherFetchTransport(agent, service.topic).fetch("/stream");
      const reader = response.body!.getReader();
      download.give("one");
      equal(await piece(reader), "one");
      await agent.switchWorkspace("other");
      download.give("two");
      equal(await soon(piece(reader), "the second piece"), "two");
      download.end();
      equal(await piece(reader), undefined);
      equal(await (await from(service.topic)).json(), ["ag::other::agent::mover", "other"]);
      equal([(await rejects(from(here.topic), "ProxyHttpError")).kind, (await from(there.topic)).status], [4, 200]);
    },
  ),
  inFabric("an identity that is taken over takes the streams of its last holder along", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service({ specifier: "s" }));
    const download = hand();
    service.onError(() => {});
    serveHttp(service, () => new Response(download.stream));
    const reader = (await new AetherFetchTransport(agent, "sv::service::s").fetch("/")).body!.getReader();
    download.give("one");
    equal(await piece(reader), "one");
    const next = fabric.service({ specifier: "s", takeover: true });
    await next.connect();
    serveHttp(next, () => new Response("next"));
    await rejects(soon(reader.read(), "the end"), "ProxyHttpError");
    await soon(download.cancelled, "the source");
    equal(await (await new AetherFetchTransport(agent, "sv::service::s").fetch("/")).text(), "next");
  }),
  inFabric(
    "so many streams a client may have open, each way, and no more; what is open is not hurt",
    async (fabric) => {
      const [agent, other, service] = await connected(
        fabric.agent(),
        fabric.agent(),
        fabric.service({ specifier: "1" }),
      );
      const open: ((response: Response) => void)[] = [];
      serveHttp(service, () => new Promise<Response>((resolve) => open.push(resolve)));
      const ask = (client: typeof agent): Promise<Response> =>
        new AetherFetchTransport(client, "sv::service").fetch("/");
      const answers = [ask(agent), ask(agent), ask(agent), ask(agent)];
      const refused = await rejects(ask(agent), "ProxyHttpError");
      equal([refused.kind, refused.retryable], [ProxyErrorKind.SidecarUnavailable, true], "the caller's own");
      const full = await rejects(ask(other), "ProxyHttpError");
      equal([full.kind, full.retryAfterMs], [ProxyErrorKind.SidecarUnavailable, 100], "the service's");
      const [second] = await connected(fabric.service({ specifier: "2" }));
      serveHttp(second, () => new Response("second"));
      equal(await (await ask(other)).text(), "second");
      await fabric.advance(1);
      for (const answer of open) answer(new Response("first"));
      for (const answer of answers) equal(await (await answer).text(), "first");
      equal(openStreams(agent), 0);
      const again = ask(agent);
      await fabric.advance(1);
      for (const answer of open) answer(new Response("first"));
      equal((await again).status, 200);
    },
    { limits: { streams: 4 } },
  ),
];
