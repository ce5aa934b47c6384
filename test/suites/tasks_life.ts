import { TaskAssignmentMode } from "../../src/protocol/tasks.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, text } from "./state_kit.ts";
import { act, call, create, hands, infoOf, make, statusOf, storyOf, taskWorld } from "./task_kit.ts";

/** From its making to its end. */
export const cases: Case[] = [
  {
    name: "task: it goes to a free worker at once, runs, and its result is handed to whoever asks, also days later",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const made = await create(desk, { payload: bytes("in"), metadata: { a: "1" } });
      equal(made.isNew, true);
      equal(made.status, "running");
      const { last } = worker;
      equal([text(last.payload), last.attempt, last.metadata.a, last.assignedTo], ["in", 1, "1", worker.client.topic]);
      equal(last.task.creator, desk.topic);
      equal(await worker.complete(last, "out"), { isAccepted: true, status: "completed" });
      const other = fabric.agent();
      await other.connect();
      for (const [asker, wait] of [[desk, 0], [other, "6d"]] as const) {
        await fabric.advance(wait);
        const { task, result } = await call(asker, "task.result", { taskId: made.taskId });
        equal([task, text(result)], [undefined, "out"]);
      }
      equal(await storyOf(desk, made.taskId), ["pending", "assigned", "running", "completed"]);
      await fabric.advance("2d");
      await rejects(call(desk, "task.result", { taskId: made.taskId }), "NotFoundError");
      equal(await call(desk, "task.get", { taskId: made.taskId }), {});
    },
  },
  {
    name: "task: whoever waits for its result is answered when it is over, over reconnects of everybody",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const taskId = await make(desk);
      const waiting = call(desk, "task.result", { taskId });
      fabric.faults.cut(desk);
      await fabric.advance("2s");
      await worker.complete();
      equal(text((await waiting).result), "done");
    },
  },
  {
    name: "task: a worker says itself when it begins, if it wants to; before that the task is assigned",
    async run() {
      await using world = await taskWorld({ isAutoStart: false });
      const { desk, worker } = world;
      const taskId = await make(desk);
      equal(await statusOf(desk, taskId), ["assigned"]);
      await rejects(act(desk, taskId, "start"), "ConflictError");
      await act(worker.client, taskId, "start");
      equal((await act(worker.client, taskId, "start")).status, "running");
      await worker.complete();
      equal(await storyOf(desk, taskId), ["pending", "assigned", "running", "completed"]);
      // One that completes without a word has begun all the same.
      const next = await make(desk);
      await worker.complete();
      equal(await storyOf(desk, next), ["pending", "assigned", "running", "completed"]);
    },
  },
  {
    name: "task: why it failed is kept as a typed error, and what came as structured data is said to be that",
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      const error = { name: "QuotaError", message: "too much", code: "RESOURCE_EXHAUSTED", details: { limit: 3 } };
      const failed = await make(desk, { isStructured: true });
      equal(worker.last.isStructured, true);
      equal(await worker.settle({ kind: "failed", error }), { isAccepted: true, status: "failed" });
      equal((await call(desk, "task.result", { taskId: failed })).task?.error, error);
      const done = await make(desk);
      await worker.settle({ kind: "completed", result: bytes("s"), isStructured: true });
      equal((await call(desk, "task.result", { taskId: done })).isStructured, true);
      const empty = await make(desk);
      await worker.settle({ kind: "completed" });
      equal((await call(desk, "task.result", { taskId: empty })).result, undefined);
      // Details beyond what can be told to everybody are left out; the rest is kept.
      const large = await make(desk);
      await worker.settle({ kind: "failed", error: { ...error, details: { text: "x".repeat(10_000) } } });
      equal((await infoOf(desk, large)).error, { ...error, details: undefined });
    },
  },
  {
    name: "task: it is done by whom it is meant for: its maker, one principal, or whoever of the pool is free",
    async run() {
      await using world = await taskWorld({ slots: 4 });
      const { fabric, desk, worker } = world;
      const [twin] = await connected(fabric.agent({ specifier: "twin" }));
      const [own, theirs] = [await hands(desk, { slots: 9 }), await hands(twin, { slots: 9 })];
      await make(desk, { mode: TaskAssignmentMode.SelfAssign, payload: bytes("self") });
      await make(desk, {
        mode: TaskAssignmentMode.Targeted,
        implementation: "agent",
        target: "twin",
        payload: bytes("spec"),
      });
      await make(desk, { mode: TaskAssignmentMode.Targeted, target: twin.topic, payload: bytes("topic") });
      await make(desk, { payload: bytes("pool") });
      await make(desk, { implementation: "agent", payload: bytes("agents") });
      await fabric.advance(0);
      equal([own.texts.filter((one) => one !== "agents"), worker.texts], [["self"], ["pool"]]);
      equal(theirs.texts.filter((one) => one !== "agents"), ["spec", "topic"]);
      equal([...own.texts, ...theirs.texts].filter((one) => one === "agents").length, 1);
      // One that is away gets it when it comes.
      const later = await make(desk, { mode: TaskAssignmentMode.Targeted, implementation: "agent", target: "late" });
      equal(await statusOf(desk, later), ["pending"]);
      const late = fabric.agent({ specifier: "late" });
      equal((await hands(late)).given.length, 0);
      await fabric.advance(10);
      equal(await statusOf(desk, later), ["running"]);
    },
  },
  {
    name:
      "task: one completion is accepted; said again by its worker it is true, said by anybody else it changes nothing",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const stranger = await hands(fabric.task());
      const taskId = await make(desk);
      const [holder, other] = worker.given.length > 0 ? [worker, stranger] : [stranger, worker];
      equal(await other.complete(holder.last, "stolen"), { isAccepted: false, status: "running" });
      equal((await holder.complete(holder.last, "first")).isAccepted, true);
      equal(await holder.complete(holder.last, "second"), { isAccepted: true, status: "completed" });
      equal(await other.complete(holder.last, "late"), { isAccepted: false, status: "completed" });
      equal(await holder.fail(holder.last), { isAccepted: false, status: "completed" });
      equal(text((await call(desk, "task.result", { taskId })).result), "first");
      await rejects(
        call(desk, "task.settle", { taskId: "0".repeat(19), outcome: { kind: "completed" } }),
        "NotFoundError",
      );
    },
  },
  {
    name: "task: an old attempt can change nothing, though its worker has the new one too",
    async run() {
      await using world = await taskWorld({ slots: 2 });
      const { fabric, desk, worker } = world;
      const taskId = await make(desk, { retry: { maxAttempts: 3, initialDelayMs: 1, jitter: 0 }, timeoutMs: 1000 });
      const old = worker.last;
      await fabric.advance("2s");
      equal([worker.given.length, worker.last.attempt, worker.revoked[0].kind], [2, 2, "timeout"]);
      equal(await worker.complete(old, "old"), { isAccepted: false, status: "running" });
      const log = { type: "log", level: "info", message: "old" } as const;
      await rejects(call(worker.client, "task.emit", { taskId, attempt: 1, events: [log] }), "ConflictError");
      await call(worker.client, "task.emit", { taskId, attempt: 2, events: [log] });
      equal(await worker.complete(worker.last, "new"), { isAccepted: true, status: "completed" });
      equal(text((await call(desk, "task.result", { taskId })).result), "new");
    },
  },
  {
    name:
      "task: large payloads and results pass, and a payload is there for whoever may see the task until it is completed",
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      const [input, output] = [new Uint8Array(300_000).fill(1), new Uint8Array(200_000).fill(2)];
      const taskId = await make(desk, { payload: input });
      equal([worker.last.payload.length, worker.last.payload[299_999]], [300_000, 1]);
      const before = await call(desk, "task.get", { taskId, withPayload: true });
      equal([before.task?.status, before.payload?.length], ["running", 300_000]);
      await worker.settle({ kind: "completed", result: output });
      const { result } = await call(desk, "task.result", { taskId });
      equal([result?.length, result?.[199_999]], [200_000, 2]);
      equal((await call(desk, "task.get", { taskId, withPayload: true })).payload?.length, 0);
    },
  },
  {
    name:
      "task: cancelled or refused by anybody who may, wherever it is; its worker is told, and is free when it lets go",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const [running, waiting, next] = [await make(desk), await make(desk), await make(desk)];
      equal((await act(desk, waiting, "cancel", { reason: "not needed" })).reason, "not needed");
      equal((await act(desk, running, "cancel")).status, "cancelled");
      await fabric.advance(1);
      equal(worker.revoked.map(({ taskId, attempt, kind }) => [taskId, attempt, kind]), [[running, 1, "cancelled"]]);
      // It has not let go: its slot is in use.
      equal(await statusOf(desk, next), ["pending"]);
      equal(await worker.complete(worker.given[0]), { isAccepted: false, status: "cancelled" });
      await fabric.advance(1);
      equal(await statusOf(desk, next), ["running"]);
      equal((await act(desk, running, "cancel")).status, "cancelled", "twice");
      await worker.complete();
      await rejects(act(desk, next, "cancel"), "ConflictError");
      const refused = await make(desk);
      equal((await act(desk, refused, "reject", { reason: "no" })).status, "rejected");
      await worker.settle({ kind: "released" });
      const byWorker = await make(desk);
      await fabric.advance(1);
      equal((await worker.settle({ kind: "rejected", reason: "not mine" })).status, "rejected");
      equal((await infoOf(desk, byWorker)).reason, "not mine");
      await rejects(act(desk, byWorker, "cancel"), "ConflictError");
    },
  },
];
