import { type KVClient, KVScope } from "../../mod.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { eachFrame, FLAG_ERROR, FrameKind, FrameWriter, readU32 } from "../../src/protocol/frames.ts";
import { decodeStructured, encodeStructured } from "../../src/protocol/structured.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { KvStore, Store, TaskStore } from "../../src/store/store.ts";
import type { TestFabric } from "../../src/testing/mod.ts";

/** Bytes of a text. */
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Text of bytes; undefined of none. */
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

/** A change of a key, in a word. */
export const told = ({ key, value }: { key: string; value?: Uint8Array }): string => `${key}=${text(value) ?? "-"}`;

/** Connects clients of a fabric. */
export async function connected<C extends { connect(): Promise<unknown> }[]>(...clients: C): Promise<C> {
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

/** What became of a promise: its value, or the name of its error. */
export async function outcome<T>(promise: PromiseLike<T>): Promise<T | string> {
  try {
    return await promise;
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

/** Takes the next so many items of an iterator. */
export async function take<T>(iterator: AsyncIterator<T>, count: number): Promise<T[]> {
  const items: T[] = [];
  while (items.length < count) {
    const next = await iterator.next();
    if (next.done) break;
    items.push(next.value);
  }
  return items;
}

/** Collects what an iterator gives, in the background, until it ends; `error` is what ended it. */
export function collect<T, U>(
  iterator: AsyncIterable<T>,
  map: (item: T) => U,
): { items: U[]; error?: unknown; isOver: boolean } {
  const seen: { items: U[]; error?: unknown; isOver: boolean } = { items: [], isOver: false };
  (async () => {
    try {
      for await (const item of iterator) seen.items.push(map(item));
    } catch (error) {
      seen.error = error;
    }
    seen.isOver = true;
  })();
  return seen;
}

/** Lets time pass until a promise settles. */
export async function within<T>(fabric: TestFabric, promise: Promise<T>, limit: number | string = "10m"): Promise<T> {
  promise.catch(() => {});
  await fabric.advance(limit);
  const late = new Error(`not settled after ${limit}`);
  return await Promise.race([promise, new Promise<never>((_, reject) => setTimeout(() => reject(late), 1000))]);
}

/** Makes the gateway late: at a moment, more keys have ended just before than one sweep takes. */
export async function crowd(client: { kv(): KVClient }, ttlMs: number): Promise<void> {
  for (let n = 0; n < 600; n++) {
    await client.kv().put({ key: `crowd ${n}`, value: bytes("v"), ttl: (ttlMs - 1) / 1000, scope: KVScope.Global });
  }
}

/** A store whose keys and values answer later, as one behind a network would, and keep their order. */
export function lateStore(): Store {
  const store = memoryStore();
  const late = async <T>(read: () => T): Promise<T> => {
    for (let round = 0; round < 3; round++) await undefined;
    const value = read();
    for (let round = 0; round < 3; round++) await undefined;
    return value;
  };
  const kv = store.kv;
  const slow: KvStore = {
    get: (...args) => late(() => kv.get(...args)) as ReturnType<KvStore["get"]>,
    // Copied at once: what it was given may be overwritten before it is written.
    put: (space, key, value, write) => {
      const copy = value.slice();
      return late(() => kv.put(space, key, copy, write)) as ReturnType<KvStore["put"]>;
    },
    delete: (...args) => late(() => kv.delete(...args)) as ReturnType<KvStore["delete"]>,
    purge: (...args) => late(() => kv.purge(...args)) as ReturnType<KvStore["purge"]>,
    list: (...args) => late(() => kv.list(...args)) as ReturnType<KvStore["list"]>,
    changes: (...args) => late(() => kv.changes(...args)) as ReturnType<KvStore["changes"]>,
    forgotten: (...args) => late(() => kv.forgotten(...args)) as ReturnType<KvStore["forgotten"]>,
    count: (...args) => late(() => kv.count(...args)) as ReturnType<KvStore["count"]>,
    expire: (...args) => kv.expire(...args),
    nextExpiry: () => kv.nextExpiry(),
    forget: (...args) => kv.forget(...args),
  };
  const tasks = store.tasks;
  return {
    log: store.log,
    dedupe: store.dedupe,
    kv: slow,
    tasks: {
      put: (record) => tasks.put(record),
      change: (...args) => tasks.change(...args),
      get: (...args) => late(() => tasks.get(...args)) as ReturnType<TaskStore["get"]>,
      list: (...args) => late(() => tasks.list(...args)) as ReturnType<TaskStore["list"]>,
      alive: () => late(() => tasks.alive()) as ReturnType<TaskStore["alive"]>,
      expire: (...args) => tasks.expire(...args),
    },
    isVolatile: store.isVolatile,
    flush: () => store.flush(),
    fault: () => store.fault(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** An answer to a bare call. */
export interface BareReply {
  // deno-lint-ignore no-explicit-any
  output?: any;
  // deno-lint-ignore no-explicit-any
  error?: any;
}

/** A client that says exactly what it is told to, right or wrong. */
export interface BareClient {
  /** Sends a call frame with a body of its own; settles with the reply. */
  send(body: unknown, id?: number): Promise<BareReply>;
  /** Calls an operation. */
  call(op: string, input?: unknown): Promise<BareReply>;
  /** Cancels a call. */
  cancel(id: number): void;
  /** Sends some frames as one message. */
  frames(lay: (writer: FrameWriter) => void): void;
  /** Close code, when the connection has ended. */
  readonly closed: Promise<number>;
}

/** Connects one. */
export async function bare(
  gateway: Gateway,
  identity: Record<string, unknown> = { type: "agent", workspace: "test", implementation: "bare", specifier: "1" },
  more: Record<string, unknown> = {},
): Promise<BareClient> {
  const welcome = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const open = new Map<number, (reply: BareReply) => void>();
  const transport = await gateway.dial()(new URL("ws://in-process/"), {
    received(message) {
      eachFrame(message, (kind, frame, start, end) => {
        if (kind === FrameKind.Welcome) welcome.resolve();
        if (kind !== FrameKind.Reply) return;
        const body = decodeStructured(frame.slice(start + 12, end));
        open.get(readU32(frame, start + 8))?.(frame[start + 5] & FLAG_ERROR ? { error: body } : { output: body });
      });
    },
    alive: () => {},
    closed: ({ code }) => closed.resolve(code),
  }, { signal: new AbortController().signal });
  let next = 1;
  const frames = (lay: (writer: FrameWriter) => void): void => {
    const writer = new FrameWriter(0);
    lay(writer);
    transport.send(writer.take());
  };
  frames((writer) =>
    writer.structured(FrameKind.Hello, encodeStructured({ identity, producer: "Abcdefgh-_01", ...more }))
  );
  await Promise.race([welcome.promise, closed.promise]);
  const send = (body: unknown, id = next++): Promise<BareReply> => {
    const { promise, resolve } = Promise.withResolvers<BareReply>();
    open.set(id, resolve);
    frames((writer) => writer.structured(FrameKind.Call, encodeStructured(body), id));
    return promise;
  };
  return {
    send,
    call: (op, input) => send({ op, in: input }),
    cancel: (id) => frames((writer) => writer.cancel(id)),
    frames,
    closed: closed.promise,
  };
}
