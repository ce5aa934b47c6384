import { AgentClient, ServiceClient } from "../../mod.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { StreamTable } from "../../src/gateway/streams.ts";
import { eachFrame, FLAG_END, FRAME_HEAD, FrameKind, FrameWriter, readU32 } from "../../src/protocol/frames.ts";
import {
  chunkFrame,
  chunkStart,
  readOpen,
  streamOf,
  writeCredit,
  writeOpen,
} from "../../src/protocol/stream_frames.ts";
import { decodeStructured, encodeStructured } from "../../src/protocol/structured.ts";
import { AetherFetchTransport, type FetchTransportOptions } from "../../src/proxy/mod.ts";
import { channelsOf } from "../../src/session/channels.ts";
import { LINK } from "../../src/session/link.ts";
import { type FabricOptions, type TestFabric, testFabric } from "../../src/testing/mod.ts";
import { settle } from "../../src/testing/virtual_clock.ts";
import type { Case, Env } from "../harness.ts";
import { equal, until } from "./assert.ts";
import { bytes } from "./state_kit.ts";

/** Who calls and who answers, wherever the gateway is. */
export interface HttpWorld {
  agent: AgentClient;
  service: ServiceClient;
  /** Any instance of the service. */
  any: string;
  transport(options?: FetchTransportOptions): AetherFetchTransport;
}

/** One behaviour as two cases: over memory, and over a real socket at `env.gatewayUrl`. */
export interface Pair {
  memory: Case;
  socket: Case;
}

/** Makes the two. Both ends of the stream must be free again when the body is done. */
export function both(name: string, body: (world: HttpWorld, env: Env) => Promise<void>): Pair {
  return {
    memory: {
      name: `http: ${name}`,
      run: (env) => withFabric((fabric) => runOver(env, fabric, body)),
    },
    socket: {
      name: `http over a socket: ${name}`,
      run: (env) => runOver(env, undefined, body),
    },
  };
}

async function runOver(
  env: Env,
  fabric: TestFabric | undefined,
  body: (world: HttpWorld, env: Env) => Promise<void>,
): Promise<void> {
  const implementation = `svc-${crypto.randomUUID().slice(0, 8)}`;
  const own = { workspace: implementation, implementation: "caller", specifier: "1" };
  const base = { address: env.gatewayUrl! };
  const agent = fabric ? fabric.agent(own) : new AgentClient({ ...base, ...own });
  const named = { implementation, specifier: "1" };
  const service = fabric ? fabric.service(named) : new ServiceClient({ ...base, ...named });
  try {
    await Promise.all([agent.connect(), service.connect()]);
    const any = `sv::${implementation}`;
    await body({ agent, service, any, transport: (options) => new AetherFetchTransport(agent, any, options) }, env);
    await until(() => openStreams(agent) + openStreams(service) === 0, "all streams of both clients are over");
  } finally {
    if (!fabric) await Promise.all([agent.disconnect(), service.disconnect()]);
  }
}

/** Runs a body in a fabric. Afterwards no table of the gateway may hold anything. */
export async function withFabric(
  body: (fabric: TestFabric) => Promise<void>,
  options: FabricOptions = {},
): Promise<void> {
  tables.clear();
  await using fabric = await testFabric({ seed: 1, ...options });
  await body(fabric);
  await noLeak();
}

/** A case of its own in a fabric. */
export function inFabric(
  name: string,
  body: (fabric: TestFabric) => Promise<void>,
  options: FabricOptions = {},
): Case {
  return { name: `http: ${name}`, run: () => withFabric(body, options) };
}

// A gateway hides its tables; a test that looks for leaks has to see every one that was ever used.
const tables = new Set<StreamTable>();
const { begin, join } = StreamTable.prototype;
StreamTable.prototype.begin = function (...args) {
  tables.add(this);
  return begin.apply(this, args);
};
StreamTable.prototype.join = function (...args) {
  tables.add(this);
  return join.apply(this, args);
};

/** What a gateway held that was killed is gone with it. */
export function forget(): void {
  tables.clear();
}

/** The gateway's table of a client. */
export function tableOf(client: { topic: string }): StreamTable {
  const found = [...tables].filter(({ host }) => host.caller.topic === client.topic).at(-1);
  if (!found) throw new Error(`no stream of ${client.topic} yet`);
  return found;
}

/** Fails while the gateway holds anything of a stream. */
export async function noLeak(): Promise<void> {
  const held = (): string[] =>
    [...tables].filter(({ size, waiting, owed }) => size !== 0 || waiting !== 0 || owed !== 0)
      .map(({ host, size, waiting, owed }) => `${host.caller.topic}: ${size} open, ${waiting} bytes, ${owed} owed`);
  for (let round = 0; round < 100 && held().length > 0; round++) await turn();
  equal(held(), [], "what the gateway still holds");
}

/** Lets everything run that is ready. In workerd a body that is read takes a turn of the platform's own loop. */
export async function turn(): Promise<void> {
  await settle();
  if (!("setImmediate" in globalThis)) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** How many streams a client has open. */
export function openStreams(client: AetherClient): number {
  return channelsOf(client[LINK]).size;
}

/** Bytes that can be told apart: which, and in what order. */
export function pattern(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(size);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    made[at] = state >>> 24;
  }
  return made;
}

