import type { NewTask } from "../../src/protocol/tasks.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, lateStore, text, within } from "./state_kit.ts";
import { act, call, create, hands, infoOf, make, statusOf, taskWorld } from "./task_kit.ts";

/** Keys that name tasks. */
export const cases: Case[] = [
  {
    name:
      "idempotency: the same key is the same task, also after it is over, until its time is over, and in its workspace",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const [elsewhere] = await connected(fabric.agent({ workspace: "other" }));
      const input: Partial<NewTask> = { idempotencyKey: "order-1", idempotencyTtlMs: 3_600_000 };
      const first = await create(desk, input);
      equal(await create(desk, { ...input, type: "u", payload: bytes("other") }), {
        taskId: first.taskId,
        status: "running",
        isNew: false,
      });
      equal((await create(elsewhere, input)).isNew, true);
      await worker.complete();
      await fabric.advance("59m");
      equal(await create(desk, input), { taskId: first.taskId, status: "completed", isNew: false });
      equal(worker.given.length, 1);
      await fabric.advance("1m");
      equal((await create(desk, input)).isNew, true);
      equal((await infoOf(desk, first.taskId)).idempotencyKey, "order-1");
    },
  },
  {
    name: "idempotency: calls at the same moment make one task, whatever the store, and after a restart too",
    async run() {
      for (const store of [undefined, lateStore()]) {
        await using world = await taskWorld({}, { store });
        const { fabric, desk, worker } = world;
        const twin = fabric.agent();
        await twin.connect();
        const keys = { idempotencyKey: "k", singleton: "s" };
        const all = Array.from({ length: 20 }, (_, n) => create(n % 2 === 0 ? desk : twin, keys));
        const made = await within(fabric, Promise.all(all), "10ms");
        equal(made.filter(({ isNew }) => isNew).length, 1, "made");
        equal(new Set(made.map(({ taskId }) => taskId)).size, 1, "tasks");
        equal(worker.given.length, 1, "given");
        fabric.faults.killGateway();
        await fabric.faults.restartGateway();
        await fabric.advance("5s");
        equal((await create(desk, keys)).taskId, made[0].taskId);
      }
    },
  },
  {
    name: "idempotency: a call that found a task by another key finds it by its own when it is made again",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk } = world;
      const throttle = { key: "t", ms: 1000 };
      const first = await make(desk, { throttle, idempotencyKey: "a" });
      equal(await make(desk, { throttle, idempotencyKey: "b" }), first);
      await fabric.advance("2s");
      equal(await make(desk, { throttle, idempotencyKey: "b" }), first);
      equal((await create(desk, { throttle, idempotencyKey: "c" })).isNew, true);
    },
  },
  {
    name: "dedupe: one that has not begun is enough",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk, worker } = world;
      const waiting = await make(desk, { dedupe: "k", payload: bytes("first") });
      equal(await make(desk, { dedupe: "k" }), waiting);
      equal((await create(desk, { dedupe: "k", type: "u" })).isNew, true, "another type");
      await worker.announce({ slots: 1, types: ["t"] });
      await fabric.advance(0);
      equal(text(worker.last.payload), "first");
      const next = await create(desk, { dedupe: "k" });
      equal(next.isNew, true, "the first has begun");
      await worker.complete();
      await fabric.advance(0);
      // The end of the first did not take the key from the second.
      equal((await create(desk, { dedupe: "k" })).isNew, true);
      equal(await make(desk, { dedupe: "k" }), (await create(desk, { dedupe: "k" })).taskId);
      // A second life needs the key only where another one waits under it.
      const failed = worker.last.taskId;
      await worker.announce({ slots: 0 });
      await worker.fail();
      await rejects(act(desk, failed, "retry"), "ConflictError");
      await worker.announce({ slots: 9 });
      await fabric.advance(0);
      equal((await act(desk, failed, "retry")).status, "running");
    },
  },
  {
    name: "singleton: one that is not over is enough, through retries and waits",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const one = { singleton: "k", retry: { maxAttempts: 2, scheduleMs: [1000] } };
      const first = await make(desk, one);
      await worker.fail();
      equal(await make(desk, one), first);
      await fabric.advance("1s");
      await worker.settle({ kind: "waiting", wait: { for: "input" } });
      equal(await make(desk, one), first);
      await act(desk, first, "resume");
      await worker.complete();
      const second = await create(desk, one);
      equal(second.isNew, true);
      // A second life needs the key again.
      await worker.fail(worker.last, { isRetryable: false });
      const third = await make(desk, one);
      const error = await rejects(act(desk, second.taskId, "retry"), "ConflictError");
      equal((error.details as { taskId: string }).taskId, third);
      await act(desk, third, "cancel");
      equal((await act(desk, second.taskId, "retry")).status, "pending");
      equal(await make(desk, one), second.taskId);
    },
  },
  {
    name: "throttle: at most one in its time, whatever became of it",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const input = { throttle: { key: "k", ms: 60_000 } };
      const first = await make(desk, input);
      await worker.fail();
      await fabric.advance(59_999);
      equal(await make(desk, input), first);
      await fabric.advance(1);
      equal((await create(desk, input)).isNew, true);
    },
  },
  {
    name:
      "debounce: calls are one task until it begins, after a pause, with the last payload, however large the first was",
    async run() {
      await using world = await taskWorld();
      const { fabric, desk, worker } = world;
      const debounce = { key: "k", ms: 1000 };
      const first = await make(desk, { debounce, payload: new Uint8Array(5000) });
      for (let n = 0; n < 5; n++) {
        await fabric.advance(900);
        equal(await make(desk, { debounce, payload: bytes(`call ${n}`) }), first);
        equal(worker.given.length, 0);
      }
      await fabric.advance(1000);
      equal(worker.texts, ["call 4"]);
      const next = await create(desk, { debounce, payload: bytes("next") });
      equal(next.isNew, true, "it has begun");
      await worker.complete();
      await fabric.advance("2s");
      equal(worker.texts, ["call 4", "next"]);
      // Longer than a name is kept by default.
      const slow = { key: "slow", ms: 3 * 24 * 3600_000 };
      const long = await make(desk, { debounce: slow });
      await fabric.advance("2d");
      equal(await make(desk, { debounce: slow }), long);
      await fabric.advance("2d");
      equal(await statusOf(desk, long), ["pending"]);
    },
  },
  {
    name: "debounce: one that waits for a worker is still joined, also after a restart",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk } = world;
      const debounce = { key: "k", ms: 100 };
      const first = await make(desk, { debounce, payload: bytes("one") });
      await fabric.advance("1m");
      equal(await make(desk, { debounce, payload: bytes("two") }), first);
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal(await make(desk, { debounce, payload: bytes("three") }), first);
      const late = await hands(fabric.task());
      await fabric.advance(50);
      equal(late.texts, []);
      await fabric.advance(50);
      equal(late.texts, ["three"]);
    },
  },
  {
    name: "names: a task that is cancelled lets go of its keys, and those without a task are not kept",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { desk } = world;
      const input = { singleton: "s", dedupe: "d", debounce: { key: "b", ms: 1000 } };
      const first = await make(desk, input);
      await act(desk, first, "cancel");
      const second = await create(desk, input);
      equal(second.isNew, true);
      await call(desk, "task.act", { taskId: second.taskId, action: "cancel" });
      equal((await create(desk, { singleton: "s" })).isNew, true);
    },
  },
];
