import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected } from "./state_kit.ts";
import { act, call, create, eventsOf, infoOf, make, statusOf, taskWorld } from "./task_kit.ts";

/** Tasks that come after others, and tasks that are parts of others. */
export const cases: Case[] = [
  {
    name: "depend: it begins when all of them are completed, whatever the shape",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const a = await make(desk, { payload: bytes("a") });
      const [b, c] = [
        await make(desk, { payload: bytes("b"), dependsOn: [a] }),
        await make(desk, { payload: bytes("c"), dependsOn: [a] }),
      ];
      const d = await make(desk, { payload: bytes("d"), dependsOn: [b, c, a, b] });
      equal(worker.texts, ["a"]);
      await worker.complete();
      await fabric.advance(0);
      equal(worker.texts, ["a", "b", "c"]);
      await worker.complete(worker.given[2]);
      await fabric.advance(0);
      equal(await statusOf(desk, d), ["waiting_dependency"]);
      await worker.complete(worker.given[1]);
      await fabric.advance(0);
      equal(worker.texts, ["a", "b", "c", "d"]);
      // What is completed already is waited for by nobody.
      equal((await create(desk, { dependsOn: [a, b] })).status, "running");
    },
  },
  {
    name: "depend: when one of them is not completed it fails, is cancelled, or begins all the same, as it was said",
    async run() {
      await using world = await taskWorld({ slots: 1 });
      const { fabric, desk, worker } = world;
      const a = await make(desk);
      const slow = await make(desk);
      const after = (onDependencyFailure?: "fail" | "cancel" | "continue") =>
        make(desk, { dependsOn: [a, slow], onDependencyFailure });
      const [fails, goes, ends] = [await after(), await after("continue"), await after("cancel")];
      const behind = await make(desk, { dependsOn: [fails] });
      await worker.fail();
      equal(await statusOf(desk, fails, goes, ends, behind), ["failed", "waiting_dependency", "cancelled", "failed"]);
      const { error, reason } = await infoOf(desk, fails);
      equal([error?.name, reason], ["DependencyError", `task ${a}, on which it depends, is failed`]);
      await fabric.advance(0);
      await worker.complete();
      await fabric.advance(0);
      equal(await statusOf(desk, goes), ["running"]);
      // One that has failed already is found at once.
      equal((await create(desk, { dependsOn: [a] })).status, "failed");
      equal((await create(desk, { dependsOn: [slow, a] })).status, "failed");
    },
  },
  {
    name: "depend: begun anew, it asks anew for what it depends on",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const a = await make(desk);
      const b = await make(desk, { dependsOn: [a] });
      await worker.fail();
      equal(await statusOf(desk, b), ["failed"]);
      equal((await act(desk, b, "retry")).status, "failed");
      await act(desk, a, "retry");
      equal((await act(desk, b, "retry")).status, "waiting_dependency");
      await fabric.advance(0);
      await worker.complete();
      await fabric.advance(0);
      equal(await statusOf(desk, a, b), ["completed", "running"]);
    },
  },
  {
    name: "depend: one that has to wait for its moment too begins at that moment",
    // Going on after a wait forgot the moment, so that a delayed task with a dependency ran as soon as that was over.
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const a = await make(desk);
      const b = await make(desk, { dependsOn: [a], runAt: fabric.clock.now() + 60_000 });
      await worker.complete();
      await fabric.advance("59s");
      equal(await statusOf(desk, b), ["pending"]);
      await fabric.advance("1s");
      equal(await statusOf(desk, b), ["running"]);
    },
  },
  {
    name: "depend: one that was completed is remembered, though its record is gone when the last one is over",
    async run() {
      await using world = await taskWorld({ slots: 2 }, { limits: { taskRetentionMs: 1000 } });
      const { fabric, desk, worker } = world;
      const [a, b] = [await make(desk), await make(desk)];
      const c = await make(desk, { dependsOn: [a, b] });
      await worker.complete(worker.given[0]);
      await fabric.advance("2m");
      equal(await call(desk, "task.get", { taskId: a }), {});
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      await worker.complete(worker.given[1]);
      await fabric.advance(0);
      equal(await statusOf(desk, c), ["running"]);
    },
  },
  {
    name: "depend: on what is not there, or not to be seen, it cannot depend, nor be a part of it",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk } = world;
      const [stranger] = await connected(fabric.agent({ workspace: "other" }));
      const theirs = await make(stranger);
      const before = (await call(desk, "task.query", {})).tasks.length;
      for (const id of [theirs, "0".repeat(19)]) {
        await rejects(make(desk, { dependsOn: [id] }), "NotFoundError");
        await rejects(make(desk, { parentTaskId: id }), "NotFoundError");
      }
      const over = await make(desk);
      await act(desk, over, "cancel");
      await rejects(make(desk, { parentTaskId: over }), "InvalidArgumentError");
      equal((await call(desk, "task.query", {})).tasks.length, before + 1);
    },
  },
  {
    name: "parts: they know their parent and the one at the top; it hears of them, and they are cancelled with it",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const top = await make(desk);
      const middle = await make(desk, { parentTaskId: top });
      const [low, done] = [await make(desk, { parentTaskId: middle }), await make(desk, { parentTaskId: middle })];
      await worker.complete(worker.given[3]);
      const { parentTaskId, rootTaskId } = await infoOf(desk, low);
      equal([parentTaskId, rootTaskId], [middle, top]);
      await act(desk, top, "cancel");
      equal(await statusOf(desk, top, middle, low, done), ["cancelled", "cancelled", "cancelled", "completed"]);
      equal((await infoOf(desk, low)).reason, "the task it is a part of is over");
      await fabric.advance(0);
      equal(worker.revoked.length, 3);
      const heard = (await eventsOf(desk, middle)).flatMap((
        one,
      ) => (one.type === "child" ? [[one.taskId, one.status]] : []));
      equal(heard, [[low, "pending"], [done, "pending"], [done, "completed"]]);
      const under = (filter: { parentTaskId?: string; rootTaskId?: string }) => call(desk, "task.query", { filter });
      equal((await under({ parentTaskId: middle })).tasks.length, 2);
      equal((await under({ rootTaskId: top })).tasks.length, 4);
    },
  },
  {
    name: "parts: they outlive a parent that is completed, not one that fails; one that begins anew is a part again",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { desk, worker } = world;
      const happy = await make(desk);
      const part = await make(desk, { parentTaskId: happy });
      await worker.complete(worker.given[0]);
      equal(await statusOf(desk, part), ["running"]);
      const sad = await make(desk);
      const parent = worker.last;
      const orphan = await make(desk, { parentTaskId: sad });
      await act(desk, orphan, "cancel");
      await act(desk, orphan, "retry");
      equal(await statusOf(desk, orphan), ["running"]);
      await worker.fail(parent);
      equal(await statusOf(desk, orphan), ["cancelled"]);
    },
  },
  {
    name: "parts: a chain of thousands is cancelled with its top, and one of dependents fails with its first",
    // Each end followed the one before it on the stack, which did not reach so far.
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { desk } = world;
      const count = 3000;
      for (const link of ["parentTaskId", "dependsOn"] as const) {
        const ids = [await make(desk)];
        for (let n = 1; n < count; n++) {
          const above = ids.at(-1)!;
          ids.push(await make(desk, link === "parentTaskId" ? { parentTaskId: above } : { dependsOn: [above] }));
        }
        await act(desk, ids[0], "cancel");
        const end = link === "parentTaskId" ? "cancelled" : "failed";
        equal(await statusOf(desk, ids[1], ids[count - 1]), [end, end]);
      }
    },
  },
];
