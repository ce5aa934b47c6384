import type { RetryPolicy } from "../../src/protocol/tasks.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, text } from "./state_kit.ts";
import { act, call, eventsOf, infoOf, make, statusOf, storyOf, taskWorld } from "./task_kit.ts";

/** Fails a task until it is over; the waits between its attempts, in ms. */
async function waitsOf(retry: RetryPolicy): Promise<number[]> {
  await using world = await taskWorld();
  const { fabric, desk, worker } = world;
  const taskId = await make(desk, { retry });
  while (["running", "pending"].includes((await statusOf(desk, taskId))[0])) {
    if (worker.running.length > 0) await worker.fail();
    // Not a moment before its moment, nor after it.
    const { runAt, status } = await infoOf(desk, taskId);
    if (status !== "pending") continue;
    await fabric.advance(runAt! - fabric.clock.now() - 1);
    equal(worker.running.length, 0, "a millisecond before");
    await fabric.advance(1);
    equal(worker.running.length, 1, "at its moment");
  }
  const begun = (await eventsOf(desk, taskId)).flatMap((event) =>
    event.type === "status" && (event.status === "assigned" || event.error) ? [event.at] : []
  );
  // failed, assigned, failed, assigned … after the first assignment
  const [, ...rest] = begun;
  return rest.flatMap((at, index) => (index % 2 === 0 ? [] : [at - rest[index - 1]]));
}

