/** Callers and workers over BullMQ, where a `redis-server` is on PATH. Its payloads are JSON: a text of the same length. */
import type { Work, Works } from "../lib/scenario.ts";
import { peer, type Presence, present } from "./packages.ts";

interface Options {
  readonly connection: { readonly host: string; readonly port: number; readonly maxRetriesPerRequest: null };
}
interface Job<T> {
  readonly data: T;
  waitUntilFinished(events: unknown): Promise<T>;
}
interface BullMQ {
  readonly Queue: new (name: string, options: Options) => {
    waitUntilReady(): Promise<unknown>;
    add<T>(name: string, data: T, options: Record<string, unknown>): Promise<Job<T>>;
  };
  readonly QueueEvents: new (name: string, options: Options) => { waitUntilReady(): Promise<unknown> };
  readonly Worker: new (
    name: string,
    run: <T>(job: Job<T>) => Promise<T>,
    options: Options & { readonly concurrency: number },
  ) => { waitUntilReady(): Promise<unknown> };
}

const QUEUE = "bench";
/** Somebody who waits for a job must still find it. */
const KEPT = { removeOnComplete: { count: 1000 } };

/** Fetches what is missing. */
export function prepare(): Presence {
  return present("redis-server", ["bullmq", "ioredis"], "bullmq");
}

/** Connects callers, who share connections. */
export async function works(url: string): Promise<Works> {
  const { Queue, QueueEvents } = await peer<BullMQ>("bullmq");
  const [queue, events] = [new Queue(QUEUE, options(url)), new QueueEvents(QUEUE, options(url))];
  await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
  const task = (bytes: Uint8Array): Promise<Work> => {
    const data = { text: "x".repeat(bytes.length) };
    const call = async (): Promise<void> => {
      const job = await queue.add("echo", data, KEPT);
      const { text } = await job.waitUntilFinished(events);
      if (text.length !== bytes.length) throw new Error("what came back is not what was given");
    };
    return Promise.resolve({ call });
  };
  return { task };
}

/** Takes tasks. */
export async function labour(url: string, slots: number): Promise<void> {
  const { Worker } = await peer<BullMQ>("bullmq");
  const worker = new Worker(QUEUE, ({ data }) => Promise.resolve(data), { ...options(url), concurrency: slots });
  await worker.waitUntilReady();
}

function options(url: string): Options {
  const { hostname: host, port } = new URL(url);
  return { connection: { host, port: Number(port), maxRetriesPerRequest: null } };
}
