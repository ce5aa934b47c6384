import { AgentClient, ServiceClient } from "../../mod.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import { StreamTable } from "../../src/gateway/streams.ts";
import { AetherFetchTransport, type FetchTransportOptions } from "../../src/proxy/mod.ts";
import { channelsOf } from "../../src/session/channels.ts";
import { LINK } from "../../src/session/link.ts";
import { type FabricOptions, type TestFabric, testFabric } from "../../src/testing/mod.ts";
import { settle } from "../../src/testing/virtual_clock.ts";
import type { Case, Env } from "../harness.ts";
import { equal, until } from "./assert.ts";
import { farSockets } from "./socket_far.ts";
import { Sockets } from "./socket_gateway.ts";
import { bytes } from "./state_kit.ts";

/** Who calls and who answers, wherever the gateway is. */
export interface HttpWorld {
  agent: AgentClient;
  service: ServiceClient;
  /** Any instance of the service. */
  any: string;
  transport(options?: FetchTransportOptions): AetherFetchTransport;
}

/** One behaviour as two cases: over memory, and over real sockets; only one where nothing goes over a wire. */
export interface Pair {
  memory: Case;
  socket?: Case;
}

type Skip = NonNullable<Case["skip"]>;

/** Why a case that looks at how a body failed cannot run: who reads it as a whole is not told. */
export const bodiesAreOpaque: Skip = ({ runtime }) =>
  runtime === "chromium"
    ? "a browser fails text() and the like with a TypeError of its own, whatever the stream says"
    : undefined;

/** Why a case that looks at certain headers cannot run: a page may not set or see them. */
export const headersAreGuarded: Skip = ({ runtime }) =>
  runtime === "chromium" ? "a page may not set or see content-length, cookies and the like" : undefined;

/** Makes the two. Both ends of the stream must be free again when the body is done. */
export function both(name: string, body: (world: HttpWorld, env: Env) => Promise<void>, skip?: Skip): Pair {
  return {
    memory: {
      skip,
      name: `http: ${name}`,
      run: (env) => withFabric((fabric) => runOver(env, fabric, body)),
    },
    socket: {
      skip,
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

/** Options of a case in a fabric. */
export interface InFabric extends FabricOptions {
  skip?: Skip;
  timeoutMs?: number;
  /** Whether it looks into its gateway, or moves its time. */
  ownGateway?: boolean;
}

/**
 * One behaviour of a fabric as two cases: over memory, and over real sockets. Where a runtime cannot serve, the gateway of those
 * is in another process.
 */
export function inFabric(
  name: string,
  body: (fabric: TestFabric) => Promise<void>,
  { skip, timeoutMs, ownGateway, ...options }: InFabric = {},
): Pair {
  return {
    memory: { skip, timeoutMs, name: `http: ${name}`, run: () => withFabric(body, options) },
    socket: {
      skip: (env) => skip?.(env) ?? (ownGateway && !canServe(env) ? "its gateway has to be in its hand" : undefined),
      timeoutMs,
      name: `http over a socket: ${name}`,
      async run(env) {
        if (env.serve) {
          await using between = new Sockets(env.serve);
          return await withFabric(body, { ...options, between });
        }
        await using between = await farSockets(env.controlUrl!, options.limits);
        await withFabric(body, { ...options, between });
      },
    },
  };
}

/** A case that has no wire, or sees to its sockets itself. */
export function alone(memory: Case): Pair {
  return { memory };
}

function canServe({ runtime }: Env): boolean {
  return runtime === "deno" || runtime === "bun" || runtime === "node";
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
  for (let round = 0; round < 100 && held().length > 0; round++) await settle();
  for (let round = 0; round < 100 && held().length > 0; round++) await new Promise((go) => setTimeout(go, 5));
  equal(held(), [], "what the gateway still holds");
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