/** What is tried again, when, and what is not. */
export const cases: Case[] = [
  {
    name: "retry: waits are fixed, grow up to their longest, or are those of a list whose last one repeats",
    async run() {
      const fixed = await waitsOf({ maxAttempts: 4, backoff: "fixed", initialDelayMs: 700, jitter: 0 });
      equal(fixed, [700, 700, 700]);
      const grown = await waitsOf({ maxAttempts: 6, initialDelayMs: 100, maxDelayMs: 600, jitter: 0 });
      equal(grown, [100, 200, 400, 600, 600]);
      equal(await waitsOf({ maxAttempts: 5, scheduleMs: [5, 60_000, 10] }), [5, 60_000, 10, 10]);
      equal(await waitsOf({ maxAttempts: 2, scheduleMs: [0] }), [0]);
    },
  },
  {
    name: "retry: chance shortens a wait by no more than its share",
    async run() {
      const waits = await waitsOf({ maxAttempts: 12, backoff: "fixed", initialDelayMs: 1000, jitter: 0.5 });
      equal(waits.every((ms) => ms >= 500 && ms <= 1000), true, String(waits));
      equal(new Set(waits).size > 5, true, "they differ");
    },
  },
  {
    name: "retry: an error that is final is not tried again, and a handler may say when to",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const retry = { maxAttempts: 3 };
      const final = await make(desk, { retry });
      equal((await worker.fail(worker.last, { isRetryable: false })).status, "failed");
      equal((await infoOf(desk, final)).failures, 1);
      const later = await make(desk, { retry });
      await worker.fail(worker.last, { retryAfterMs: 3_600_000 });
      await fabric.advance("59m");
      equal(await statusOf(desk, later), ["pending"]);
      await fabric.advance("1m");
      equal(await statusOf(desk, later), ["running"]);
      const once = await make(desk);
      await worker.complete();
      await fabric.advance(0);
      await worker.fail();
      equal(await statusOf(desk, once), ["failed"]);
    },
  },
  {
    name: "retry: it may go to the same worker at once, whose slots are counted right",
    // The next attempt took the place of the one before in the worker's list while that one's slot was being freed, so the
    // slot was never free again: after so many retries a worker with two slots had none.
    async run() {
      await using world = await taskWorld({ slots: 2 });
      const { fabric, desk, worker } = world;
      for (let round = 0; round < 3; round++) {
        const taskId = await make(desk, { retry: { maxAttempts: 3, scheduleMs: [0] } });
        await worker.fail();
        await fabric.advance(0);
        equal([worker.last.taskId, worker.last.attempt], [taskId, 2]);
        await worker.complete();
      }
      const both = [await make(desk), await make(desk)];
      equal(await statusOf(desk, ...both), ["running", "running"]);
      equal((await call(desk, "task.pool", { implementation: "pool", action: "get" })).pool.busy, 2);
    },
  },
  {
    name: "dead: what failed for good is listed with its reason and payload, and begins again with edits",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const large = "x".repeat(5000);
      const taskId = await make(desk, {
        payload: bytes(large),
        metadata: { tenant: "a" },
        retry: { maxAttempts: 2, initialDelayMs: 10, jitter: 0 },
        deadlineMs: 60_000,
      });
      const first = worker.last;
      await worker.fail(worker.last, { message: "one" });
      await fabric.advance(10);
      await worker.fail(worker.last, { message: "two" });
      const { tasks: [dead] } = await call(desk, "task.query", { filter: { status: "dead" } });
      equal([dead.taskId, dead.reason, dead.error?.message, dead.failures], [taskId, "failed 2 times", "two", 2]);
      const kept = await call(desk, "task.get", { taskId, withPayload: true });
      equal(text(kept.payload), large);
      await fabric.advance("1d");
      await act(desk, taskId, "retry", { payload: bytes("mended"), metadata: { tenant: "b" } });
      equal([text(worker.last.payload), worker.last.attempt, worker.last.metadata], ["mended", 3, { tenant: "b" }]);
      // Neither an attempt of its first life nor another retry counts now.
      equal((await worker.settle({ kind: "completed" }, first)).isAccepted, false);
      await rejects(act(desk, taskId, "retry"), "ConflictError");
      await fabric.advance("2m");
      equal((await worker.complete()).status, "completed", "its deadline was that of its first life");
      await rejects(act(desk, taskId, "retry"), "ConflictError");
      equal((await storyOf(desk, taskId)).slice(-5), ["dead", "pending", "assigned", "running", "completed"]);
    },
  },
  {
    name: "dead: it begins again in the very turn in which it was over",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk);
      const failing = worker.fail();
      const again = act(worker.client, taskId, "retry");
      equal([(await failing).status, (await again).status], ["failed", "pending"]);
      await fabric.advance(0);
      equal(worker.last.attempt, 2);
      await worker.complete();
      equal(await statusOf(desk, taskId), ["completed"]);
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal(await statusOf(desk, taskId), ["completed"]);
      equal((await call(desk, "task.query", {})).tasks.length, 1);
    },
  },
  {
    name: "bulk: all of a filter are cancelled or begin again, and only what the caller may see",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk, worker } = world;
      const [stranger] = await connected(fabric.agent({ workspace: "other" }));
      const theirs = await make(stranger);
      const ids: string[] = [];
      for (let n = 0; n < 450; n++) ids.push(await make(desk, { type: n % 3 === 0 ? "a" : "b" }));
      const cancelling = call(desk, "task.bulk", { filter: { taskType: "a" }, action: "cancel", reason: "enough" });
      await fabric.advance(10);
      equal(await cancelling, { count: 150 });
      equal((await infoOf(desk, ids[0])).reason, "enough");
      equal(await statusOf(stranger, theirs), ["pending"]);
      const retrying = call(desk, "task.bulk", { filter: { status: ["cancelled", "dead"] }, action: "retry" });
      await fabric.advance(10);
      equal(await retrying, { count: 150 });
      const foreign = call(desk, "task.bulk", { filter: { workspace: "other" }, action: "cancel" });
      await fabric.advance(10);
      equal(await foreign, { count: 0 });
      await worker.announce({ slots: 500 });
      await fabric.advance(0);
      equal(worker.given.length, 450);
    },
  },
  {
    name:
      "time: an attempt that takes too long is tried again, and timed out when there is none left; a worker may say so first",
    async run() {
      await using world = await taskWorld({ slots: 3 });
      const { fabric, desk, worker } = world;
      const taskId = await make(desk, { timeoutMs: 1000, retry: { maxAttempts: 2, scheduleMs: [100] } });
      equal(worker.last.timeoutMs, 1000);
      await fabric.advance(1499);
      equal(await statusOf(desk, taskId), ["running"], "its worker's word is waited for");
      await fabric.advance(1);
      equal((await infoOf(desk, taskId)).error?.name, "TimeoutError");
      await fabric.advance(100);
      equal(await statusOf(desk, taskId), ["running"]);
      await fabric.advance(1500);
      const { status, error, failures } = await infoOf(desk, taskId);
      equal([status, error?.code, failures], ["timed_out", "DEADLINE_EXCEEDED", 2]);
      equal(worker.revoked.map(({ attempt, kind }) => [attempt, kind]), [[1, "timeout"], [2, "timeout"]]);
      const short = await make(desk, { timeoutMs: 1000 });
      await worker.complete();
      await fabric.advance("1m");
      equal(await statusOf(desk, short), ["completed"]);
    },
  },
  {
    name: "time: a deadline ends a task wherever it is, however many attempts are left",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const more = { deadlineMs: 5000, retry: { maxAttempts: 9 } };
      const [running, queued] = [await make(desk, more), await make(desk, more)];
      const delayed = await make(desk, { ...more, runAt: fabric.clock.now() + 60_000 });
      const dependent = await make(desk, { ...more, dependsOn: [delayed] });
      await fabric.advance(4999);
      equal(await statusOf(desk, running, queued, delayed, dependent), [
        "running",
        "pending",
        "pending",
        "waiting_dependency",
      ]);
      await fabric.advance(1);
      equal(await statusOf(desk, running, queued, delayed, dependent), Array(4).fill("timed_out"));
      equal(worker.revoked.map(({ kind }) => kind), ["deadline"]);
      const waiting = await make(desk, more);
      await worker.complete(worker.given[0]);
      await fabric.advance(0);
      await worker.settle({ kind: "waiting", wait: { for: "input" } });
      await fabric.advance("5s");
      equal(await statusOf(desk, waiting), ["timed_out"]);
    },
  },
  {
    name: "released: what a worker hands back is no failure, and is the first to go to another",
    async run() {
      await using world = await taskWorld({ slots: 1 });
      const { fabric, desk, worker } = world;
      const [first, second] = [await make(desk), await make(desk)];
      await worker.announce({ slots: 0 });
      equal((await worker.settle({ kind: "released", reason: "drain" })).status, "pending");
      equal((await infoOf(desk, first)).reason, "drain");
      await worker.announce({ slots: 1 });
      await fabric.advance(0);
      equal([worker.last.taskId, worker.last.attempt, worker.last.task.failures], [first, 2, 0]);
      await worker.complete();
      await fabric.advance(0);
      equal(worker.last.taskId, second);
    },
  },
];
