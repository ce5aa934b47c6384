/** Processes that a scenario starts. They end with the process that started them. */
import { createInterface } from "node:readline";
import { command, line, type Runtime, start } from "./child.ts";
import type { Sleeper, WorkerProcess } from "./scenario.ts";

function own(): Runtime {
  return "Bun" in globalThis ? "bun" : "deno";
}

/** Starts one that takes tasks, of the same runtime; resolves when it does. The option `isolates` puts them into isolates. */
export async function startWorker(fabric: string, url: string, slots: number, option = ""): Promise<WorkerProcess> {
  const child = start([...command(own()), "bench/worker.ts", fabric, url, String(slots), option]);
  const worker: WorkerProcess = { onBegin: () => {}, kill: () => void child.kill("SIGKILL") };
  const ready = line(child, "{");
  createInterface({ input: child.stdout! }).on("line", (text) => text === "begun" && worker.onBegin());
  await ready;
  return worker;
}

/** How long a fresh process of the same runtime needs until its first welcome or answer, in ms. */
export async function coldStart(fabric: string, url: string, what: "join" | "fetch"): Promise<number> {
  const began = performance.now();
  const child = start([...command(own()), "bench/cold.ts", fabric, url, what]);
  await line(child, "{");
  const took = performance.now() - began;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
  return took;
}

/** Starts a party that can be put to sleep. */
export async function startSleeper(fabric: string, url: string, index: number): Promise<Sleeper> {
  const child = start([...command(own()), "bench/sleeper.ts", fabric, url, String(index)]);
  await line(child, "{");
  return { sleep: () => void child.stdin!.write("sleep\n") };
}
