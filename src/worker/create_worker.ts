// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { type AetherClient, sessionOf } from "../client/aether_client.ts";
import { reportProgress } from "../client/progress.ts";
import { type AttemptLink, runAttempt } from "./attempt.ts";
import type { AnyTask } from "./define_task.ts";
import { Worker } from "./worker.ts";
import type { Executor, WorkerOptions } from "./worker_options.ts";

/** Runs attempts in this very process. */
export function localExecutor(tasks: readonly AnyTask[]): Executor {
  const byType = new Map(tasks.map((task) => [task.type, task]));
  if (byType.size !== tasks.length) {
    throw new InvalidArgumentError("Cannot work: two tasks have the same type", "tasks");
  }
  let shared: AttemptLink | undefined;
  return {
    types: [...byType.keys()],
    execute(assignment, signal, link) {
      if (shared?.link !== link) shared = { link, reportProgress: reportProgress(link) };
      return runAttempt(byType, assignment, signal, shared);
    },
  };
}

/**
 * Makes a worker: from the moment its client is connected it takes tasks of the client's pool, or those meant for that
 * client alone, and does them.
 * @example
 * ```ts
 * import { TaskClient } from "@aether-edge/sdk";
 * import { createWorker, defineTask } from "@aether-edge/sdk/worker";
 * import { testFabric } from "@aether-edge/sdk/testing";
 *
 * const greet = defineTask({ type: "greet", run: (input: { name: string }) => `hello ${input.name}` });
 *
 * await using fabric = await testFabric();
 * const client: TaskClient = fabric.task({ implementation: "greet" });
 * await using worker = createWorker(client, { tasks: [greet], slots: 4, drainMs: 1_000 });
 * const handle = await fabric.agent().createTask({ task: greet, input: { name: "you" } });
 * if (await handle.result() !== "hello you") throw new Error("never");
 * ```
 * @throws {InvalidArgumentError} when the client takes tasks already
 */
export function createWorker(client: AetherClient, options: WorkerOptions): Worker {
  return new Worker(sessionOf(client), localExecutor(options.tasks), options);
}
