import { AetherFetchTransport, serveHttp } from "../../src/proxy/mod.ts";
import { AetherError } from "../../src/errors.ts";
import { eachFrame, FLAG_END, FLAG_TRAILERS, FrameKind, FrameWriter } from "../../src/protocol/frames.ts";
import { CHUNK_BYTES, SOCKET_WINDOW, STREAM_WINDOW } from "../../src/protocol/limits.ts";
import { StreamKind } from "../../src/protocol/stream_frames.ts";
import { encodeStructured } from "../../src/protocol/structured.ts";
import { readTrailers } from "../../src/session/channel.ts";
import { channelsOf, type IncomingChannel } from "../../src/session/channels.ts";
import { LINK } from "../../src/session/link.ts";
import { StreamQueue } from "../../src/session/stream_queue.ts";
import { chunkFrame, streamOf } from "../../src/protocol/stream_frames.ts";
import type { Dial } from "../../src/transport/transport.ts";
import { equal } from "./assert.ts";
import { alone, inFabric, type Pair, pattern, soon, tableOf } from "./http_kit.ts";
import { raw } from "./http_raw.ts";
import { bytes, connected } from "./state_kit.ts";

const HEAD = { method: "POST", path: "/", headers: [] };

/** A stream that gives pieces as long as it is asked, and counts them. */
function endless(size = 50_000): { stream: ReadableStream<Uint8Array<ArrayBuffer>>; given: () => number } {
  let given = 0;
  const stream = new ReadableStream({
    pull(controller) {
      given += size;
      controller.enqueue(new Uint8Array(size));
    },
  }, { highWaterMark: 0 });
  return { stream, given: () => given };
}

