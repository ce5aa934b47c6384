/**
 * Callers and workers over graphile-worker, where a PostgreSQL server is on PATH. It keeps no results: a worker tells them by
 * NOTIFY, as its users do, and callers listen.
 */
import type { Work, Works } from "../lib/scenario.ts";
import { peer } from "./packages.ts";

interface PgClient {
  connect(): Promise<void>;
  query(text: string): Promise<unknown>;
  on(event: "notification", hear: (message: { payload: string }) => void): void;
}
interface Pg {
  readonly default: {
    readonly Pool: new (options: { connectionString: string; max: number }) => unknown;
    readonly Client: new (options: { connectionString: string }) => PgClient;
  };
}
interface Graphile {
  makeWorkerUtils(options: { pgPool: unknown }): Promise<{
    migrate(): Promise<void>;
    addJob(name: string, payload: unknown): Promise<{ id: string }>;
  }>;
  run(options: Record<string, unknown>): Promise<unknown>;
  readonly Logger: new (factory: () => () => void) => unknown;
}
interface Helpers {
  readonly job: { readonly id: string };
  query(text: string, values: readonly unknown[]): Promise<unknown>;
}

const CHANNEL = "done";

/** Connects callers, who share connections. */
export async function works(url: string): Promise<Works> {
  const { default: { Pool, Client } } = await peer<Pg>("pg");
  const { makeWorkerUtils } = await peer<Graphile>("graphile-worker");
  const utils = await makeWorkerUtils({ pgPool: new Pool({ connectionString: url, max: 10 }) });
  const ear = new Client({ connectionString: url });
  const waiting = new Map<string, (text: string) => void>();
  const early = new Map<string, string>();
  ear.on("notification", ({ payload }) => {
    const at = payload.indexOf(" ");
    const [id, text] = [payload.slice(0, at), payload.slice(at + 1)];
    const hear = waiting.get(id);
    if (hear) hear(text);
    else early.set(id, text);
  });
  await ear.connect();
  await ear.query(`listen ${CHANNEL}`);
  const resultOf = (id: string): Promise<string> | string => {
    const text = early.get(id);
    if (text !== undefined) return (early.delete(id), text);
    return new Promise((resolve) => waiting.set(id, (said) => (waiting.delete(id), resolve(said))));
  };
  const task = (bytes: Uint8Array): Promise<Work> => {
    const text = "x".repeat(bytes.length);
    const call = async (): Promise<void> => {
      const { id } = await utils.addJob("echo", { text });
      if ((await resultOf(String(id))) !== text) throw new Error("what came back is not what was given");
    };
    return Promise.resolve({ call });
  };
  return { task };
}

/** Takes tasks. */
export async function labour(url: string, slots: number): Promise<void> {
  const { default: { Pool } } = await peer<Pg>("pg");
  const { Logger, run } = await peer<Graphile>("graphile-worker");
  const echo = async ({ text }: { text: string }, { job, query }: Helpers): Promise<void> => {
    await query("select pg_notify($1, $2)", [CHANNEL, `${job.id} ${text}`]);
  };
  await run({
    pgPool: new Pool({ connectionString: url, max: Math.min(slots + 2, 30) }),
    concurrency: slots,
    noHandleSignals: true,
    // A line for each job would be measured too.
    logger: new Logger(() => () => {}),
    taskList: { echo },
  });
}
