/** One cell of the matrix: a fresh server process, a fresh client process, and their end whatever happens. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Ready } from "./ready.ts";
import type { Figures } from "./scenario.ts";

/** Where code runs. */
export type Runtime = "bun" | "deno";
/** What is measured. */
export type Fabric = "ours" | "control" | "nats";
/** A scenario on a pair of runtimes; NATS's server has none of its own. */
export interface Cell {
  readonly scenario: string;
  readonly gateway: Runtime;
  readonly clients: Runtime;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TIMEOUT_MS = 15_000;
const children = new Set<ChildProcess>();

process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

function killAll(): void {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
}

/** How a file is run. */
export function command(runtime: Runtime): string[] {
  const binary = `${ROOT}node_modules/.bin/${runtime}`;
  return runtime === "bun" ? [binary, "run"] : [binary, "run", "-A", "--v8-flags=--expose-gc"];
}

/** Measures one cell once. */
export async function measure(cell: Cell, fabric: Fabric, ms: number): Promise<Figures> {
  let stop = (_: Error): void => {};
  const late = new Promise<never>((_, reject) => (stop = reject));
  const timer = setTimeout(() => stop(new Error(`not done after ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  try {
    return await Promise.race([late, both(cell, fabric, ms)]);
  } finally {
    clearTimeout(timer);
    killAll();
  }
}

async function both(cell: Cell, fabric: Fabric, ms: number): Promise<Figures> {
  const { url, meter } = fabric === "nats" ? await startNats() : await startServer(cell.gateway, fabric);
  const args = ["bench/client.ts", cell.scenario, fabric, url, meter, String(ms)];
  return JSON.parse(await line(start([...command(cell.clients), ...args]), "{")) as Figures;
}

async function startServer(runtime: Runtime, fabric: Fabric): Promise<Ready> {
  const file = fabric === "ours" ? "bench/gateway.ts" : "bench/controls/server.ts";
  return JSON.parse(await line(start([...command(runtime), file]), "{")) as Ready;
}

async function startNats(): Promise<{ url: string; meter: string }> {
  const said = await line(
    start(["nats-server", "-a", "127.0.0.1", "-p", "-1"]),
    "Listening for client connections on ",
  );
  return { url: said.slice(said.lastIndexOf(" ") + 1), meter: "" };
}

function start([file, ...args]: string[]): ChildProcess {
  const child = spawn(file, args, { cwd: ROOT, stdio: ["pipe", "pipe", "pipe"] });
  children.add(child);
  return child;
}

/** The first line that contains a text; what else was said is the reason when there is none. */
function line(child: ChildProcess, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const hear = (text: string): void => {
      if (text.includes(wanted) && (wanted !== "{" || text.startsWith("{"))) resolve(text);
      else said = `${said}\n${text}`.slice(-2000);
    };
    createInterface({ input: child.stdout! }).on("line", hear);
    createInterface({ input: child.stderr! }).on("line", hear);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`a process ended with ${code}:${said}`)));
  });
}
