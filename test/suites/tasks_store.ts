import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bytes, lateStore, outcome, text, within } from "./state_kit.ts";
import type { Shelf } from "./store_case.ts";
import { memoryShelf } from "./store_contract.ts";
import { fileShelf, smallShelf } from "./store_shelf.ts";
import { act, call, create, hands, infoOf, make, statusOf, storyOf, taskWorld } from "./task_kit.ts";

/** A store in memory that answers late. */
function lateShelf(): Shelf {
  const store = lateStore();
  return { open: () => store, [Symbol.dispose]() {} };
}

/** Tasks on a store in a file, on one that fails, and on one that answers late. */
export const cases: Case[] = [
  {
    name: "tasks in a file: another gateway over it finds everything as it was",
    async run() {
      using shelf = fileShelf();
      let ids: string[];
      {
        await using world = await taskWorld({ slots: 2 }, { store: shelf.open() });
        const { fabric, desk, worker } = world;
        const done = await make(desk, { idempotencyKey: "k" });
        await worker.complete(worker.last, "x".repeat(5000));
        const failed = await make(desk, { payload: bytes("y".repeat(5000)), retry: { maxAttempts: 1 } });
        await worker.fail();
        const running = await make(desk, { payload: bytes("run") });
        await call(worker.client, "task.emit", {
          taskId: running,
          events: [{ type: "chunk", data: bytes("part") }],
        });
        await worker.announce({ slots: 0 });
        const first = await make(desk, { payload: bytes("first"), concurrency: { key: "k", perKey: 1 } });
        const second = await make(desk, { payload: bytes("second"), concurrency: { key: "k", perKey: 1 } });
        const after = await make(desk, { dependsOn: [running], payload: bytes("after") });
        const delayed = await make(desk, { runAt: fabric.clock.now() + 60_000, payload: bytes("delayed") });
        ids = [done, failed, running, first, second, after, delayed];
        fabric.faults.killGateway();
      }
      await using world = await taskWorld({ slots: 0 }, { store: shelf.open(), seed: 2 });
      const { fabric, desk, worker } = world;
      const [done, failed, running, first, second, after, delayed] = ids;
      equal(await statusOf(desk, ...ids), [
        ...["completed", "failed", "running", "pending", "pending", "waiting_dependency", "pending"],
      ]);
      equal((await call(desk, "task.result", { taskId: done })).result?.length, 5000);
      equal((await create(desk, { idempotencyKey: "k" })).taskId, done);
      equal((await call(desk, "task.get", { taskId: failed, withPayload: true })).payload?.length, 5000);
      equal(await storyOf(desk, running), ["pending", "assigned", "running", "chunk"]);
      // Its worker never comes back: after the grace of its class it goes to this one, before those behind it.
      await fabric.advance("31s");
      await worker.announce({ slots: 9 });
      await fabric.advance(0);
      equal(worker.texts.toSorted(), ["first", "run"]);
      await worker.drain();
      await fabric.advance("30s");
      equal(worker.texts.toSorted(), ["after", "delayed", "first", "run", "second"]);
      await worker.drain();
      await act(desk, failed, "retry");
      await worker.drain();
      equal(await statusOf(desk, ...ids), Array(7).fill("completed"));
      equal([first, second, after, delayed].length, 4);
    },
  },
  {
    name: "store: a payload is the same at every attempt, whatever came between",
    async run() {
      for (const size of [0, 10, 5000]) {
        const payload = "p".repeat(size);
        for (const open of [memoryShelf, smallShelf, lateShelf]) {
          using shelf = open();
          const options = { store: shelf.open() };
          let taskId: string;
          {
            await using world = await taskWorld({ slots: 1 }, options);
            const { fabric, desk, worker } = world;
            taskId = await make(desk, { payload: bytes(payload), retry: { maxAttempts: 2, scheduleMs: [10] } });
            await fabric.advance(10);
            // Given back, failed and tried again, failed for good, asked for anew.
            await worker.settle({ kind: "released" });
            await fabric.advance(10);
            await worker.fail();
            await fabric.advance(20);
            await worker.fail();
            await fabric.advance(10);
            await act(desk, taskId, "retry", { metadata: { again: "yes" } });
            await fabric.advance(10);
            await worker.settle({ kind: "waiting", wait: { for: "hibernation" } });
            await act(desk, taskId, "resume");
            await fabric.advance(10);
            equal(worker.texts, Array(5).fill(payload), `${size} bytes`);
            equal(text((await call(desk, "task.get", { taskId, withPayload: true })).payload!), payload);
            fabric.faults.killGateway();
          }
          await using world = await taskWorld({ slots: 1 }, { store: shelf.open(), seed: 2 });
          const { fabric, desk, worker } = world;
          await fabric.advance("31s");
          equal(worker.texts, [payload], `${size} bytes, after a restart`);
          await worker.complete();
          const { payload: left } = await call(desk, "task.get", { taskId, withPayload: true });
          equal(left!.length, 0, "nobody wants it any more");
        }
      }
    },
  },
  {
    name:
      "store: what could not be kept has not happened; when it can write again, everybody goes on where that leaves them",
    async run() {
      for (let healthy = 0; healthy < 12; healthy++) {
        using shelf = smallShelf();
        await using world = await taskWorld({ slots: 2, graceMs: 60_000 }, { store: shelf.open() });
        const { fabric, desk, worker } = world;
        const running = await make(desk, { payload: bytes("running") });
        const queued = [await make(desk), await make(desk)];
        shelf.driver.healthy = healthy;
        const made = outcome(create(desk, { idempotencyKey: "again", payload: bytes("x".repeat(2000)) }));
        const settled = outcome(worker.complete(worker.given[0]));
        await fabric.advance("2s");
        shelf.driver.healthy = Infinity;
        shelf.now += 10_000;
        await fabric.advance("20s");
        // Whoever heard of a failure says it again.
        if (typeof (await made) === "string") await create(desk, { idempotencyKey: "again" });
        if (typeof (await settled) === "string") {
          equal((await worker.complete(worker.given[0])).isAccepted, true, `${healthy}: said again`);
        }
        await fabric.advance("1m");
        const { tasks } = await call(desk, "task.query", {});
        equal(tasks.length, 4, `${healthy}: tasks`);
        equal((await infoOf(desk, running)).status, "completed", `${healthy}: settled`);
        while (worker.running.length > 0) {
          await worker.drain();
          await fabric.advance(1);
        }
        equal(await statusOf(desk, ...queued, tasks[0].taskId), Array(3).fill("completed"), `${healthy}: the rest`);
        const { pool } = await call(desk, "task.pool", { implementation: "pool", action: "get" });
        equal([pool.workers, pool.slots, pool.busy, pool.queued], [1, 2, 0, 0], `${healthy}: pool`);
      }
    },
  },
  {
    name: "store: a failure in the middle of what follows from an end stops nothing for good",
    async run() {
      using shelf = smallShelf();
      await using world = await taskWorld({ slots: 0 }, { store: shelf.open() });
      const { fabric, desk } = world;
      const parent = await make(desk);
      const parts = [await make(desk, { parentTaskId: parent }), await make(desk, { parentTaskId: parent })];
      shelf.driver.healthy = 3;
      const cancelled = outcome(act(desk, parent, "cancel"));
      await fabric.advance("2s");
      shelf.driver.healthy = Infinity;
      shelf.now += 10_000;
      await fabric.advance("20s");
      if (typeof (await cancelled) === "string") {
        equal(await statusOf(desk, parent, ...parts), ["pending", "pending", "pending"]);
        await act(desk, parent, "cancel");
      }
      equal(await statusOf(desk, parent, ...parts), ["cancelled", "cancelled", "cancelled"]);
    },
  },
  {
    name: "store: one that answers late makes no difference",
    async run() {
      await using world = await taskWorld({ slots: 2 }, { store: lateStore() });
      const { fabric, desk, worker } = world;
      const a = await make(desk, { payload: bytes("z".repeat(3000)), idempotencyKey: "a" });
      const b = await make(desk, { dependsOn: [a], retry: { maxAttempts: 2, scheduleMs: [10] } });
      const c = await make(desk, { dependsOn: [a, b], parentTaskId: b });
      await make(desk, { cron: { expression: "* * * * *" }, payload: bytes("q".repeat(3000)) });
      equal(worker.texts[0].length, 3000);
      await worker.complete(worker.last, "r".repeat(4000));
      await fabric.advance(10);
      equal((await call(desk, "task.result", { taskId: a })).result?.length, 4000);
      await worker.fail();
      await fabric.advance(10);
      await worker.complete();
      await fabric.advance(10);
      equal(await statusOf(desk, a, b, c), ["completed", "completed", "running"]);
      await worker.fail();
      await fabric.advance(10);
      const waiting = within(fabric, call(desk, "task.result", { taskId: c }), "10ms");
      equal((await waiting).task?.status, "failed");
      equal((await act(desk, c, "retry")).status === "failed", false);
      await fabric.advance("3m");
      equal(worker.texts.at(-1)?.length, 3000, "the schedule's");
      const page = await call(desk, "task.query", { filter: { status: "completed" } });
      equal(page.tasks.length >= 2, true);
    },
  },
  {
    name: "store: large payloads of what is over for good are gone with its record, and so is its log",
    async run() {
      await using world = await taskWorld({ slots: 1 }, { limits: { taskRetentionMs: 60_000 } });
      const { fabric, desk, worker } = world;
      const taskId = await make(desk, { payload: new Uint8Array(5000) });
      await call(worker.client, "task.emit", { taskId, events: [{ type: "chunk", data: new Uint8Array(10) }] });
      await worker.fail();
      equal(text((await call(desk, "task.get", { taskId, withPayload: true })).payload)?.length, 5000);
      await fabric.advance("2m");
      equal(await call(desk, "task.get", { taskId }), {});
      equal((await call(desk, "task.query", {})).tasks, []);
      const other = await hands(fabric.task());
      equal(other.given.length, 0);
    },
  },
];
