import * as v from "valibot";
import {
  type AetherClient,
  type ProgressReport,
  TaskAssignmentMode,
  type TaskHandle,
  type TaskHandleEvent,
  TaskPriority,
} from "../../mod.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { TaskContext } from "../../src/worker/context.ts";
import { type AnyTask, type DefinedTask, defineTask } from "../../src/worker/define_task.ts";
import { NonRetryableError, RetryLaterError, TaskAbortedError } from "../../src/worker/errors.ts";
import { createWorker } from "../../src/worker/create_worker.ts";
import type { WorkerOptions } from "../../src/worker/worker_options.ts";
import type { Case } from "../harness.ts";
import { equal, rejects, until } from "./assert.ts";

type Fabric = Awaited<ReturnType<typeof testFabric>>;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A fabric on virtual time, workers in it, and a creator. */
async function world() {
  const fabric = await testFabric({ seed: 1 });
  const errors: string[] = [];
  const heard = <C extends AetherClient>(client: C): C => {
    client.onError((error) => errors.push(error.message));
    return client;
  };
  return {
    fabric,
    errors,
    agent: heard(fabric.agent()),
    client: () => heard(fabric.task({ implementation: "pool" })),
    worker(tasks: AnyTask[], options: Partial<WorkerOptions> = {}) {
      const client = this.client();
      return Object.assign(createWorker(client, { tasks, ...options }), { client });
    },
    [Symbol.asyncDispose]: () => fabric[Symbol.asyncDispose](),
  };
}
type World = Awaited<ReturnType<typeof world>>;

const run = (name: string, body: (it: World) => Promise<void>): Case => ({
  name: `worker: ${name}`,
  async run() {
    await using it = await world();
    await body(it);
  },
});

/** Lets virtual time pass until a promise settles. */
async function passing<T>(fabric: Fabric, promise: Promise<T>, stepMs = 50, steps = 2_000): Promise<T> {
  let isOver = false;
  promise.finally(() => isOver = true).catch(() => {});
  for (let step = 0; step < steps && !isOver; step++) await fabric.advance(stepMs);
  return await promise;
}

/** Everything that happens to a task until it is over. */
async function historyOf(handle: TaskHandle): Promise<TaskHandleEvent[]> {
  const events: TaskHandleEvent[] = [];
  for await (const event of handle.events()) events.push(event);
  return events;
}

/** Runs until it is told to stop, and notes why. */
function waiter(type: string, heard: TaskAbortedError[], options: { endsItself?: boolean } = {}): AnyTask {
  return defineTask({
    type,
    implementation: "pool",
    run: (_: unknown, ctx: TaskContext) =>
      new Promise<never>((_, reject) =>
        ctx.signal.addEventListener("abort", () => {
          heard.push(ctx.signal.reason);
          if (options.endsItself !== false) reject(ctx.signal.reason);
        })
      ),
  });
}

