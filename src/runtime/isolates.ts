// How a worker pool's isolates are made: threads by node:worker_threads, processes by node:child_process, which Deno, Bun
// and Node all have.
import { type ChildProcess, fork, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker as Thread } from "node:worker_threads";
import { ENDED, type Launched } from "../worker/isolate_host.ts";

/** What an isolate is given. */
export interface LaunchOptions {
  /** URL of the module. */
  module: string;
  /** MiB it may use. */
  memoryMb?: number;
  /** What a process is started with besides. */
  args?: readonly string[];
}

/** Where src/runtime/isolate.ts is: beside this file, or at its place in dist/ when this file was bundled. */
function entry(): URL {
  const here = import.meta.url;
  if (here.endsWith(".ts")) return new URL("./isolate.ts", here);
  return new URL(`${here.slice(0, here.lastIndexOf("/dist/"))}/dist/src/runtime/isolate.js`);
}

/** Heap limits leave room above the soft limit, beyond which an isolate is replaced in peace. */
function heapMb(memoryMb: number): number {
  return Math.ceil(memoryMb * 1.5);
}

/** Makes a thread. */
export function launchThread({ module, memoryMb }: LaunchOptions): Launched {
  const begun = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Thread(entry(), {
    workerData: { module, begun },
    // Only Node keeps to it; elsewhere what an isolate says it uses must do.
    ...(memoryMb && { resourceLimits: { maxOldGenerationSizeMb: heapMb(memoryMb) } }),
  });
  let fault = "";
  thread.on("error", (error) => (fault = `: ${(error as Error)?.message ?? error}`));
  let isTerminated = false;
  return {
    name: `thread ${thread.threadId}`,
    port: {
      post: (bytes) => thread.postMessage(bytes, [bytes.buffer as ArrayBuffer]),
      listen: (take) => void thread.on("message", take),
    },
    begun: () => Atomics.load(begun, 0),
    terminate() {
      isTerminated = true;
      thread.terminate();
    },
    exited: new Promise((resolve) => {
      thread.on("exit", (code) => resolve(isTerminated ? ENDED : `exit code ${code}${fault}`));
    }),
  };
}

/** Makes a process. */
export function launchProcess(options: LaunchOptions): Launched {
  const child = "Deno" in globalThis ? spawnDeno(options) : forkNode(options);
  let isTerminated = false;
  let fault = "";
  return {
    name: `process ${child.pid}`,
    port: {
      post: (bytes) => {
        // One that has just died is heard of by its exit.
        if (child.connected) child.send(bytes as never, () => {});
      },
      listen: (take) => void child.on("message", (bytes) => take(bytes as unknown as Uint8Array)),
    },
    terminate() {
      isTerminated = true;
      child.kill("SIGKILL");
    },
    exited: new Promise((resolve) => {
      const end = (how: string): void => resolve(isTerminated ? ENDED : `${how}${fault}`);
      child.on("error", (error) => {
        fault = `: ${error.message}`;
        if (child.pid === undefined) end("it could not be started");
      });
      child.on("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    }),
  };
}

function forkNode({ module, memoryMb, args = [] }: LaunchOptions): ChildProcess {
  const isNode = !("Bun" in globalThis);
  const own = isNode && memoryMb ? [`--max-old-space-size=${heapMb(memoryMb)}`] : [];
  return fork(fileURLToPath(entry()), [module], {
    serialization: "advanced",
    execArgv: [...process.execArgv, ...own, ...args],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** Not by `fork`, which on Deno 2.9 gives the child every permission there is. */
function spawnDeno({ module, memoryMb, args = [] }: LaunchOptions): ChildProcess {
  const isolate = entry();
  const file = isolate.protocol === "file:" ? fileURLToPath(isolate) : isolate.href;
  const config = module.startsWith("file:") ? configAbove(fileURLToPath(module)) : undefined;
  const words = [
    "run",
    "--no-prompt",
    ...(config ? [`--config=${config}`] : []),
    ...(memoryMb ? [`--v8-flags=--max-old-space-size=${heapMb(memoryMb)}`] : []),
    ...grants(module),
    ...args,
    file,
    module,
  ];
  return spawn(process.execPath, words, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  } as never) as ChildProcess;
}

/** The nearest deno.json above a module: the isolate's own place says nothing about the user's project. */
function configAbove(file: string): string | undefined {
  for (let folder = path.dirname(file);; folder = path.dirname(folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const config = path.join(folder, name);
      if (fs.existsSync(config)) return config;
    }
    if (folder === path.dirname(folder)) return undefined;
  }
}

interface DenoLike {
  permissions: { querySync(of: { name: string; path?: string }): { state: string } };
}

/**
 * Permissions that this process has as a whole, and reading what it may read of the places where modules are. What else it
 * has in part cannot be found out, and is given by `args`.
 */
function grants(module: string): string[] {
  const { permissions } = (globalThis as unknown as { Deno: DenoLike }).Deno;
  const has = (name: string, path?: string): boolean => permissions.querySync({ name, path }).state === "granted";
  const own = ["write", "net", "env", "sys", "run", "ffi"].filter((name) => has(name)).map((name) => `--allow-${name}`);
  if (has("read")) return [...own, "--allow-read"];
  const here = entry();
  const places = [process.cwd(), module, here.href]
    .map((place) => place.startsWith("file:") ? path.dirname(fileURLToPath(place)) : place)
    .filter((place) => path.isAbsolute(place) && has("read", place));
  return places.length > 0 ? [...own, `--allow-read=${[...new Set(places)].join(",")}`] : own;
}
