import type { TaskEvent, TaskEventBody } from "../../src/protocol/tasks.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, text } from "./state_kit.ts";
import { act, call, eventsOf, make, statusOf, storyOf, taskWorld } from "./task_kit.ts";

/** Reads events until the last, as a client does: after the last one it has. */
async function follow(client: AetherClient, taskId: string, after = 0): Promise<TaskEvent[]> {
  const all: TaskEvent[] = [];
  for (;;) {
    const page = await call(client, "task.events", { taskId, after, limit: 3 });
    all.push(...page.events);
    after = page.next;
    if (page.isOver) return all;
  }
}

const chunk = (words: string): TaskEventBody => ({ type: "chunk", data: bytes(words) });

/** What happens to a task, and who hears of it. */
export const cases: Case[] = [
  {
    name: "events: statuses, progress, logs, chunks and parts in one order, numbered from 1, for any number of readers",
    async run() {
      await using world = await taskWorld({ slots: 2 });
      const { fabric, desk, worker } = world;
      const [other] = await connected(fabric.agent());
      const taskId = await make(desk);
      const readers = [follow(desk, taskId), follow(other, taskId), follow(desk, taskId, 4)];
      const emit = (...events: TaskEventBody[]) => call(worker.client, "task.emit", { taskId, attempt: 1, events });
      await emit({ type: "log", level: "warn", message: "careful", fields: { n: 1 } }, chunk("one"));
      await call(worker.client, "progress.report", { taskId, completion: 0.5, summary: "half" });
      await make(desk, { parentTaskId: taskId, runAt: fabric.clock.now() + 60_000 });
      await emit(chunk("two"));
      await worker.complete();
      await fabric.advance(1);
      const [first, second, late] = await Promise.all(readers);
      equal(first.map(({ type }) => type), [
        ...["status", "status", "status", "log", "chunk", "progress", "child", "chunk", "status"],
      ]);
      equal(first.map(({ sequence }) => sequence), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
      equal([second, late], [first, first.slice(4)]);
      equal(first.flatMap((one) => (one.type === "chunk" ? [text(one.data)] : [])), ["one", "two"]);
      equal(first.flatMap((one) => (one.type === "progress" ? [one.report.summary] : [])), ["half"]);
      const { task } = await call(desk, "task.get", { taskId });
      equal(task?.progress?.completion, 0.5);
      equal(await follow(desk, taskId), first, "afterwards");
      equal(await follow(desk, taskId, 9), []);
    },
  },
  {
    name:
      "events: a reader goes on where it was after it or the gateway was away; leaving ends its reading and nothing else",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk);
      const first = await call(desk, "task.events", { taskId, after: 0 });
      equal([first.next, first.isOver, first.gap], [3, false, undefined]);
      const leaving = call(desk, "task.events", { taskId, after: 3 });
      const left = rejects(leaving, "ConnectionClosedError");
      await desk.disconnect();
      await left;
      await desk.connect();
      equal(await statusOf(desk, taskId), ["running"]);
      await call(worker.client, "task.emit", { taskId, events: [chunk("a")] });
      fabric.faults.killGateway();
      await fabric.faults.restartGateway();
      await fabric.advance("3s");
      await call(worker.client, "task.emit", { taskId, events: [chunk("b")] });
      await worker.complete();
      const rest = await follow(desk, taskId, first.next);
      equal(rest.map((one) => (one.type === "chunk" ? text(one.data) : one.type)), ["a", "b", "status"]);
      equal(rest.map(({ sequence }) => sequence), [4, 5, 6]);
    },
  },
  {
    name: "events: the log is bounded in number and bytes; who is behind hears of the gap",
    async run() {
      await using world = await taskWorld({}, { limits: { laneMessages: 50, laneBytes: 100_000 } });
      const { desk, worker } = world;
      const taskId = await make(desk);
      for (let n = 0; n < 100; n++) await call(worker.client, "task.emit", { taskId, events: [chunk(String(n))] });
      const page = await call(desk, "task.events", { taskId, after: 10, limit: 1000 });
      equal([page.gap, page.events.length, page.events[0].sequence, page.next], [true, 50, 54, 103]);
      equal((await call(desk, "task.events", { taskId, after: 53 })).gap, undefined);
      for (let n = 0; n < 3; n++) {
        await call(worker.client, "task.emit", { taskId, events: [{ type: "chunk", data: new Uint8Array(40_000) }] });
      }
      const kept = await call(desk, "task.events", { taskId, after: 0, limit: 1000 });
      equal([kept.gap, kept.events.length], [true, 2]);
      equal(await statusOf(desk, taskId), ["running"]);
    },
  },
  {
    name: "events: a page is bounded by bytes too, so that large chunks come one after the other",
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      const taskId = await make(desk);
      for (let n = 0; n < 8; n++) {
        const event: TaskEventBody = { type: "chunk", data: new Uint8Array(200_000).fill(n) };
        await call(worker.client, "task.emit", { taskId, events: [event] });
      }
      await worker.complete();
      const page = await call(desk, "task.events", { taskId, after: 3, limit: 1000 });
      equal([page.events.length, page.next, page.isOver], [1, 4, false]);
      const all = await follow(desk, taskId);
      equal(all.length, 12);
      equal(all.flatMap((one) => (one.type === "chunk" ? [one.data[199_999]] : [])), [0, 1, 2, 3, 4, 5, 6, 7]);
    },
  },
  {
    name: "events: a task that lives long in retries keeps its story, though it does not fit into its record",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk, { retry: { maxAttempts: 40, scheduleMs: [1] } });
      for (let n = 1; n < 40; n++) {
        await worker.fail();
        await fabric.advance(1);
      }
      await worker.complete();
      const story = await storyOf(desk, taskId);
      equal([story.length, story.filter((one) => one === "running").length, story.at(-1)], [121, 40, "completed"]);
      const events = await eventsOf(desk, taskId);
      equal(events.map(({ sequence }) => sequence), Array.from({ length: 121 }, (_, n) => n + 1));
    },
  },
  {
    name: "events: what a task did in its first life is followed by its second",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk);
      await call(worker.client, "task.emit", { taskId, events: [chunk("first")] });
      await worker.fail();
      equal((await follow(desk, taskId)).length, 5);
      await act(desk, taskId, "retry");
      await fabric.advance(0);
      const reading = follow(desk, taskId, 5);
      await call(worker.client, "task.emit", { taskId, events: [chunk("second")] });
      await worker.complete();
      equal((await reading).map((one) => (one.type === "chunk" ? text(one.data) : one.type)), [
        ...["status", "status", "status", "second", "status"],
      ]);
    },
  },
  {
    name: "events: only the worker of the valid attempt adds to them, and progress of a task is its worker's to report",
    async run() {
      await using world = await taskWorld({ isAutoStart: false });
      const { desk, worker } = world;
      const taskId = await make(desk);
      await rejects(call(desk, "task.emit", { taskId, events: [chunk("x")] }), "ConflictError");
      await rejects(call(desk, "progress.report", { taskId, completion: 1 }), "PermissionDeniedError");
      await call(worker.client, "progress.report", { taskId, completion: 0.1 });
      equal(await statusOf(desk, taskId), ["running"], "who reports has begun");
      await worker.complete();
      await rejects(call(worker.client, "task.emit", { taskId, events: [chunk("x")] }), "ConflictError");
    },
  },
];
