/** Worker processes of a scenario. They end with the process that started them. */
import { createInterface } from "node:readline";
import { command, line, start } from "./child.ts";
import type { WorkerProcess } from "./scenario.ts";

/** Starts one, of the same runtime; resolves when it takes tasks. */
export async function startWorker(fabric: string, url: string, slots: number): Promise<WorkerProcess> {
  const runtime = "Bun" in globalThis ? "bun" : "deno";
  const child = start([...command(runtime), "bench/worker.ts", fabric, url, String(slots)]);
  const worker: WorkerProcess = { onBegin: () => {}, kill: () => void child.kill("SIGKILL") };
  const ready = line(child, "{");
  createInterface({ input: child.stdout! }).on("line", (text) => text === "begun" && worker.onBegin());
  await ready;
  return worker;
}
