import { AetherError } from "../../mod.ts";
import { serveHttp } from "../../src/proxy/mod.ts";
import { equal, rejects } from "./assert.ts";
import { aborted, bodiesAreOpaque, both, hand, openStreams, type Pair, pattern, piece, soon } from "./http_kit.ts";

const forever = (): Promise<never> => new Promise(() => {});

/** Makes garbage enough to have some collected. */
async function collect(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    new Array(500_000).fill(0).map(() => ({}));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Who stops early, when, and who hears of it. */
export const pairs: Pair[] = [
  both("a signal that has aborted already sends nothing", async ({ agent, service, transport }) => {
    let count = 0;
    serveHttp(service, () => new Response(String(++count)));
    await rejects(transport().fetch("/", { signal: AbortSignal.abort() }), "AbortError");
    const why = new Error("mine");
    equal(await transport().fetch("/", { signal: AbortSignal.abort(why) }).catch((error) => error === why), true);
    equal([openStreams(agent), count], [0, 0]);
  }),
  both("an abort before the head rejects, and the handler's signal aborts", async ({ service, transport }) => {
    const seen = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    const http = serveHttp(service, (request) => {
      begun.resolve();
      aborted(request.signal).then(seen.resolve);
      return forever();
    });
    const controller = new AbortController();
    const answer = transport().fetch("/", { signal: controller.signal });
    await begun.promise;
    controller.abort();
    await rejects(answer, "AbortError");
    equal((await soon(seen.promise, "the handler's signal")) instanceof AetherError, true);
    // A handler that never ends keeps its place; that is its own fault.
    equal(http.inFlight, 1);
  }),
  both(
    "an abort within the body errors it, and cancels the handler's stream at once",
    async ({ service, transport }) => {
      const download = hand();
      const seen = Promise.withResolvers<unknown>();
      serveHttp(service, (request) => {
        aborted(request.signal).then(seen.resolve);
        return new Response(download.stream);
      });
      const controller = new AbortController();
      const response = await transport().fetch("/", { signal: controller.signal });
      const reader = response.body!.getReader();
      download.give("one");
      equal(await piece(reader), "one");
      const next = reader.read();
      controller.abort(new Error("enough"));
      await rejects(next, "Error");
      // It waits for nothing but the reset: the handler's stream would never give another byte.
      await soon(download.cancelled, "the handler's stream to be cancelled");
      await soon(seen.promise, "the handler's signal");
    },
  ),
  both("a handler's signal aborts though the handler keeps nothing of the request", async ({ service, transport }) => {
    // On Node what joins a request's signal to its own is collected with the request, and who only listened was never told.
    const download = hand();
    const seen = Promise.withResolvers<void>();
    serveHttp(service, (request) => {
      request.signal.addEventListener("abort", () => seen.resolve());
      return new Response(download.stream);
    });
    const reader = (await transport().fetch("/")).body!.getReader();
    download.give("one");
    await reader.read();
    await collect();
    await reader.cancel();
    await soon(seen.promise, "the handler's signal");
  }),
  both("a reader that cancels the body cancels the handler's stream at once", async ({ service, transport }) => {
    const download = hand();
    serveHttp(service, () => new Response(download.stream));
    const response = await transport().fetch("/");
    const reader = response.body!.getReader();
    download.give("one");
    equal(await piece(reader), "one");
    await reader.cancel("seen enough");
    await soon(download.cancelled, "the handler's stream to be cancelled");
  }),
  both("an abort leaves a body as it is that is here in full, and errors any other", async ({ service, transport }) => {
    serveHttp(service, () => new Response("all of it"));
    const controller = new AbortController();
    const { signal } = controller;
    const response = await transport().fetch("/", { signal });
    controller.abort();
    // How much of it has come when the head is read is the network's to say.
    equal(["all of it", "AbortError"].includes(await response.text().catch((error) => error.name)), true);
    const other = new AbortController();
    const read = await transport().fetch("/", { signal: other.signal });
    equal(await read.text(), "all of it");
    other.abort();
  }, bodiesAreOpaque),
  both("an abort while the request is being sent cancels its source", async ({ service, transport }) => {
    const [upload, begun] = [hand(), Promise.withResolvers<void>()];
    const failed = Promise.withResolvers<unknown>();
    serveHttp(service, async (request) => {
      begun.resolve();
      await request.text().catch(failed.resolve);
      return new Response("late");
    });
    const controller = new AbortController();
    const answer = transport().fetch("/", { method: "POST", body: upload.stream, signal: controller.signal });
    upload.give("one");
    await begun.promise;
    controller.abort();
    await rejects(answer, "AbortError");
    await soon(upload.cancelled, "the source to be cancelled");
    equal((await soon(failed.promise, "the handler's body to fail")) instanceof AetherError, true);
  }, bodiesAreOpaque),
  both("an answer that is complete before the request stops the upload", async ({ service, transport }) => {
    serveHttp(service, () => new Response("no, thanks", { status: 403 }));
    const upload = hand();
    const answer = transport().fetch("/", { method: "POST", body: upload.stream });
    const response = await soon(answer, "the answer");
    equal([response.status, await response.text()], [403, "no, thanks"]);
    await soon(upload.cancelled, "the source to be cancelled");
    // The same with a source that would like to go on, but has no credit left.
    let pulls = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulls++;
        controller.enqueue(pattern(60_000));
      },
    });
    equal((await transport().fetch("/", { method: "POST", body: endless })).status, 403);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const before = pulls;
    await new Promise((resolve) => setTimeout(resolve, 5));
    equal([pulls, pulls < 10], [before, true], "pulls");
  }),
  both("a source that fails ends the request with its reason on both sides", async ({ service, transport }) => {
    const upload = hand();
    const [begun, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
    serveHttp(service, async (request) => {
      begun.resolve();
      return new Response(await request.text().catch((error) => (failed.resolve(error), "")));
    });
    const answer = transport().fetch("/", { method: "POST", body: upload.stream });
    upload.give("one");
    await begun.promise;
    upload.fail(new Error("the disk is gone"));
    const error = await rejects(soon(answer, "the failure"), "ProxyHttpError");
    equal(/disk is gone/.test(error.message), true, error.message);
    equal((await soon(failed.promise, "the handler's failure")) instanceof AetherError, true);
  }, bodiesAreOpaque),
  both("a handler's stream that fails errors the body at the caller", async ({ service, transport }) => {
    const download = hand();
    serveHttp(service, () => new Response(download.stream));
    const response = await transport().fetch("/");
    const reader = response.body!.getReader();
    download.give("one");
    equal(await piece(reader), "one");
    download.fail(new Error("the disk is gone"));
    const error = await rejects(soon(reader.read(), "the failure"), "ProxyHttpError");
    equal(error.kind, 3);
  }),
  both("a body that cannot be read any more is refused at once, either way", async ({ service, transport }) => {
    const used = new Response("once");
    await used.text();
    const kept = new Response("locked");
    kept.body!.getReader();
    const http = serveHttp(service, (request) => request.url.endsWith("/used") ? used : kept);
    service.onError(() => {});
    const { fetch } = transport();
    equal((await soon(fetch("/used"), "an answer")).status, 500);
    equal((await soon(fetch("/locked"), "an answer")).status, 500);
    const locked = new Response("x").body!;
    locked.getReader();
    await rejects(soon(fetch("/", { method: "POST", body: locked }), "a refusal"), "InvalidArgumentError");
    const request = new Request("http://h/", { method: "POST", body: "x" });
    await request.text();
    await rejects(soon(fetch(request), "a refusal"), "InvalidArgumentError");
    await http.close();
  }),
];
