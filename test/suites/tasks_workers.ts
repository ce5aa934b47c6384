import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bytes, text } from "./state_kit.ts";
import { act, call, hands, infoOf, make, sessionOf, statusOf, taskWorld } from "./task_kit.ts";

/** Workers that close, die, blink, come back, move, or never let go. */
export const cases: Case[] = [
  {
    name: "worker: one that closes gives its tasks to others at once, even if it asked for time to come back",
    async run() {
      await using world = await taskWorld({ slots: 2, graceMs: 60_000 });
      const { fabric, desk, worker } = world;
      const [a, b] = [await make(desk), await make(desk)];
      const other = await hands(fabric.task(), { slots: 2 });
      await worker.client.disconnect();
      await fabric.advance(0);
      equal(other.given.map(({ taskId, attempt }) => [taskId, attempt]), [[a, 2], [b, 2]]);
      equal((await infoOf(desk, a)).failures, 0);
    },
  },
  {
    name: "worker: one that dies gives them back when its socket ends, and what it says afterwards changes nothing",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk);
      const other = await hands(fabric.task());
      fabric.faults.cut(worker.client);
      await fabric.advance(0);
      equal([other.last.taskId, other.last.attempt], [taskId, 2]);
      // It comes back with its session, hears that it has lost the task, and had finished it meanwhile.
      await fabric.advance("5s");
      equal(worker.revoked.map(({ attempt, kind }) => [attempt, kind]), [[1, "lease_lost"]]);
      equal((await worker.complete(worker.last, "late")).isAccepted, false);
      await other.complete(other.last, "right");
      equal(text((await call(desk, "task.result", { taskId })).result), "right");
      equal((await infoOf(desk, taskId)).attempt, 2);
    },
  },
  {
    name: "worker: a half-open socket is found by its silence, and its tasks go to others",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk);
      const other = await hands(fabric.task());
      fabric.faults.halfOpen(worker.client);
      await fabric.advance("40s");
      equal(other.last.taskId, taskId);
    },
  },
  {
    name: "worker: with grace a blip does not restart its work, whether its session is resumed or another one",
    async run() {
      for (const limits of [{}, { resumeMs: 1, redeliverAfterMs: 1 }]) {
        await using world = await taskWorld({ graceMs: 10_000 }, { limits });
        const { fabric, desk, worker } = world;
        const other = await hands(fabric.task());
        const taskId = await make(desk);
        const [holder, idle] = worker.given.length > 0 ? [worker, other] : [other, worker];
        if (holder === other) await other.announce({ graceMs: 10_000 });
        const session = holder.client.sessionId;
        fabric.faults.cut(holder.client);
        await fabric.advance("5s");
        equal(holder.client.sessionId === session, !("resumeMs" in limits), "resumed");
        await fabric.advance("30s");
        equal([await statusOf(desk, taskId), idle.given.length, holder.lost, holder.revoked], [["running"], 0, [], []]);
        equal((await holder.complete()).isAccepted, true);
        equal((await infoOf(desk, taskId)).attempt, 1);
      }
    },
  },
  {
    name: "worker: with grace it has no longer than that; one that comes back too late hears that it has lost its task",
    async run() {
      await using world = await taskWorld({ graceMs: 10_000 }, { limits: { resumeMs: 1, redeliverAfterMs: 1 } });
      const { fabric, desk, worker } = world;
      const client = fabric.task({ reconnectDelay: 20_000, maxReconnectDelay: 20_000 });
      await worker.announce({ slots: 0 });
      const slow = await hands(client, { graceMs: 10_000 });
      const taskId = await make(desk);
      await worker.announce({ slots: 1 });
      fabric.faults.cut(client);
      await fabric.advance(9_999);
      equal([client.state, worker.given.length], ["waiting", 0]);
      await fabric.advance(1);
      equal([worker.last.taskId, worker.last.attempt], [taskId, 2]);
      await fabric.advance("1m");
      equal(slow.lost, [{ taskId, attempt: 1 }]);
      equal((await slow.complete(slow.given[0])).isAccepted, false);
    },
  },
  {
    name:
      "worker: a task that was on its way when the connection broke goes to another as soon as its worker says it has not got it",
    async run() {
      await using world = await taskWorld({ graceMs: 600_000 }, { limits: { resumeMs: 1, redeliverAfterMs: 1 } });
      const { fabric, desk, worker } = world;
      fabric.faults.halfOpen(worker.client);
      const taskId = await make(desk);
      equal([worker.given.length, ...await statusOf(desk, taskId)], [0, "running"]);
      fabric.faults.cut(worker.client);
      await fabric.advance("5s");
      equal([worker.last.taskId, worker.last.attempt], [taskId, 2]);
    },
  },
  {
    name: "gateway: killed or drained, it comes back with all tasks; who worked goes on under the same attempt",
    async run() {
      for (const how of ["kill", "drain"]) {
        await using world = await taskWorld({ slots: 2 });
        const { fabric, desk, worker } = world;
        const [running, also] = [await make(desk), await make(desk)];
        const queued = await make(desk);
        const waiting = call(desk, "task.result", { taskId: running });
        waiting.catch(() => {});
        if (how === "kill") fabric.faults.killGateway();
        await fabric.faults.restartGateway();
        await fabric.advance("5s");
        equal(await statusOf(desk, running, also, queued), ["running", "running", "pending"]);
        equal([worker.given.length, worker.lost], [2, []]);
        equal((await worker.complete(worker.given[0], how)).isAccepted, true);
        await fabric.advance(0);
        equal(worker.last.taskId, queued);
        equal(text((await call(desk, "task.result", { taskId: running })).result), how);
      }
    },
  },
  {
    name: "gateway: what a worker finished while it was away is taken, before the worker has said what it has",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk);
      fabric.faults.killGateway();
      await fabric.advance(10);
      const session = sessionOf(worker.client);
      let settled: unknown;
      const stop = session.onConnect.add(() => {
        stop();
        call(worker.client, "task.settle", { taskId, attempt: 1, outcome: { kind: "completed" } }).then((
          out,
        ) => (settled = out));
      });
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal(settled, { isAccepted: true, status: "completed" });
      equal(await statusOf(desk, taskId), ["completed"]);
    },
  },
  {
    name: "gateway: who does not come back after a restart has as long as the task's class gives",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const classes = ["interactive", "batch", "background", undefined] as const;
      const ids: string[] = [];
      for (const taskClass of classes) ids.push(await make(desk, { taskClass }));
      fabric.faults.killGateway();
      worker.client.disconnect().catch(() => {});
      await fabric.advance(10);
      await fabric.faults.restartGateway();
      await fabric.advance("20s");
      equal(await statusOf(desk, ...ids), ["running", "running", "running", "running"]);
      await fabric.advance("15s");
      equal(await statusOf(desk, ...ids), ["pending", "running", "running", "pending"]);
      await fabric.advance(270_000);
      equal(await statusOf(desk, ...ids), ["pending", "pending", "running", "pending"]);
      await fabric.advance("5m");
      equal(await statusOf(desk, ...ids), Array(4).fill("pending"));
    },
  },
  {
    name:
      "worker: a slot with an attempt that was taken away is free again after 15 s, whether its worker lets go or not",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const [stuck, next] = [await make(desk), await make(desk)];
      await act(desk, stuck, "cancel");
      await fabric.advance(14_999);
      equal(await statusOf(desk, next), ["pending"]);
      await fabric.advance(1);
      equal(await statusOf(desk, next), ["running"]);
      // Its late word neither frees a slot twice nor ends anything.
      const third = await make(desk);
      equal((await worker.complete(worker.given[0])).isAccepted, false);
      await fabric.advance(0);
      equal(await statusOf(desk, next, third), ["running", "pending"]);
    },
  },
  {
    name: "worker: a task that loses its worker again and again is dead, for it may be the cause",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk, { retry: { maxAttempts: 100 } });
      for (let n = 0; n < 11; n++) {
        equal(await statusOf(desk, taskId), ["running"], `loss ${n}`);
        fabric.faults.cut(worker.client);
        await fabric.advance("20s");
      }
      const { status, error, attempt } = await infoOf(desk, taskId);
      equal([status, error?.name, attempt], ["dead", "WorkerLostError", 11]);
    },
  },
  {
    name: "worker: who moves to another workspace works there from then on, and finishes what it has",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk } = world;
      const mover = fabric.agent({ specifier: "mover" });
      const there = fabric.agent({ workspace: "new" });
      await there.connect();
      const moving = await hands(mover, { slots: 2 });
      const agents = { implementation: "agent" };
      const taken = await make(desk, { ...agents, payload: bytes("here") });
      await mover.switchWorkspace("new");
      const left = await make(desk, agents);
      await make(there, { ...agents, payload: bytes("there") });
      await fabric.advance(0);
      equal(moving.texts, ["here", "there"]);
      equal((await moving.complete(moving.given[0])).isAccepted, true);
      await make(there, { implementation: "agent", mode: 1, target: mover.topic, payload: bytes("own") });
      await fabric.advance(0);
      equal([moving.texts.at(-1), ...await statusOf(desk, taken, left)], ["own", "completed", "pending"]);
      const { pool } = await call(desk, "task.pool", { implementation: "agent", action: "get" });
      equal([pool.workers, pool.queued], [0, 1]);
    },
  },
];
