/**
 * Callers and workers over NATS JetStream: its key-value store, and a work queue whose results go back over NATS core.
 * After `#` the URL says where streams are kept.
 */
import { expect, KEY_PREFIX, keys, type Works } from "../lib/scenario.ts";
import { connect, type Connection } from "./nats.ts";
import { peer } from "./packages.ts";

interface Bucket {
  put(key: string, bytes: Uint8Array): Promise<unknown>;
  get(key: string): Promise<{ readonly value: Uint8Array } | null>;
  watch(options: { key: string }): Promise<AsyncIterable<{ readonly key: string }>>;
}
interface Kv {
  readonly Kvm: new (connection: Connection) => { create(name: string, options: unknown): Promise<Bucket> };
}
interface Job {
  readonly subject: string;
  readonly data: Uint8Array;
  ack(): void;
}
interface Consumer {
  consume(options: { max_messages: number; callback: (job: Job) => void }): Promise<unknown>;
}
interface JetStream {
  jetstream(connection: Connection): {
    publish(subject: string, bytes: Uint8Array): Promise<unknown>;
    readonly consumers: { get(stream: string, consumer: string): Promise<Consumer> };
  };
  jetstreamManager(connection: Connection): Promise<{
    readonly streams: { add(options: unknown): Promise<unknown> };
    readonly consumers: { add(stream: string, options: unknown): Promise<unknown> };
  }>;
}

/** Connects callers, who share a connection. */
export async function works(address: string): Promise<Works> {
  const [url, kept] = address.split("#");
  const connection = await connect(url);
  const storage = kept === "sqlite" ? "file" : "memory";
  let bucket: Bucket;
  const open = async (): Promise<Bucket> => {
    const { Kvm } = await peer<Kv>("@nats-io/kv");
    return (bucket ??= await new Kvm(connection).create("bench", { history: 1, storage }));
  };
  return {
    async put(bytes) {
      const [pairs, key] = [await open(), keys()];
      return { call: () => pairs.put(key(), bytes) };
    },
    async get() {
      const [pairs, key] = [await open(), keys()];
      return { call: async () => expect((await pairs.get(key()))?.value) };
    },
    async watch(watchers, heard) {
      const pairs = await open();
      const follow = async (changes: AsyncIterable<{ readonly key: string }>): Promise<void> => {
        for await (const { key } of changes) heard(key);
      };
      for (let at = 0; at < watchers; at++) void follow(await pairs.watch({ key: `${KEY_PREFIX}>` }));
    },
    set: async (key, bytes) => await (await open()).put(key, bytes),
    async task(bytes) {
      const { publish } = await queue(connection, storage);
      const waiting = new Map<string, (result: Uint8Array) => void>();
      const done = "done.".length;
      connection.subscribe("done.*", {
        callback: (_, { subject, data }) => {
          const id = subject.slice(done);
          waiting.get(id)?.(data);
          waiting.delete(id);
        },
      });
      await connection.flush();
      let next = 0;
      const call = async (): Promise<void> => {
        const id = String(next++);
        const result = new Promise<Uint8Array>((resolve) => waiting.set(id, resolve));
        await publish(`work.${id}`, bytes);
        expect(await result);
      };
      return { call };
    },
  };
}

/** Takes tasks. */
export async function labour(address: string, slots: number): Promise<void> {
  const [url, kept] = address.split("#");
  const connection = await connect(url);
  const { consumer } = await queue(connection, kept === "sqlite" ? "file" : "memory");
  const work = "work.".length;
  const callback = (job: Job): void => {
    connection.publish(`done.${job.subject.slice(work)}`, job.data);
    job.ack();
  };
  await (await consumer()).consume({ max_messages: slots, callback });
}

async function queue(connection: Connection, storage: string): Promise<{
  publish(subject: string, bytes: Uint8Array): Promise<unknown>;
  consumer(): Promise<Consumer>;
}> {
  const { jetstream, jetstreamManager } = await peer<JetStream>("@nats-io/jetstream");
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "work", subjects: ["work.*"], retention: "workqueue", storage });
  await manager.consumers.add("work", { durable_name: "pool", ack_policy: "explicit" });
  const stream = jetstream(connection);
  return {
    publish: (subject, bytes) => stream.publish(subject, bytes),
    consumer: () => stream.consumers.get("work", "pool"),
  };
}
