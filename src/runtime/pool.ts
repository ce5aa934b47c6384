/**
 * Worker pools on Deno, Bun and Node.
 * @module
 */
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { InvalidArgumentError } from "../errors.ts";
import { systemClock } from "../base/clock.ts";
import { TaskClient } from "../client/task.ts";
import { tasksOf } from "../worker/isolate_guest.ts";
import { Pool, type PoolResult } from "../worker/pool.ts";
import type { WorkerPoolOptions } from "../worker/pool_options.ts";
import { launchProcess, launchThread } from "./isolates.ts";

/** Several changes of one save, or of one build, are one. */
const QUIET_MS = 150;
/** npm passes a Ctrl-C on to a script that the terminal has told already: that near, two signals are one. */
const SAME_SIGNAL_MS = 250;

/**
 * Runs the tasks of a module in isolates until SIGTERM, SIGINT or `signal` stops it, or it has been idle for long enough.
 * The connections are this process's own: an isolate that hangs or crashes costs nobody else anything, and its tasks are
 * handed back at once. Resolves when everything is handed back.
 * @throws {InvalidArgumentError} when the module has no tasks or an option makes no sense
 * @throws {AuthenticationError} when the gateway does not accept the credentials
 * @throws {ConnectionError} when the gateway cannot be reached
 */
export async function runWorkerPool(options: WorkerPoolOptions): Promise<PoolResult> {
  const { module, workspace, implementation, processes = 1, slots = 1, isolate = "thread", memoryMb } = options;
  const { watch, idleExitMs, drainMs = 10_000, graceMs, reconnectMs, isolateArgs, signal } = options;
  const { handleSignals = true, countQueue, onEvent, ...clientOptions } = options;
  for (const [name, value] of Object.entries({ processes, slots })) {
    if (Number.isInteger(value) && value > 0) continue;
    throw new InvalidArgumentError(`Cannot run a pool with ${value} ${name}: a number from 1 is needed`, name);
  }
  if (!["thread", "process", "none"].includes(isolate)) {
    throw new InvalidArgumentError(`Cannot isolate by "${isolate}": there are thread, process and none`, "isolate");
  }
  if (isolate === "none" && (watch || memoryMb !== undefined)) {
    const name = watch ? "watch" : "memoryMb";
    throw new InvalidArgumentError(`Cannot use ${name} without isolates: choose thread or process`, name);
  }
  const url = urlOf(module);
  const launch = isolate === "thread" ? launchThread : launchProcess;
  const pool = new Pool({
    processes,
    slots,
    drainMs,
    graceMs,
    reconnectMs,
    idleExitMs,
    memoryBytes: memoryMb && memoryMb * 2 ** 20,
    implementation,
    workspace,
    clock: systemClock,
    launch: isolate === "none" ? undefined : () => launch({ module: url, memoryMb, args: isolateArgs }),
    load: async () => tasksOf(await import(url), url),
    client: (name) => new TaskClient({ ...clientOptions, workspace, implementation: name }),
    isCounting: countQueue,
    onEvent,
  });
  const ends: (() => void)[] = [];
  const stop = (why: string): void => void pool.stop(why);
  signal?.throwIfAborted();
  if (handleSignals) onSignals(ends, stop);
  const abort = (): void => stop("aborted");
  signal?.addEventListener("abort", abort, { once: true });
  ends.push(() => signal?.removeEventListener("abort", abort));
  try {
    await pool.start();
    if (watch) watchFolder(path.dirname(fileURLToPath(url)), ends, (file) => pool.reload(`${file} has changed`));
    return await pool.over;
  } finally {
    for (const end of ends) end();
  }
}

function urlOf(module: string | URL): string {
  if (module instanceof URL) return module.href;
  if (/^[a-z][a-z0-9+.-]+:/i.test(module) && !path.isAbsolute(module)) return module;
  const file = path.resolve(module);
  if (!fs.existsSync(file)) throw new InvalidArgumentError(`Cannot load the tasks: there is no ${file}`, "module");
  return pathToFileURL(file).href;
}

function onSignals(ends: (() => void)[], stop: (why: string) => void): void {
  let firstAt: number | undefined;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    const heard = (): void => {
      const now = performance.now();
      if (firstAt !== undefined && now - firstAt > SAME_SIGNAL_MS) process.exit(130);
      firstAt ??= now;
      stop(name);
    };
    process.on(name, heard);
    ends.push(() => void process.off(name, heard));
  }
}

/** Says which file below a folder has changed, when nothing changes any more. */
function watchFolder(folder: string, ends: (() => void)[], changed: (file: string) => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watcher = fs.watch(folder, { recursive: true }, (_, name) => {
    const file = String(name ?? "");
    if (/(^|[\\/])(node_modules|\.git)([\\/]|$)/.test(file) || !/\.(?:[cm]?[jt]sx?|json)$/.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => changed(file), QUIET_MS);
  });
  ends.push(() => {
    clearTimeout(timer);
    watcher.close();
  });
}