/** How much of a stream is on its way, and what that means for those beside it. */
export const pairs: Pair[] = [
  inFabric(
    "a reader that does not read holds its stream back at one window, wherever the bytes are",
    async (fabric) => {
      const [agent, service] = await connected(fabric.agent(), fabric.service());
      const source = endless();
      serveHttp(service, (request) => request.body ? new Promise<never>(() => {}) : new Response(source.stream));
      const response = await new AetherFetchTransport(agent, service.topic).fetch("/");
      await fabric.advance("1m");
      const stalled = source.given();
      equal(stalled <= STREAM_WINDOW + 100_000, true, `${stalled} bytes given`);
      await fabric.advance("1h");
      equal(source.given(), stalled, "given after an hour");
      equal(tableOf(agent).waiting <= STREAM_WINDOW, true);
      await response.body!.cancel();
      await fabric.advance(1);
      // The same for a request that its handler does not read.
      const upload = endless();
      const controller = new AbortController();
      new AetherFetchTransport(agent, service.topic).fetch("/", {
        method: "POST",
        body: upload.stream,
        signal: controller.signal,
      }).catch(() => {});
      await fabric.advance(10);
      const held = upload.given();
      equal(held <= STREAM_WINDOW + 100_000, true, `${held} bytes given`);
      controller.abort();
      await fabric.advance(1);
    },
    { ownGateway: true },
  ),
  inFabric("what was said last leaves before the data of its turn, at a client and at the gateway", async (fabric) => {
    const order: number[] = [];
    const noted = (message: Uint8Array): void =>
      eachFrame(
        message,
        (kind) =>
          void ([FrameKind.Send, FrameKind.Deliver, FrameKind.Chunk].includes(kind as never) && order.push(kind)),
      );
    const dial: Dial = async (url, sink, options) => {
      const received = (message: Uint8Array): void => (noted(message), sink.received(message));
      const transport = await fabric.gateway.dial()(url, {
        received,
        alive: () => sink.alive(),
        closed: (info) => sink.closed(info),
      }, options);
      return { ...transport, send: (message) => (noted(message), transport.send(message)) };
    };
    const [agent] = await connected(fabric.agent({ dial }));
    const service = await raw(fabric.gateway, { type: "service", implementation: "raw", specifier: "1" });
    const channel = channelsOf(agent[LINK]).open(StreamKind.Http, "sv::raw::1", HEAD, false);
    for (let n = 0; n < 3; n++) channel.write(new Uint8Array(CHUNK_BYTES));
    const sent = agent.send({ targetTopic: "sv::raw::1", payload: bytes("urgent") });
    await sent;
    const { Send, Deliver, Chunk } = FrameKind;
    equal(order, [Send, Chunk, Chunk, Chunk]);
    order.length = 0;
    const { stream } = await service.next("open");
    const writer = new FrameWriter(0);
    writer.structured(FrameKind.Head, encodeStructured({ status: 200, headers: [] }), stream);
    for (let n = 0; n < 2; n++) writer.copy(chunkFrame(stream, 0, new Uint8Array(1000)), 0, 1010);
    writer.send(1, 1, 0, bytes(agent.topic), new Uint8Array(), new Uint8Array(), bytes("urgent"));
    service.say(writer.take());
    await fabric.advance(1);
    equal(order, [Deliver, Chunk, Chunk]);
    channel.reset(new AetherError("done", "CANCELLED"));
    await fabric.advance(1);
  }),
  inFabric("a slow reader slows neither another stream nor a message beside it", async (fabric) => {
    const [agent, other, service] = await connected(fabric.agent(), fabric.agent(), fabric.service());
    const sources = [endless(), endless(), endless(), endless(), endless(), endless()];
    const size = 3 * 1024 * 1024;
    serveHttp(service, (request) => {
      const at = Number(new URL(request.url).search.slice(1));
      return new Response(at < sources.length ? sources[at].stream : pattern(size));
    });
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const stalled = await Promise.all(sources.map((_, at) => fetch(`/?${at}`)));
    await fabric.advance(10);
    // More than the window of the socket lies between the two, and still:
    equal((await soon(fetch("/?99").then((answer) => answer.arrayBuffer()), "the other answer")).byteLength, size);
    const heard = agent.messages();
    await other.send({ targetTopic: agent.topic, payload: bytes("a message") });
    equal((await soon(heard.next(), "the message")).value.text(), "a message");
    const { fetch: beside } = new AetherFetchTransport(other, service.topic);
    equal((await soon(beside("/?99").then((answer) => answer.arrayBuffer()), "another caller")).byteLength, size);
    for (const { body } of stalled) await body!.cancel();
  }),
  inFabric("a socket that takes nothing holds back what is for it, at one window of each stream", async (fabric) => {
    // It speaks, gives credit to its streams, and never says that it has received a byte.
    const caller = await raw(fabric.gateway);
    const [service] = await connected(fabric.service({ implementation: "s", specifier: "1" }));
    const source = endless();
    serveHttp(service, () => new Response(source.stream));
    caller.open(1, "sv::s::1", { ...HEAD, method: "GET" });
    await caller.next("head");
    for (let n = 0; n < 40; n++) {
      await fabric.advance(1);
      const received = caller.events.filter(({ kind }) => kind === "chunk").reduce((sum, { bytes }) => sum + bytes!, 0);
      if (n < 8) caller.credit(1, received > 0 ? STREAM_WINDOW : 0);
    }
    const sent = caller.events.filter(({ kind }) => kind === "chunk").reduce((sum, { bytes }) => sum + bytes!, 0);
    equal(sent >= SOCKET_WINDOW && sent < SOCKET_WINDOW + CHUNK_BYTES, true, `${sent} sent to who receives nothing`);
    const { waiting } = tableOf({ topic: "ag::test::raw::1" });
    equal(waiting > 0 && waiting <= 9 * STREAM_WINDOW, true, `${waiting} waiting`);
    caller.credit(0, SOCKET_WINDOW);
    await fabric.advance(1);
    const more = caller.events.filter(({ kind }) => kind === "chunk").reduce((sum, { bytes }) => sum + bytes!, 0);
    equal(more > sent, true, "it goes on");
    caller.reset(1, { name: "AetherError", code: "CANCELLED", message: "enough" });
    await fabric.advance(1);
    caller.leave();
    await fabric.advance(1);
  }, { ownGateway: true }),
  alone({
    name: "http: streams that share a socket take turns, also over many small credits",
    run() {
      const queue = new StreamQueue();
      const writer = new FrameWriter();
      for (let stream = 1; stream <= 16; stream++) {
        for (let n = 0; n < 64; n++) queue.push(stream, chunkFrame(stream, 0, new Uint8Array(CHUNK_BYTES - 100)));
      }
      const got = new Map<number, number>();
      const send = (frame: Uint8Array): void => {
        const stream = streamOf(frame, 0);
        got.set(stream, (got.get(stream) ?? 0) + 1);
      };
      queue.flush(writer, send);
      for (let n = 0; n < 20; n++) {
        queue.credited(SOCKET_WINDOW / 4);
        queue.flush(writer, send);
      }
      const counts = [...got.values()];
      equal(counts.length, 16, "streams that got anything");
      equal(Math.max(...counts) - Math.min(...counts) <= 1, true, counts.join());
      for (let stream = 1; stream <= 16; stream++) queue.drop(stream);
      equal(queue.bytes, 0);
    },
  }),
  inFabric("ten downloads on one connection advance together", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    serveHttp(service, () => new Response(endless().stream));
    const { fetch } = new AetherFetchTransport(agent, service.topic);
    const read = new Array<number>(10).fill(0);
    let isOver = false;
    await Promise.all(read.map(async (_, at) => {
      const reader = (await fetch("/")).body!.getReader();
      while (!isOver) {
        read[at] += (await reader.read()).value!.length;
        if (read[at] > 4 * 1024 * 1024) isOver = true;
      }
      await reader.cancel();
    }));
    equal(Math.min(...read) > Math.max(...read) / 4, true, read.join());
  }),
  inFabric("trailers pass, also behind a window that is full", async (fabric) => {
    const [agent, service] = await connected(fabric.agent(), fabric.service());
    const opened = Promise.withResolvers<IncomingChannel>();
    channelsOf(service[LINK]).accept(StreamKind.Http, opened.resolve);
    const channel = channelsOf(agent[LINK]).open(StreamKind.Http, service.topic, HEAD, false);
    const { channel: far } = await opened.promise;
    channel.write(pattern(STREAM_WINDOW))?.catch(() => {});
    await fabric.advance(1);
    channel.end(undefined, { digest: "x".repeat(300) });
    far.answer({ status: 200, headers: [] }, false);
    far.end(undefined, { "server-timing": "1" });
    await fabric.advance(1);
    equal([agent.connected, far.isReceived, channel.isReceived], [true, true, true]);
    equal(far.all()?.length, STREAM_WINDOW);
    equal([readTrailers(far), readTrailers(channel)], [{ digest: "x".repeat(300) }, { "server-timing": "1" }]);
    // They are one frame at the end, and no way around credit.
    const client = await raw(fabric.gateway);
    client.open(1, service.topic, HEAD, false);
    client.chunk(1, encodeStructured({ a: "b" }), FLAG_TRAILERS);
    await fabric.advance(1);
    equal(client.isClosed, true);
  }),
  inFabric("a last piece that ends a stream counts as any other", async (fabric) => {
    const client = await raw(fabric.gateway);
    const target = await raw(fabric.gateway, { type: "service", implementation: "s", specifier: "1" });
    client.open(1, "sv::s::1", HEAD, false);
    await target.next("open");
    for (let n = 0; n < 4; n++) client.chunk(1, new Uint8Array(STREAM_WINDOW / 4));
    await fabric.advance(1);
    equal(client.isClosed, false);
    client.chunk(1, bytes("x"), FLAG_END);
    await fabric.advance(1);
    equal(client.isClosed, true);
    target.leave();
    await fabric.advance(1);
  }),
];
