/** One cell of the matrix: a fresh server process, a fresh client process, and their end whatever happens. */
import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import type { Carrier } from "../http/start.ts";
import { command, line, ROOT, type Runtime, start } from "./child.ts";
import type { Job } from "./job.ts";
import type { Figures } from "./scenario.ts";
import { startServer } from "./servers.ts";

export type { Runtime } from "./child.ts";
/** What is measured; `base` is ours in another state of the project. */
export type Fabric =
  | Carrier
  | "base"
  | "threads"
  | "nats"
  | "jetstream"
  | "bullmq"
  | "graphile"
  | "socketio"
  | "socketio_bun"
  | "grpc";
/** What the server keeps things in. */
export type Kept = "memory" | "sqlite";
/** A scenario on a pair of runtimes and a store; the server of a peer has no runtime of ours. */
export interface Cell {
  readonly scenario: string;
  readonly gateway: Runtime;
  readonly clients: Runtime;
  readonly store: Kept;
}
/** How a cell is measured. */
export interface Way {
  /** How long one figure takes, in ms. */
  readonly ms: number;
  /** A cell that takes longer has failed. */
  readonly timeoutMs: number;
  /** Folder of the other state of the project, for `base`. */
  readonly base?: string;
}

const children = new Set<ChildProcess>();
let folder: string | undefined;

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
  if (folder) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folder = undefined;
}

/** Measures one cell once. */
export async function measure(cell: Cell, fabric: Fabric, way: Way): Promise<Figures> {
  let stop = (_: Error): void => {};
  const late = new Promise<never>((_, reject) => (stop = reject));
  const timer = setTimeout(() => stop(new Error(`not done after ${way.timeoutMs} ms`)), way.timeoutMs);
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-bench-"));
  try {
    return await Promise.race([late, both(cell, fabric, folder, way)]);
  } finally {
    clearTimeout(timer);
    await ended();
  }
}

/** What still writes into the folder must be gone before the folder is. */
async function ended(): Promise<void> {
  const gone = [...children].map((child) =>
    child.exitCode !== null || child.signalCode !== null
      ? undefined
      : new Promise<void>((resolve) => void child.once("exit", () => resolve()))
  );
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(gone);
  killAll();
}

async function both(cell: Cell, fabric: Fabric, folder: string, { ms, base }: Way): Promise<Figures> {
  const { scenario, gateway, store } = cell;
  const isBase = fabric === "base";
  const launch = (words: string[]): ChildProcess => {
    const child = start(words, isBase ? base : ROOT);
    children.add(child);
    return child;
  };
  // The control of what is kept is the database itself, in the process that would be the server.
  const isAlone = fabric === "control" && store === "sqlite";
  const began = performance.now();
  const server = isAlone
    ? { url: folder, meter: "", pid: 0 }
    : await startServer(cell, isBase ? "ours" : fabric, folder, launch);
  const bootMs = performance.now() - began;
  const job: Job = { scenario, fabric: isAlone ? "alone" : isBase ? "ours" : fabric, ...server, ms, bootMs };
  const client = launch([...command(isAlone ? gateway : cell.clients), "bench/client.ts", JSON.stringify(job)]);
  return JSON.parse(await line(client, "{")) as Figures;
}
