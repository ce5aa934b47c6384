/**
 * Workers at a gateway, to be killed: `alone`, in this process, or a `pool` with processes as isolates. Prints lines of JSON:
 * {"isolate": …} for each isolate that takes tasks, and {"pid": …} when it takes tasks itself.
 */
import process from "node:process";
import { type ClientOptions, TaskClient } from "../../mod.ts";
import { createWorker, runWorkerPool } from "../../src/worker/mod.ts";
import { note } from "./journal.ts";

const [address, how] = process.argv.slice(2);
const journal = process.env.CRASH_JOURNAL!;
const { pid } = process;
// Whoever started us holds our stdin; when it is gone, there is nobody left to work for.
process.stdin.on("end", () => process.exit(0)).resume();

const options: ClientOptions & { workspace: string } = {
  address,
  workspace: "fire",
  reconnectDelay: 50,
  maxReconnectDelay: 200,
};
const say = (said: Record<string, unknown>): void => console.log(JSON.stringify(said));
const heard = (taskId: string, attempt: number, outcome: string, isAccepted: boolean): void => {
  if (outcome === "completed" && isAccepted) note(journal, { what: "accepted", taskId, attempt, host: pid });
  if (outcome !== "released" && !isAccepted) note(journal, { what: "refused", taskId, attempt, host: pid });
};

if (how === "pool") {
  // For the isolates, which inherit it.
  process.env.CRASH_HOST = "pool";
  await runWorkerPool({
    ...options,
    module: new URL("./fire_tasks.ts", import.meta.url),
    processes: 2,
    slots: 3,
    isolate: "process",
    onEvent: (event) => {
      if (event.type === "started") say({ isolate: Number(event.isolate.replace("process ", "")) });
      else if (event.type === "ready") say({ pid });
      else if (event.type === "task") heard(event.taskId, event.attempt, event.outcome, event.isAccepted);
    },
  });
} else {
  const { job } = await import("./fire_tasks.ts");
  const client = new TaskClient({ ...options, implementation: job.type });
  await client.connect();
  const worker = createWorker(client, { tasks: [job], slots: 4 });
  worker.onEnded(({ assignment: { taskId, attempt }, outcome, isAccepted }) => {
    heard(taskId, attempt, outcome.kind, isAccepted);
  });
  await worker.ready();
  say({ pid });
}
