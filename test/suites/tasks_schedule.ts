import { nextRun } from "../../src/gateway/tasks/schedule.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes } from "./state_kit.ts";
import { act, call, create, infoOf, make, statusOf, storyOf, type TaskWorld, taskWorld } from "./task_kit.ts";

/** Moves the clock to a moment. */
async function until({ fabric }: TaskWorld, moment: string): Promise<void> {
  await fabric.advance(Date.parse(moment) - fabric.clock.now());
}

/** The next moments of a schedule. */
function moments(expression: string, timeZone: string, after: string, count: number): string[] {
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(after); found.length < count;) {
    at = nextRun({ expression, timeZone }, at);
    if (at === undefined) break;
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

/** Not now, but at a moment, once or again and again. The clock of these worlds begins on 2026-01-01. */
export const cases: Case[] = [
  {
    name: "delay: it begins at its moment, also when the gateway was away, and may be cancelled before",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const at = (seconds: number): { runAt: number } => ({ runAt: fabric.clock.now() + seconds * 1000 });
      const [past, soon, later, never] = [
        await make(desk, at(-5)),
        await make(desk, at(5)),
        await make(desk, at(60)),
        await make(desk, at(61)),
      ];
      equal(await statusOf(desk, past, soon, later), ["running", "pending", "pending"]);
      await fabric.advance(4999);
      equal(await statusOf(desk, soon), ["pending"]);
      await fabric.advance(1);
      equal(await statusOf(desk, soon), ["running"]);
      await act(desk, never, "cancel");
      fabric.faults.killGateway();
      await fabric.advance("2m");
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal(await statusOf(desk, later, never), ["running", "cancelled"]);
      equal(worker.given.filter(({ taskId }) => taskId === later).length, 1);
    },
  },
  {
    name:
      "cron: a task is made at every moment, a part of its schedule, with all that was said of it, until that is cancelled",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { desk, worker } = world;
      const schedule = await create(desk, {
        cron: { expression: "0 6 * * *", timeZone: "Europe/Berlin" },
        payload: bytes("report"),
        metadata: { a: "1" },
        priority: 40,
        retry: { maxAttempts: 2 },
        launchParams: { size: "small" },
      });
      equal([schedule.status, (await infoOf(desk, schedule.taskId)).runAt], [
        "pending",
        Date.parse("2026-01-01T05:00:00Z"),
      ]);
      await until(world, "2026-01-01T04:59:59Z");
      equal(worker.given.length, 0);
      await until(world, "2026-01-01T05:00:00Z");
      equal(worker.texts, ["report"]);
      const { task, metadata, launchParams } = worker.last;
      equal([metadata.a, launchParams.size, task.priority, task.maxAttempts, task.parentTaskId, task.rootTaskId], [
        ...["1", "small", 40, 2, schedule.taskId, schedule.taskId],
      ]);
      await worker.complete();
      equal(await storyOf(desk, schedule.taskId), ["pending", "child", "child"]);
      await until(world, "2026-01-03T05:00:00Z");
      equal(worker.texts.length, 3);
      await act(desk, schedule.taskId, "cancel");
      equal(await statusOf(desk, worker.last.taskId), ["cancelled"]);
      await until(world, "2026-01-06T00:00:00Z");
      equal(worker.texts.length, 3);
    },
  },
  {
    name: "cron: clocks that are put forward or back neither lose a moment nor double one",
    run() {
      const berlin = (expression: string, after: string, count: number) =>
        moments(expression, "Europe/Berlin", after, count);
      // 2026-03-29 02:00 becomes 03:00: what is left out comes at the end of the gap.
      equal(berlin("30 2 * * *", "2026-03-27T12:00Z", 3), ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]);
      equal(berlin("15 * * * *", "2026-03-28T23:30Z", 3), ["2026-03-29T00:15", "2026-03-29T01:15", "2026-03-29T02:15"]);
      // 2026-10-25 03:00 becomes 02:00: what comes twice counts once, and an hour is an hour.
      equal(berlin("30 2 * * *", "2026-10-23T12:00Z", 3), ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]);
      equal(berlin("15 * * * *", "2026-10-24T23:30Z", 3), ["2026-10-25T00:15", "2026-10-25T01:15", "2026-10-25T02:15"]);
      equal(moments("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", 2), [
        "2026-11-01T05:30",
        "2026-11-02T06:30",
      ]);
      equal(moments("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T12:00Z", 3), [
        ...["2026-10-02T15:45", "2026-10-03T15:30", "2026-10-04T15:15"],
      ]);
      equal(moments("0 0 1 1 *", "UTC", "2026-06-01T00:00Z", 1), ["2027-01-01T00:00"], "UTC when nothing is said");
    },
  },
  {
    name: "cron: over a change of the clocks it runs once a day, on the virtual clock",
    async run() {
      // A year of signs of life would take longer than the rest.
      const limits = { pingAfterMs: 1e9, deadAfterMs: 2e9 };
      await using world = await taskWorld({ slots: 999 }, { limits });
      await make(world.desk, { cron: { expression: "30 2 * * *", timeZone: "Europe/Berlin" } });
      for (const change of ["2026-03-29", "2026-10-25"]) {
        await until(world, `${change}T12:00:00Z`);
        const begun = world.worker.given.map(({ assignedAt }) => new Date(assignedAt).toISOString().slice(0, 10));
        equal(new Set(begun).size, begun.length, "one a day");
        equal(begun.at(-1), change);
        await world.worker.drain();
      }
      equal(world.worker.given.length, 298, "days from January 1 to October 25");
    },
  },
  {
    name: "cron: what was missed while the gateway was away is made up for once, and a moment is never used twice",
    async run() {
      await using world = await taskWorld({ slots: 99 });
      const { fabric, desk, worker } = world;
      await make(desk, { cron: { expression: "*/10 * * * *" } });
      await fabric.advance("25m");
      equal(worker.given.length, 2);
      fabric.faults.killGateway();
      await fabric.advance("60m");
      await fabric.faults.restartGateway();
      await fabric.advance("1s");
      fabric.faults.killGateway();
      await fabric.faults.restartGateway();
      await fabric.advance("2m");
      equal(new Set(worker.given.map(({ taskId }) => taskId)).size, 3);
      await fabric.advance("10m");
      equal(new Set(worker.given.map(({ taskId }) => taskId)).size, 4);
      equal((await call(desk, "task.query", { filter: { taskType: "t" } })).tasks.length, 5);
    },
  },
  {
    name: "cron: a schedule whose moments come to an end is completed then, and what it has made last goes on",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const schedule = await make(desk, { cron: { expression: "0 0 12 1,2 1 * 2026" } });
      await fabric.advance("3d");
      equal(worker.given.length, 2);
      equal(await statusOf(desk, schedule, worker.last.taskId), ["completed", "running"]);
      await rejects(make(desk, { cron: { expression: "0 0 12 1 1 * 2025" } }), "InvalidArgumentError");
      await rejects(make(desk, { cron: { expression: "61 * * * *" } }), "InvalidArgumentError");
      await rejects(make(desk, { cron: { expression: "* * * * *", timeZone: "Mars/Base" } }), "InvalidArgumentError");
    },
  },
  {
    name: "cron: with a singleton key a schedule is there once, however often it is made",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const nightly = { singleton: "nightly", cron: { expression: "0 0 * * *" } };
      const first = await make(desk, nightly);
      await fabric.advance("25h");
      equal(await make(desk, nightly), first);
      await fabric.advance("24h");
      equal(worker.given.length, 2);
    },
  },
  {
    name:
      "time: a clock that jumps ahead brings everything that was due, in order, and one that is far off harms nothing",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk, worker } = world;
      const now = fabric.clock.now();
      for (let n = 20; n > 0; n--) await make(desk, { runAt: now + n * 3_600_000, payload: bytes(String(n)) });
      await make(desk, { runAt: 8.64e15 });
      await fabric.advance("20h");
      await worker.announce({ slots: 99 });
      await fabric.advance(0);
      equal(worker.texts, Array.from({ length: 20 }, (_, n) => String(n + 1)));
    },
  },
];
