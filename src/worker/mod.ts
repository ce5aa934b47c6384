// edge: no Deno, Bun, node: or cloudflare: names
/**
 * The worker's side of tasks: what they are, and who does them.
 *
 * @example
 * ```ts
 * import { createWorker, defineTask } from "@aether-edge/sdk/worker";
 * import { testFabric } from "@aether-edge/sdk/testing";
 *
 * const shout = defineTask({
 *   type: "shout",
 *   retry: { maxAttempts: 3, initialDelayMs: 200 },
 *   run: async (input: { text: string }, ctx) => {
 *     await ctx.progress({ completion: 0.5, summary: "half of it" });
 *     return input.text.toUpperCase();
 *   },
 * });
 *
 * await using fabric = await testFabric();
 * await using worker = createWorker(fabric.task({ implementation: "shout" }), { tasks: [shout], slots: 8 });
 * const handle = await fabric.agent().createTask({ task: shout, input: { text: "hello" } });
 * if (await handle.result() !== "HELLO") throw new Error("never");
 * ```
 * @module
 */
export { defineTask } from "./define_task.ts";
export type { AnyTask, CheckedTaskOptions, DefinedTask, KeyedBy, PlainTaskTraits, TaskTraits } from "./define_task.ts";
export { createWorker } from "./create_worker.ts";
export type { Worker } from "./worker.ts";
export type { EndedAttempt, WorkerOptions, WorkerStats } from "./worker_options.ts";
export type { TaskContext, TaskLog, TaskProgress } from "./context.ts";
export { NonRetryableError, RetryLaterError, TaskAbortedError } from "./errors.ts";
export { runWorkerPool } from "#pool";
export type { Isolation, WorkerPoolOptions } from "./pool_options.ts";
export type { PoolEvent, PoolResult } from "./pool.ts";
export type { SeatEvent } from "./seat.ts";
export type { StandardIssue, StandardProps, StandardResult, StandardSchemaV1 } from "../base/schema.ts";