/** Whether two are the same bytes. */
export function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** A stream in a test's hand. */
export interface Hand {
  stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  give(text: string | Uint8Array): void;
  end(): void;
  fail(error: unknown): void;
  /** Why its reader has gone. */
  cancelled: Promise<unknown>;
  isCancelled: boolean;
}

/** Makes one. */
export function hand(): Hand {
  const cancelled = Promise.withResolvers<unknown>();
  let controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const made: Hand = {
    stream: new ReadableStream({
      start: (own) => void (controller = own),
      cancel(reason) {
        made.isCancelled = true;
        cancelled.resolve(reason);
      },
    }, { highWaterMark: 0 }),
    give: (text) => controller.enqueue((typeof text === "string" ? bytes(text) : text) as Uint8Array<ArrayBuffer>),
    end: () => controller.close(),
    fail: (error) => controller.error(error),
    cancelled: cancelled.promise,
    isCancelled: false,
  };
  return made;
}

/** The next piece as a text; undefined at the end. */
export async function piece(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value } = await reader.read();
  return value && new TextDecoder().decode(value);
}

/** Fails when a promise has not settled after so much real time: "never a hang". */
export async function soon<T>(promise: PromiseLike<T>, what: string, ms = 3000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still waiting for ${what}`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}

/** What a raw client was told of a stream. */
export interface RawEvent {
  kind: "open" | "head" | "chunk" | "credit" | "reset";
  stream: number;
  // deno-lint-ignore no-explicit-any -- whatever was said
  body?: any;
  bytes?: number;
  isEnd?: boolean;
}

/** A client without the client library: it says exactly what it is told to. */
export interface RawClient {
  events: RawEvent[];
  open(stream: number, target: string, head: unknown, isEnd?: boolean, kind?: number): void;
  chunk(stream: number, payload: Uint8Array, flags?: number): void;
  head(stream: number, head: unknown, isEnd?: boolean): void;
  credit(stream: number, count: number): void;
  reset(stream: number, error: unknown, flags?: number): void;
  /** The next event of a kind; those before it are dropped. */
  next(kind: RawEvent["kind"]): Promise<RawEvent>;
  /** Close code, when the connection has ended. */
  readonly closed: Promise<number>;
  isClosed: boolean;
  leave(): void;
}

/** Connects one. */
export async function raw(
  gateway: Gateway,
  identity: Record<string, unknown> = { type: "agent", workspace: "test", implementation: "raw", specifier: "1" },
): Promise<RawClient> {
  const welcome = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const events: RawEvent[] = [];
  const transport = await gateway.dial()(new URL("ws://in-process/"), {
    received(message) {
      eachFrame(message, (kind, frame, start, end) => {
        if (kind === FrameKind.Welcome) return welcome.resolve();
        const told = read(kind, frame, start, end);
        if (told) events.push(told);
      });
    },
    alive: () => {},
    closed({ code }) {
      client.isClosed = true;
      closed.resolve(code);
    },
  }, { signal: new AbortController().signal });
  const frames = (lay: (writer: FrameWriter) => void): void => {
    const writer = new FrameWriter(0);
    lay(writer);
    transport.send(writer.take());
  };
  const client: RawClient = {
    events,
    isClosed: false,
    closed: closed.promise,
    open: (stream, target, head, isEnd = true, kind = 1) =>
      frames((writer) =>
        writeOpen(writer, stream, kind, isEnd, bytes(target), new Uint8Array(), encodeStructured(head))
      ),
    chunk: (stream, payload, flags = 0) => transport.send(chunkFrame(stream, flags, payload)),
    head: (stream, head, isEnd = false) =>
      frames((writer) => writer.structured(FrameKind.Head, encodeStructured(head), stream, isEnd ? FLAG_END : 0)),
    credit: (stream, count) => frames((writer) => writeCredit(writer, stream, count)),
    reset: (stream, error, flags = 0) =>
      frames((writer) => writer.structured(FrameKind.Reset, encodeStructured(error), stream, flags)),
    async next(kind) {
      for (let round = 0; round < 200; round++) {
        const at = events.findIndex((event) => event.kind === kind);
        if (at >= 0) return events.splice(0, at + 1)[at];
        await turn();
      }
      throw new Error(`no ${kind} came, but ${JSON.stringify(events)}`);
    },
    leave: () => transport.close(),
  };
  frames((writer) => writer.structured(FrameKind.Hello, encodeStructured({ identity, producer: "Abcdefgh-_02" })));
  await Promise.race([welcome.promise, closed.promise]);
  return client;
}

function read(kind: number, frame: Uint8Array, start: number, end: number): RawEvent | undefined {
  const stream = end - start >= FRAME_HEAD + 4 ? streamOf(frame, start) : 0;
  const isEnd = (frame[start + 5] & FLAG_END) !== 0;
  const body = (): unknown => decodeStructured(frame.slice(start + FRAME_HEAD + 4, end));
  if (kind === FrameKind.Open) {
    const open = readOpen(frame, start, end);
    return { kind: "open", stream, isEnd, body: { ...open, head: decodeStructured(open.head.slice()) } };
  }
  if (kind === FrameKind.Head) return { kind: "head", stream, isEnd, body: body() };
  if (kind === FrameKind.Chunk) return { kind: "chunk", stream, isEnd, bytes: end - chunkStart(start) };
  if (kind === FrameKind.Credit) return { kind: "credit", stream, bytes: readU32(frame, start + FRAME_HEAD + 4) };
  return kind === FrameKind.Reset ? { kind: "reset", stream, body: body() } : undefined;
}