/** What workers promise, on virtual time. */
export const cases: Case[] = [
  run("a task's result comes back as the plain data it is", async ({ agent, worker: _, ...it }) => {
    const echo = defineTask({ type: "echo", implementation: "pool", run: (input: unknown) => input });
    createWorker(it.client(), { tasks: [echo], slots: 4 });
    const at = new Date(1_700_000_000_123);
    const value = { text: "ä", at, big: 2n ** 60n, list: [1, null, true], data: bytes("x") };
    const handle = await agent.createTask({ task: echo, input: value });
    const back = await handle.result() as typeof value;
    equal([back.text, back.at.getTime(), back.list, [...back.data]], ["ä", at.getTime(), [1, null, true], [120]]);
    equal(back.big === value.big && back.at instanceof Date, true, "kinds");
    equal([...await (await agent.createTask({ task: echo, payload: bytes("raw") })).result() as Uint8Array], [
      ...bytes("raw"),
    ]);
    equal((await agent.createTask({ task: echo })).isNew, true);
  }),

  run("input that does not fit is refused when the task is created, with every issue", async ({ agent }) => {
    const task = defineTask({
      type: "strict",
      input: v.object({ url: v.string(), size: v.pipe(v.string(), v.transform(Number)) }),
      run: ({ size }) => size + 1,
    });
    const bad = { url: 1, size: [] } as unknown as { url: string; size: string };
    const error = await rejects(agent.createTask({ task, input: bad }), "InvalidArgumentError");
    equal((error.details as { issues: { path: string }[] }).issues.map(({ path }) => path), ["url", "size"]);
  }),

  run("input that does not fit is refused at the worker too, once and for all", async ({ agent, fabric, ...it }) => {
    let runs = 0;
    const task = defineTask({
      type: "strict",
      implementation: "pool",
      input: v.object({ size: v.pipe(v.string(), v.transform(Number)) }),
      retry: { maxAttempts: 3 },
      run: ({ size }) => (runs++, size + 1),
    });
    createWorker(it.client(), { tasks: [task] });
    equal(await (await agent.createTask({ task, input: { size: "41" } })).result(), 42);
    const stranger = { taskType: "strict", targetImplementation: "pool", retryPolicy: { maxAttempts: 3 } };
    const handle = await agent.createTask({ ...stranger, input: { size: 41 } });
    const error = await rejects(passing(fabric, handle.result()), "TaskFailedError");
    const { status, attempt, error: why } = error.details as {
      status: string;
      attempt: number;
      error: {
        name: string;
        details: { issues: unknown[] };
      };
    };
    equal([status, attempt, why.name, why.details.issues.length, runs], ["failed", 1, "InvalidArgumentError", 1, 1]);
  }),

  run("a result that does not fit fails the task for good", async ({ agent, fabric, ...it }) => {
    const task = defineTask({
      type: "liar",
      implementation: "pool",
      output: v.object({ bytes: v.number() }),
      retry: { maxAttempts: 5 },
      run: () => ({ bytes: "many" as unknown as number }),
    });
    createWorker(it.client(), { tasks: [task] });
    const error = await rejects(passing(fabric, (await agent.createTask({ task })).result()), "TaskFailedError");
    equal([error.code, (error.details as { attempt: number }).attempt], ["ABORTED", 1]);
    if (!/InvalidArgumentError: .*bytes: /.test(error.message)) throw new Error(error.message);
  }),

  run("a result that cannot travel fails the task instead of hanging it", async ({ agent, fabric, ...it }) => {
    const big = defineTask({ type: "big", implementation: "pool", run: () => new Uint8Array(3 * 1024 * 1024) });
    const odd = defineTask({ type: "odd", implementation: "pool", run: () => ({ call: () => 1 }) });
    const worker = createWorker(it.client(), { tasks: [big, odd] });
    for (const task of [big, odd] as DefinedTask[]) {
      const handle = await agent.createTask({ task });
      const error = await rejects(passing(fabric, handle.result()), "TaskFailedError");
      equal((error.details as { status: string }).status, "failed", error.message);
    }
    equal(worker.stats.running, 0);
  }),

  run("a failed attempt is tried again, as its policy says", async ({ agent, fabric, ...it }) => {
    const at: number[] = [];
    const keys = new Set<string>();
    const task = defineTask({
      type: "flaky",
      implementation: "pool",
      retry: { maxAttempts: 3, backoff: "fixed", initialDelayMs: 1_000, jitter: 0 },
      run: (_: unknown, { attempt, idempotencyKey }) => {
        at.push(fabric.clock.now());
        keys.add(idempotencyKey);
        if (attempt < 3) throw new TypeError(`attempt ${attempt} is not a function`);
        return attempt;
      },
    });
    createWorker(it.client(), { tasks: [task] });
    const handle = await agent.createTask({ task, idempotencyKey: "order 7" });
    equal(await passing(fabric, handle.result()), 3);
    equal(at.slice(1).map((time, index) => Math.round((time - at[index]) / 1_000)), [1, 1]);
    equal([...keys], ["order 7"]);
    equal((await agent.createTask({ task, idempotencyKey: "order 7" })).taskId, handle.taskId);
  }),

  run("a handler says that trying again is in vain, or when", async ({ agent, fabric, ...it }) => {
    const begun: number[] = [];
    const retry = { maxAttempts: 4, initialDelayMs: 10, jitter: 0 };
    const never = defineTask({
      type: "never",
      implementation: "pool",
      retry,
      run: () => {
        throw new NonRetryableError("the account is closed");
      },
    });
    const later = defineTask({
      type: "later",
      implementation: "pool",
      retry,
      run: (_: unknown, { attempt }) => {
        begun.push(fabric.clock.now());
        if (attempt === 1) throw new RetryLaterError(30_000);
        if (attempt === 2) throw Object.assign(new Error("slow down"), { retryAfterMs: 5_000 });
        return "done";
      },
    });
    createWorker(it.client(), { tasks: [never, later], slots: 2 });
    const error = await rejects(passing(fabric, (await agent.createTask({ task: never })).result()), "TaskFailedError");
    equal((error.details as { error: unknown }).error as { name: string }, {
      name: "NonRetryableError",
      message: "the account is closed",
      code: "ABORTED",
    });
    equal(await passing(fabric, (await agent.createTask({ task: later })).result()), "done");
    equal(begun.slice(1).map((time, index) => Math.round((time - begun[index]) / 1_000)), [30, 5]);
  }),

  run("cancelling reaches ctx.signal and whoever waits for the result", async ({ agent, fabric, ...it }) => {
    const heard: TaskAbortedError[] = [];
    const task = waiter("wait", heard);
    const worker = createWorker(it.client(), { tasks: [task], slots: 2 });
    const one = await agent.createTask({ taskType: "wait", targetImplementation: "pool" });
    const two = await agent.createTask({ taskType: "wait", targetImplementation: "pool" });
    await fabric.advance(10);
    await one.cancel("no longer needed");
    equal((await agent.cancelTask(two.taskId, "neither")).success, true);
    await fabric.advance(10);
    equal(heard.map(({ kind, code }) => [kind, code]), [["cancelled", "CANCELLED"], ["cancelled", "CANCELLED"]]);
    equal(heard.every((error) => error instanceof TaskAbortedError), true);
    if (!heard[0].message.includes("no longer needed")) throw new Error(heard[0].message);
    const error = await rejects(one.result(), "TaskFailedError");
    equal(error.code, "CANCELLED");
    await until(() => worker.stats.running === 0, "slots are free");
  }),

  run("a deadline and a timeout abort with reasons of their own", async ({ agent, fabric, ...it }) => {
    const heard: TaskAbortedError[] = [];
    createWorker(it.client(), { tasks: [waiter("wait", heard)], slots: 2 });
    const plain = { taskType: "wait", targetImplementation: "pool" };
    const late = await agent.createTask({ ...plain, deadlineMs: 5_000 });
    await rejects(passing(fabric, late.result()), "TimeoutError");
    const slow = await agent.createTask({ ...plain, timeoutMs: 2_000 });
    const error = await rejects(passing(fabric, slow.result()), "TimeoutError");
    equal(heard.map(({ kind, code }) => [kind, code]), [
      ["deadline", "DEADLINE_EXCEEDED"],
      ["timeout", "DEADLINE_EXCEEDED"],
    ]);
    equal((error.details as { status: string }).status, "timed_out");
    const again = await agent.createTask({ ...plain, timeoutMs: 100, retryPolicy: { maxAttempts: 2 } });
    await rejects(passing(fabric, again.result()), "TimeoutError");
    equal(heard.length, 4);
  }),

  run("a worker whose connection broke hears that its lease is lost", async ({ agent, fabric, ...it }) => {
    const heard: TaskAbortedError[] = [];
    const first = it.client();
    const mine = createWorker(first, { tasks: [waiter("job", heard)] });
    const handle = await agent.createTask({ taskType: "job", targetImplementation: "pool" });
    await fabric.advance(10);
    equal(mine.stats.running, 1);
    const other = defineTask({ type: "job", implementation: "pool", run: (_: unknown, { attempt }) => attempt });
    createWorker(it.client(), { tasks: [other] });
    fabric.faults.cut(first);
    equal(await passing(fabric, handle.result()), 2);
    await fabric.advance("5s");
    equal(heard.map(({ kind }) => kind), ["lease_lost"]);
    equal(mine.stats, { ...mine.stats, running: 0, done: 0, released: 1 });
  }),

  run("with reconnectMs a blip costs nothing", async ({ agent, fabric, ...it }) => {
    let runs = 0;
    const task = defineTask({
      type: "job",
      implementation: "pool",
      run: (_: unknown, ctx: TaskContext) => {
        runs++;
        return new Promise<string>((resolve, reject) => {
          fabric.clock.timer(5_000, () => resolve("one run"));
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        });
      },
    });
    const client = it.client();
    createWorker(client, { tasks: [task], reconnectMs: 10_000 });
    const handle = await agent.createTask({ task });
    await fabric.advance(100);
    fabric.faults.cut(client);
    equal([await passing(fabric, handle.result()), runs], ["one run", 1]);
  }),

  run("an attempt goes on over a restart of the gateway", async ({ agent, fabric, ...it }) => {
    let runs = 0;
    const task = defineTask({
      type: "long",
      implementation: "pool",
      run: () => (runs++, new Promise<string>((resolve) => fabric.clock.timer(8_000, () => resolve("kept")))),
    });
    createWorker(it.client(), { tasks: [task], reconnectMs: 10_000 });
    const handle = await agent.createTask({ task });
    const result = handle.result();
    await fabric.advance(100);
    fabric.faults.killGateway();
    await fabric.advance("1s");
    await fabric.faults.restartGateway();
    equal([await passing(fabric, result), runs], ["kept", 1]);
  }),

  run("a drain lets tasks finish and hands back those that do not", async ({ agent, fabric, ...it }) => {
    const heard: TaskAbortedError[] = [];
    const quick = defineTask({
      type: "quick",
      implementation: "pool",
      run: () => new Promise<string>((resolve) => fabric.clock.timer(1_000, () => resolve("done"))),
    });
    const worker = createWorker(it.client(), { tasks: [quick, waiter("slow", heard)], slots: 2, drainMs: 3_000 });
    const one = await agent.createTask({ task: quick });
    const two = await agent.createTask({ taskType: "slow", targetImplementation: "pool" });
    await fabric.advance(10);
    const drained = worker.drain();
    const three = await agent.createTask({ task: quick });
    const began = fabric.clock.now();
    await passing(fabric, drained);
    equal(Math.round((fabric.clock.now() - began) / 1_000), 3);
    equal([await one.result(), heard.map(({ kind }) => kind)], ["done", ["drain"]]);
    equal([(await two.info()).status, (await three.info()).status], ["pending", "pending"]);
    equal((await two.info()).failures, 0);
    createWorker(it.client(), {
      tasks: [quick, defineTask({ type: "slow", implementation: "pool", run: (_: unknown, c) => c.attempt })],
    });
    equal([await passing(fabric, two.result()), await passing(fabric, three.result())], [2, "done"]);
  }),

  run("a drain ends though the gateway is gone", async ({ agent, fabric, ...it }) => {
    const worker = createWorker(it.client(), { tasks: [waiter("slow", [])], drainMs: 1_000, graceMs: 500 });
    await agent.createTask({ taskType: "slow", targetImplementation: "pool" });
    await fabric.advance(10);
    fabric.faults.killGateway();
    const began = fabric.clock.now();
    await passing(fabric, worker.drain());
    equal(Math.round((fabric.clock.now() - began) / 500) <= 7, true);
    await fabric.faults.restartGateway();
  }),

  run("a handler that does not stop loses its slot after the grace", async ({ agent, fabric, ...it }) => {
    const heard: TaskAbortedError[] = [];
    const deaf = waiter("deaf", heard, { endsItself: false });
    const ok = defineTask({ type: "ok", implementation: "pool", run: () => "ok" });
    const worker = createWorker(it.client(), { tasks: [deaf, ok], slots: 1, graceMs: 2_000 });
    const handle = await agent.createTask({ taskType: "deaf", targetImplementation: "pool" });
    await fabric.advance(10);
    await handle.cancel();
    const next = await agent.createTask({ task: ok });
    await fabric.advance(1_000);
    equal([worker.stats.running, (await next.info()).status], [1, "pending"]);
    equal(await passing(fabric, next.result()), "ok");
    equal(worker.stats.running, 0);
  }),

  run("a task takes as many slots as it weighs", async ({ agent, fabric, ...it }) => {
    let [now, most] = [0, 0];
    const task = defineTask({
      type: "heavy",
      implementation: "pool",
      weight: 3,
      run: () => {
        most = Math.max(most, ++now);
        return new Promise<void>((resolve) => fabric.clock.timer(100, () => (now--, resolve())));
      },
    });
    createWorker(it.client(), { tasks: [task], slots: 7 });
    const handles = await Promise.all(Array.from({ length: 6 }, () => agent.createTask({ task })));
    await passing(fabric, Promise.all(handles.map((handle) => handle.result())));
    equal(most, 2);
  }),

  run("limits by a key of the input hold over workers", async ({ agent, fabric, ...it }) => {
    const now: Record<string, number> = {};
    const most: Record<string, number> = {};
    const task = defineTask({
      type: "tenant",
      implementation: "pool",
      input: v.object({ tenant: v.string() }),
      concurrency: { key: ({ tenant }) => tenant, perKey: 2, total: 3 },
      run: ({ tenant }) => {
        for (const key of [tenant, "all"]) most[key] = Math.max(most[key] ?? 0, now[key] = (now[key] ?? 0) + 1);
        return new Promise<void>((resolve) =>
          fabric.clock.timer(50, () => {
            now[tenant]--;
            now.all--;
            resolve();
          })
        );
      },
    });
    for (let workers = 0; workers < 2; workers++) createWorker(it.client(), { tasks: [task], slots: 8 });
    const handles = await Promise.all(
      Array.from({ length: 12 }, (_, n) => agent.createTask({ task, input: { tenant: n % 3 ? "a" : "b" } })),
    );
    await passing(fabric, Promise.all(handles.map((handle) => handle.result())));
    equal(most, { b: most.b, all: 3, a: 2 });
  }),

  run("what an attempt saves, the next one loads", async ({ agent, fabric, ...it }) => {
    const task = defineTask({
      type: "steps",
      implementation: "pool",
      retry: { maxAttempts: 3, initialDelayMs: 10 },
      run: async (_: unknown, { checkpoint }) => {
        const { found, data } = await checkpoint.load();
        const step = found ? data![0] : 0;
        if (step === 2) return (await checkpoint.list()).keys;
        await checkpoint.save({ data: Uint8Array.of(step + 1) });
        throw new Error(`fell after step ${step}`);
      },
    });
    createWorker(it.client(), { tasks: [task] });
    createWorker(it.client(), { tasks: [task] });
    const handle = await agent.createTask({ task });
    equal(await passing(fabric, handle.result()), ["default"]);
    equal((await agent.checkpoint().load()).found, false, "the creator's own");
  }),

  run("log, progress and chunks are a task's events, in order, and end with it", async ({ agent, fabric, ...it }) => {
    const task = defineTask({
      type: "chatty",
      implementation: "pool",
      chunk: v.object({ token: v.string() }),
      run: async (_: unknown, ctx) => {
        ctx.log.info("begun", { at: 1, error: new RangeError("odd"), call: () => 1 });
        await ctx.progress({ completion: 0.5, summary: "half" });
        for (const token of ["a", "b"]) await ctx.stream({ token });
        ctx.log.warn("nearly");
        return "over";
      },
    });
    createWorker(it.client(), { tasks: [task] });
    const handle = await agent.createTask({ task });
    const events = await historyOf(handle);
    equal(events.map(({ sequence }) => sequence), events.map((_, index) => index + 1));
    equal(events.map((event) => event.type === "status" ? event.status : event.type), [
      "pending",
      "assigned",
      "running",
      "log",
      "progress",
      "chunk",
      "chunk",
      "log",
      "completed",
    ]);
    const tokens: string[] = [];
    for await (const event of handle.events({ after: 5 })) {
      if (event.type === "chunk") tokens.push(event.data.token);
    }
    equal(tokens, ["a", "b"]);
    const log = events.find((event) => event.type === "log") as Extract<TaskHandleEvent, { type: "log" }>;
    equal([log.message, log.fields!.at, (log.fields!.error as Error).message], ["begun", 1, "odd"]);
    const report = (events.find((event) => event.type === "progress") as { report: ProgressReport }).report;
    equal([report.completion, report.summary], [0.5, "half"]);
    equal((await handle.info()).progress?.summary, "half");
    await fabric.advance(10);
    equal(it.errors, []);
  }),

  run("a chunk that does not fit its schema fails the task", async ({ agent, fabric, ...it }) => {
    const task = defineTask({
      type: "chatty",
      implementation: "pool",
      chunk: v.string(),
      run: async (_: unknown, ctx) => await ctx.stream(1 as unknown as string),
    });
    createWorker(it.client(), { tasks: [task] });
    await rejects(passing(fabric, (await agent.createTask({ task })).result()), "TaskFailedError");
  }),

  run("events go on over a reconnect, and a subscriber hears them until the end", async ({ agent, fabric, ...it }) => {
    let next = (): void => {};
    const task = defineTask({
      type: "slow",
      implementation: "pool",
      run: async (_: unknown, ctx) => {
        await ctx.stream("one");
        await new Promise<void>((resolve) => next = resolve);
        await ctx.stream("two");
      },
    });
    createWorker(it.client(), { tasks: [task] });
    const handle = await agent.createTask({ task });
    const heard: unknown[] = [];
    agent.subscribeTask(handle.taskId, (event) => heard.push(event.type === "chunk" ? event.data : event.type));
    const left: unknown[] = [];
    const leave = agent.subscribeTask(handle.taskId, (event) => left.push(event.type));
    await fabric.advance(10);
    leave();
    fabric.faults.cut(agent);
    next();
    await passing(fabric, handle.result());
    await fabric.advance("1s");
    equal(heard, ["status", "status", "status", "one", "two", "status"]);
    equal(left.length, 4);
    equal(it.errors, []);
  }),

  run("a part of a task is cancelled with it and seen in its events", async ({ agent, fabric, ...it }) => {
    const heard: TaskAbortedError[] = [];
    const parent = defineTask({
      type: "parent",
      implementation: "pool",
      run: async (_: unknown, ctx) => {
        const child = await ctx.createTask({ taskType: "child", targetImplementation: "pool" });
        return await child.result({ signal: ctx.signal });
      },
    });
    createWorker(it.client(), { tasks: [parent, waiter("child", heard)], slots: 4 });
    const handle = await agent.createTask({ task: parent });
    await fabric.advance(10);
    const { tasks } = await agent.queryTasks({ parentTaskId: handle.taskId });
    equal(tasks.map(({ taskType, parentTaskId, rootTaskId }) => [taskType, parentTaskId, rootTaskId]), [
      ["child", handle.taskId, handle.taskId],
    ]);
    await handle.cancel();
    await fabric.advance(10);
    equal(heard.map(({ kind }) => kind), ["cancelled"]);
    const events = await historyOf(handle);
    equal(events.some((event) => event.type === "child" && event.status === "pending"), true);
  }),

  run("a task waits for input and goes on with it", async ({ agent, fabric, ...it }) => {
    const task = defineTask({
      type: "ask",
      implementation: "pool",
      run: (_: unknown, ctx) => {
        if (ctx.resumeInput === undefined) {
          // A handler that catches everything must not turn waiting into something else.
          try {
            ctx.wait({ for: "input", reason: "who are you?" });
          } catch {
            return "caught";
          }
        }
        return ctx.resumeInput;
      },
    });
    const worker = createWorker(it.client(), { tasks: [task] });
    const handle = await agent.createTask({ task });
    await until(() => worker.stats.released === 1, "the attempt ended");
    const { task: info } = await agent.getTask(handle.taskId);
    equal([info?.status, info?.reason], ["waiting_input", "who are you?"]);
    await agent.resumeTask(handle.taskId, { input: { name: "me" } });
    equal(await passing(fabric, handle.result()), { name: "me" });
  }),

  run("a hibernated task goes on at its moment", async ({ agent, fabric, ...it }) => {
    const task = defineTask({
      type: "sleep",
      implementation: "pool",
      run: (_: unknown, { attempt, hibernate }) =>
        attempt === 1 ? hibernate({ wakeAt: fabric.clock.now() + 3_600_000 }) : "awake",
    });
    createWorker(it.client(), { tasks: [task] });
    const handle = await agent.createTask({ task });
    await fabric.advance("59m");
    equal((await handle.info()).status, "hibernated");
    await fabric.advance("2m");
    equal(await handle.result(), "awake");
  }),

  run("ctx.fetch aborts with the task", async ({ agent, fabric, ...it }) => {
    const seen: unknown[] = [];
    const task = defineTask({
      type: "get",
      implementation: "pool",
      run: async (_: unknown, ctx) => {
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
        await ctx.fetch("http://127.0.0.1:9/").catch((error) => seen.push(error));
        const own = AbortSignal.abort("mine");
        await ctx.fetch("http://127.0.0.1:9/", { signal: own }).catch((error) => seen.push(error));
      },
    });
    createWorker(it.client(), { tasks: [task] });
    const handle = await agent.createTask({ task });
    await fabric.advance(10);
    await handle.cancel();
    await until(() => seen.length === 2, "both ended");
    equal([(seen[0] as Error).name, seen[1]], ["TaskAbortedError", "mine"]);
  }),

  run("a plain client takes tasks and says how they ended", async ({ agent, fabric, client }) => {
    const worker = client();
    const taken: string[] = [];
    const reasons: unknown[] = [];
    worker.onTaskAssignment(async ({ taskId, payload, attempt, taskType }, { signal }) => {
      const text = new TextDecoder().decode(payload);
      taken.push(`${text} ${attempt}`);
      signal.addEventListener("abort", () => reasons.push((signal.reason as TaskAbortedError).details.kind));
      if (text === "wait") return;
      if (text === "bad" && attempt === 1) await worker.failTask(taskId, "processing error");
      else await worker.completeTask(taskId, { result: { type: taskType } });
    }, { slots: 2 });
    const plain = { taskType: "thing", targetImplementation: "pool", retryPolicy: { maxAttempts: 2 } };
    equal(await (await agent.createTask({ ...plain, payload: bytes("good") })).result(), { type: "thing" });
    const bad = await agent.createTask({ ...plain, payload: bytes("bad") });
    equal(await passing(fabric, bad.result()), { type: "thing" });
    equal((await bad.info()).failures, 1);
    const wait = await agent.createTask({ ...plain, payload: bytes("wait") });
    await fabric.advance(10);
    await wait.cancel();
    await fabric.advance(10);
    equal([taken, reasons], [["good 1", "bad 1", "bad 2", "wait 1"], ["cancelled"]]);
    equal((await worker.completeTask(wait.taskId)).success, false, "it is over");
  }),

  run("a plain client takes nothing without a handler", async ({ agent, fabric, client }) => {
    const worker = client();
    const stop = worker.onTaskAssignment(({ taskId }) => worker.completeTask(taskId));
    stop();
    const handle = await agent.createTask({ taskType: "thing", targetImplementation: "pool" });
    await fabric.advance("1s");
    equal((await handle.info()).status, "pending");
    worker.onTaskAssignment(({ taskId }) => worker.completeTask(taskId));
    equal(await passing(fabric, handle.result()), undefined);
  }),

  run("one client has one worker", async ({ fabric: _, ...it }) => {
    const ok = defineTask({ type: "ok", run: () => 1 });
    const client = it.client();
    const worker = createWorker(client, { tasks: [ok] });
    const refused = async (make: () => unknown): Promise<void> => {
      await rejects(Promise.resolve().then(make), "InvalidArgumentError");
    };
    await refused(() => createWorker(client, { tasks: [ok] }));
    await refused(() => client.onTaskAssignment(() => {}));
    await refused(() => createWorker(it.client(), { tasks: [ok, ok] }));
    await refused(() => createWorker(it.client(), { tasks: [ok], slots: 0.5 }));
    await worker.drain();
    createWorker(client, { tasks: [ok] });
  }),

  run("the verbs of the older SDK answer as they did", async ({ agent, fabric, ...it }) => {
    const ok = defineTask({ type: "data-processor", implementation: "pool", run: () => 1 });
    const worker = createWorker(it.client(), { tasks: [ok] });
    await agent.createTask({ task: ok, workspace: "test", priority: TaskPriority.High });
    await until(() => worker.stats.done === 1, "it is done");
    await worker.drain();
    const waiting = await agent.createTask({
      taskType: "data-processor",
      assignmentMode: TaskAssignmentMode.Pool,
      targetImplementation: "pool",
      metadata: { a: "b" },
    });
    const list = await agent.queryTasks({
      workspace: "test",
      status: "pending",
      taskType: "data-processor",
      limit: 50,
      offset: 0,
      timeout: 10_000,
    });
    equal([list.totalCount, list.tasks[0].taskId, list.tasks[0].metadata], [1, waiting.taskId, { a: "b" }]);
    equal((await agent.queryTasks({ taskType: "data-processor", offset: 1 })).tasks.length, 1);
    equal((await agent.getTask(waiting.taskId)).task?.status, "pending");
    equal((await agent.cancelTask(waiting.taskId, "user requested cancellation")).task?.status, "cancelled");
    equal((await agent.retryTask(waiting.taskId)).task?.status, "pending");
    equal((await agent.rejectTask(waiting.taskId, "no")).task?.status, "rejected");
    equal((await fabric.agent().getTask(waiting.taskId)).success, true);
  }),

  run("tasks run at their moment, after others, and not before", async ({ agent, fabric, ...it }) => {
    const order: string[] = [];
    const note = defineTask({
      type: "note",
      implementation: "pool",
      run: (input: { name: string }) => void order.push(`${input.name} ${Math.round(fabric.clock.now() / 1_000)}`),
    });
    createWorker(it.client(), { tasks: [note] });
    const now = Math.round(fabric.clock.now() / 1_000);
    const late = await agent.createTask({ task: note, input: { name: "late" }, delayMs: 60_000 });
    await agent.createTask({ task: note, input: { name: "dated" }, runAt: new Date(fabric.clock.now() + 30_000) });
    const after = await agent.createTask({ task: note, input: { name: "after" }, dependsOn: [late] });
    await passing(fabric, after.result(), 1_000);
    equal(order.map((line) => line.replace(String(now + 30), "+30").replace(String(now + 60), "+60")), [
      "dated +30",
      "late +60",
      "after +60",
    ]);
  }),

  run("many tasks over several workers are done once each", async ({ agent, fabric, ...it }) => {
    const seen = new Map<number, number>();
    const task = defineTask({
      type: "count",
      implementation: "pool",
      run: async (n: number) => {
        seen.set(n, (seen.get(n) ?? 0) + 1);
        await Promise.resolve();
        return n * 2;
      },
    });
    const workers = [1, 2, 3].map((slots) => createWorker(it.client(), { tasks: [task], slots }));
    const handles = await Promise.all(Array.from({ length: 600 }, (_, n) => agent.createTask({ task, input: n })));
    const results = await passing(fabric, Promise.all(handles.map((handle) => handle.result())));
    equal(results.every((result, n) => result === n * 2), true);
    equal([seen.size, Math.max(...seen.values())], [600, 1]);
    equal(workers.reduce((sum, { stats }) => sum + stats.done, 0), 600);
    equal(workers.every(({ stats }) => stats.done > 50), true, "all of them worked");
  }),
];
