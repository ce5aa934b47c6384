/**
 * What a worker pool's threads and processes run: loads the module it is told and does its tasks.
 * @module
 */
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { type GuestPlatform, runGuest } from "../worker/isolate_guest.ts";
import type { Port } from "../worker/isolate_line.ts";

function threadPort(): Port {
  const port = parentPort!;
  return {
    post: (bytes) => port.postMessage(bytes, [bytes.buffer as ArrayBuffer]),
    listen: (take) => void port.on("message", take),
  };
}

function processPort(): Port {
  return {
    post: (bytes) => void process.send!(bytes),
    listen: (take) => void process.on("message", (bytes) => take(bytes as Uint8Array)),
  };
}

const isThread = !isMainThread;
const data = workerData as { module: string; begun: Int32Array };
const name = isThread ? data.module : process.argv.at(-1)!;
const platform: GuestPlatform = {
  load: () => import(name),
  usedBytes: () => isThread ? process.memoryUsage().heapUsed : process.memoryUsage().rss,
  ...(isThread && { begun: (number) => void Atomics.store(data.begun, 0, number) }),
  exit: () => process.exit(0),
};
if (!isThread) {
  // The pool decides when an isolate ends; a signal of the terminal goes to all of them at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.on("disconnect", () => process.exit(0));
}
await runGuest(isThread ? threadPort() : processPort(), name, platform);
