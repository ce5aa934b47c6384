import type { AetherClient, TaskHandle } from "../../mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, text } from "./state_kit.ts";
import { act, call, sessionOf, taskWorld } from "./task_kit.ts";

const work = { taskType: "t", targetImplementation: "pool" };

/** Ops that a client calls, from now on. */
function callsOf(client: AetherClient): string[] {
  const session = sessionOf(client);
  const calls: string[] = [];
  const ask = session.call.bind(session);
  session.call = (op, input, options) => {
    calls.push(op);
    return ask(op, input, options);
  };
  return calls;
}

/** A task whose result is told unasked, since that of one before it was asked for. */
async function watched(world: Awaited<ReturnType<typeof taskWorld>>): Promise<TaskHandle> {
  const first = await world.desk.createTask(work);
  const result = first.result();
  await world.worker.complete();
  equal(text(await result as Uint8Array), "done");
  return await world.desk.createTask(work);
}

/** What became of a task is told without another call to those who ask for results. */
export const cases: Case[] = [
  {
    name: "task watch: whoever asks for results gets the next ones unasked, also when he asks late",
    async run() {
      await using world = await taskWorld({ slots: 2 });
      const { desk, worker } = world;
      const early = await watched(world);
      const calls = callsOf(desk);
      const waiting = early.result();
      await worker.complete(worker.last, "early");
      equal(text(await waiting as Uint8Array), "early");
      const late = await desk.createTask(work);
      await worker.complete(worker.last, "late");
      equal(text(await late.result() as Uint8Array), "late");
      equal(text(await late.result() as Uint8Array), "late");
      equal(calls, ["task.create"]);
    },
  },
  {
    name: "task watch: results that nobody asks for are not sent for long",
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      await watched(world);
      await worker.complete();
      const asked: unknown[] = [];
      const session = sessionOf(desk);
      const ask = session.call.bind(session);
      session.call = (op, input, options) => (asked.push((input as { watch?: number }).watch), ask(op, input, options));
      await desk.createTask(work);
      await worker.complete();
      equal(asked, [undefined]);
    },
  },
  {
    name: "task watch: a result comes over a reconnect, and is asked for when the session is lost",
    async run() {
      for (const resumeMs of [60_000, 1]) {
        await using world = await taskWorld({ graceMs: 60_000 }, { limits: { resumeMs, redeliverAfterMs: 1 } });
        const { fabric, desk, worker } = world;
        const handle = await watched(world);
        const calls = callsOf(desk);
        const waiting = handle.result();
        fabric.faults.cut(desk);
        await fabric.advance("2s");
        await worker.complete(worker.last, "there");
        await fabric.advance("2s");
        equal(text(await waiting as Uint8Array), "there");
        equal(calls, resumeMs === 1 ? ["task.result"] : []);
      }
    },
  },
  {
    name: "task watch: large results are sent to those who ask for them",
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      const handle = await watched(world);
      const calls = callsOf(desk);
      const waiting = handle.result();
      await worker.settle({ kind: "completed", result: bytes("x".repeat(5000)) });
      equal((await waiting as Uint8Array).length, 5000);
      equal(calls, ["task.result"]);
    },
  },
  {
    name: "task watch: a failure is told to who waits; who asks later hears what has become of the task since",
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      const handle = await watched(world);
      const waiting = handle.result();
      await worker.fail();
      await rejects(waiting, "TaskFailedError");
      await act(desk, handle.taskId, "retry");
      const again = handle.result();
      await worker.complete(worker.last, "again");
      equal(text(await again as Uint8Array), "again");
    },
  },
  {
    name: "task watch: a wait that may be given up is a call of its own, and giving it up ends no other",
    async run() {
      await using world = await taskWorld();
      const handle = await watched(world);
      const [stop, waiting] = [new AbortController(), handle.result()];
      const given = handle.result({ signal: stop.signal });
      stop.abort(new Error("enough"));
      await rejects(given, "Error");
      await world.worker.complete();
      equal(text(await waiting as Uint8Array), "done");
    },
  },
  {
    name: "task watch: only a task that was made by the call is watched, and only so many are",
    async run() {
      await using world = await taskWorld({ slots: 0 }, { limits: { pendingRequests: 2 } });
      const { desk } = world;
      const one = { type: "t", implementation: "pool", payload: bytes("p"), singleton: "s" };
      equal((await call(desk, "task.create", { ...one, watch: 100_000 })).isWatched, true);
      equal((await call(desk, "task.create", { ...one, watch: 100_001 })).isWatched, undefined);
      const { singleton: _, ...other } = one;
      await rejects(call(desk, "task.create", { ...other, watch: 100_000 }), "InvalidArgumentError");
      equal((await call(desk, "task.create", { ...other, watch: 100_002 })).isWatched, true);
      equal((await call(desk, "task.create", { ...other, watch: 100_003 })).isWatched, undefined);
      // Those that are watched are in nobody's way.
      equal((await call(desk, "task.pool", { implementation: "pool", action: "get" })).pool.queued, 3);
    },
  },
];
