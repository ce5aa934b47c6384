/** One cell of the matrix: a fresh server process, a fresh client process, and their end whatever happens. */
import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import { createServer } from "node:net";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { type Carrier, startHttp } from "../http/start.ts";
import { command, line, type Runtime, start } from "./child.ts";
import type { Ready } from "./ready.ts";
import type { Figures } from "./scenario.ts";

export type { Runtime } from "./child.ts";
/** What is measured. */
export type Fabric = Carrier | "nats" | "jetstream" | "bullmq";
/** What the server keeps things in. */
export type Kept = "memory" | "sqlite";
/** A scenario on a pair of runtimes and a store; the server of a peer has no runtime of ours. */
export interface Cell {
  readonly scenario: string;
  readonly gateway: Runtime;
  readonly clients: Runtime;
  readonly store: Kept;
}

const TIMEOUT_MS = 15_000;
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
export async function measure(cell: Cell, fabric: Fabric, ms: number): Promise<Figures> {
  let stop = (_: Error): void => {};
  const late = new Promise<never>((_, reject) => (stop = reject));
  const timer = setTimeout(() => stop(new Error(`not done after ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-bench-"));
  try {
    return await Promise.race([late, both(cell, fabric, folder, ms)]);
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

async function both(cell: Cell, fabric: Fabric, folder: string, ms: number): Promise<Figures> {
  const { scenario, gateway, store } = cell;
  // The control of what is kept is the database itself, in the process that would be the server.
  const isAlone = fabric === "control" && store === "sqlite";
  const { url, meter } = isAlone ? { url: folder, meter: "" } : await startServer(cell, fabric, folder);
  const args = ["bench/client.ts", scenario, isAlone ? "alone" : fabric, url, meter, String(ms)];
  return JSON.parse(await line(launch([...command(isAlone ? gateway : cell.clients), ...args]), "{")) as Figures;
}

async function startServer(cell: Cell, fabric: Fabric, folder: string): Promise<{ url: string; meter: string }> {
  const { gateway, store } = cell;
  if (cell.scenario === "proxy") return await startHttp(fabric as Carrier, gateway, launch);
  if (fabric === "nats") return await startNats([]);
  if (fabric === "jetstream") {
    const { url, meter } = await startNats(["-js", "-sd", folder]);
    return { url: `${url}#${store}`, meter };
  }
  if (fabric === "bullmq") return await startRedis(store, folder);
  const file = fabric === "ours" ? ["bench/gateway.ts", store, folder] : ["bench/controls/server.ts"];
  return JSON.parse(await line(launch([...command(gateway), ...file]), "{")) as Ready;
}

async function startNats(flags: string[]): Promise<{ url: string; meter: string }> {
  const server = launch(["nats-server", "-a", "127.0.0.1", "-p", "-1", ...flags]);
  const said = await line(server, "Listening for client connections on ");
  return { url: said.slice(said.lastIndexOf(" ") + 1), meter: "" };
}

/** A store in SQLite is compared with a log that is synchronised every second, a store in memory with none. */
async function startRedis(store: Kept, folder: string): Promise<{ url: string; meter: string }> {
  const port = String(await freePort());
  const kept = store === "sqlite" ? ["--appendonly", "yes", "--appendfsync", "everysec"] : ["--appendonly", "no"];
  const place = ["--bind", "127.0.0.1", "--port", port, "--dir", folder];
  await line(launch(["redis-server", ...place, "--save", "", ...kept]), "Ready to accept connections");
  return { url: `redis://127.0.0.1:${port}`, meter: "" };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function launch(words: string[]): ChildProcess {
  const child = start(words);
  children.add(child);
  return child;
}
