import process from "node:process";
import { runWorkerPool } from "../../runtime/pool.ts";
import type { PoolEvent } from "../../worker/pool.ts";
import { addressOf, credentialsOf, exitCode } from "../connect.ts";
import { readEnv } from "../env.ts";
import type { Output } from "../output.ts";
import type { WorkerOptions } from "../worker_args.ts";

/** Where there is no terminal, how far it is is said this seldom, in ms. */
const LINE_MS = 5_000;

/** `aether worker`: does the tasks of a module until a signal stops it. @returns the exit code */
export async function worker(options: WorkerOptions, output: Output): Promise<number> {
  const { address: said, workspace = readEnv("AETHER_WORKSPACE"), json: _, ...more } = options;
  if (workspace === undefined) {
    output.error("There is no workspace: say --workspace, or set AETHER_WORKSPACE");
    return 2;
  }
  const { module, token, apiKey, tenant, ...pool } = more;
  const address = addressOf(said);
  const show = display(output, address, options);
  try {
    const { why } = await runWorkerPool({
      ...pool,
      module,
      address,
      workspace,
      credentials: credentialsOf({ token, apiKey, tenant }),
      countQueue: true,
      onEvent: show,
    });
    return why === "SIGINT" ? 130 : 0;
  } catch (error) {
    output.error(error instanceof Error ? error.message : String(error));
    return exitCode(error);
  }
}

/** How events are shown: as they are to programs, in words and a line that changes to people. */
function display(output: Output, address: string, options: WorkerOptions): (event: PoolEvent) => void {
  let lastAt = performance.now();
  let last = "";
  const stats = (event: Extract<PoolEvent, { type: "stats" }>): void => {
    const { running, done, failed, perSecond } = event;
    const over = done + failed;
    const total = event.total && Math.max(event.total, over + running);
    const text = [
      total === undefined ? `${over} done` : `${over} of ${total}`,
      `${perSecond.toFixed(1)}/s`,
      `${running} running`,
      ...(failed > 0 ? [`${failed} failed`] : []),
    ].join("  ");
    if (output.isTerminal) return output.status(total ? `${output.bar(over, total)} ${text}` : text);
    const key = `${over} ${running} ${total}`;
    if (key === last || performance.now() - lastAt < LINE_MS) return;
    last = key;
    lastAt = performance.now();
    output.line(text);
  };
  return (event) => {
    const { type, ...fields } = event;
    if (output.isJson) return output.event(type, type === "ready" ? { ...fields, address, pid: process.pid } : fields);
    switch (event.type) {
      case "ready": {
        const { processes, slots, implementation, workspace, tasks } = event;
        const isolates = options.isolate === "none" ? "this process" : plural(processes, options.isolate);
        output.line(`${output.bold(implementation)} in ${workspace} at ${address}: ${tasks.join(", ")}`);
        output.line(output.dim(`${isolates} × ${plural(slots, "slot")}; Ctrl-C lets what runs finish and stops`));
        const elsewhere = Object.entries(event.elsewhere).map(([task, own]) => `"${task}" in "${own}"`);
        if (elsewhere.length > 0) {
          output.line(
            `Note: unless they are created with targetImplementation: "${implementation}", tasks wait elsewhere: ${
              elsewhere.join(", ")
            }`,
          );
        }
        return;
      }
      case "stats":
        return stats(event);
      case "task":
        if (event.outcome !== "failed") return;
        return output.line(`failed: ${event.taskType} ${event.taskId}, attempt ${event.attempt}: ${event.error}`);
      case "started":
        return output.line(output.dim(`${event.isolate} is ready`));
      case "exited":
        if (event.isExpected) return;
        return output.line(
          `${event.isolate} has gone: ${event.how}${
            event.retryInMs === undefined ? "" : `; starting another in ${event.retryInMs} ms`
          }`,
        );
      case "replacing":
        return output.line(`Replacing ${event.isolate}: ${event.why}`);
      case "unfit":
        return output.line(`The module cannot be loaded: ${event.message}`);
      case "error":
        return output.line(`Note: ${event.message}`);
      case "draining":
        return output.line(`Stopping (${event.why}): ${plural(event.running, "task")} to finish`);
      case "stopped":
        return output.line(
          `Done: ${event.done} completed, ${event.failed} failed, ${event.released} handed back or waiting`,
        );
    }
  };
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}
