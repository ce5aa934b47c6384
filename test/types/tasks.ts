/** What the types of tasks promise: nothing of it runs, `deno check` is the test. */
import * as v from "valibot";
import type { AgentClient, ProgressReport, TaskHandle, TaskInfo } from "../../mod.ts";
import type { TaskContext } from "../../src/worker/context.ts";
import { defineTask } from "../../src/worker/define_task.ts";
import { createWorker } from "../../src/worker/create_worker.ts";

/** True only when both are the same, and neither is any. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function same<_Holds extends true>(): void {}

declare const agent: AgentClient;

// A schema both ways: creators give what goes in, handlers get what comes out of it.
const resize = defineTask({
  type: "resize",
  input: v.object({ url: v.string(), width: v.optional(v.pipe(v.string(), v.transform(Number)), "100") }),
  output: v.object({ bytes: v.number() }),
  chunk: v.object({ row: v.number() }),
  concurrency: { key: (input) => (same<Same<typeof input, { url: string; width: number }>>(), input.url), perKey: 2 },
  rateLimit: { key: ({ width }) => width.toFixed(), perSecond: 10 },
  run: async (input, ctx) => {
    same<Same<typeof input, { url: string; width: number }>>();
    same<Same<typeof ctx, TaskContext<{ row: number }>>>();
    same<Same<typeof ctx.task, TaskInfo>>();
    same<Same<typeof ctx.attempt, number>>();
    same<Same<Parameters<typeof ctx.progress>[0], Omit<ProgressReport, "taskId">>>();
    same<Same<typeof ctx.resumeInput, unknown>>();
    await ctx.stream({ row: 1 });
    // @ts-expect-error a chunk of another kind
    await ctx.stream({ column: 1 });
    const child = await ctx.createTask({ task: count, input: { n: 1 } });
    same<Same<typeof child, TaskHandle<number, unknown>>>();
    return { bytes: input.width };
  },
});

const resized = await agent.createTask({ task: resize, input: { url: "a", width: "20" } });
same<Same<typeof resized, TaskHandle<{ bytes: number }, { row: number }>>>();
same<Same<Awaited<ReturnType<typeof resized.result>>, { bytes: number }>>();
for await (const event of resized.events()) {
  if (event.type === "chunk") same<Same<typeof event.data, { row: number }>>();
  if (event.type === "progress") same<Same<typeof event.report, ProgressReport>>();
  if (event.type === "log") same<Same<typeof event.fields, Record<string, unknown> | undefined>>();
}
await agent.createTask({ task: resize, input: { url: "a" } });
await agent.createTask({ task: resize, payload: new Uint8Array() });
// @ts-expect-error a creator gives what goes in, not what comes out
await agent.createTask({ task: resize, input: { url: "a", width: 20 } });
// @ts-expect-error something is missing
await agent.createTask({ task: resize, input: {} });
// @ts-expect-error the input is missing
await agent.createTask({ task: resize });

// @ts-expect-error a result of another kind
defineTask({
  type: "liar",
  output: v.object({ bytes: v.number() }),
  run: () => ({ bytes: "many" }),
});

// Without schemas the handler says it all.
const count = defineTask({ type: "count", run: (input: { n: number }) => input.n + 1 });
const counted = await agent.createTask({ task: count, input: { n: 1 } });
same<Same<typeof counted, TaskHandle<number, unknown>>>();
// @ts-expect-error a number is needed
await agent.createTask({ task: count, input: { n: "1" } });

const later = defineTask({ type: "later", run: () => Promise.resolve(["a"]) });
same<Same<Awaited<ReturnType<Awaited<ReturnType<typeof makeLater>>["result"]>>, string[]>>();
function makeLater() {
  return agent.createTask({ task: later });
}

// Without a definition nothing is known.
const plain = await agent.createTask({ taskType: "any", input: { anything: 1 } });
same<Same<Awaited<ReturnType<typeof plain.result>>, unknown>>();
// @ts-expect-error neither a definition nor a type
await agent.createTask({ input: 1 });

// Workers take any of them together.
createWorker(agent, { tasks: [resize, count, later] });
