import { TaskAssignmentMode } from "../../src/protocol/tasks.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bytes } from "./state_kit.ts";
import { act, call, hands, make, statusOf, taskWorld } from "./task_kit.ts";

/** Who is first, how many at once, and how often. */
export const cases: Case[] = [
  {
    name: "order: priority first, then the keys in turn, then age",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk, worker } = world;
      const add = (name: string, key?: string, priority?: number): Promise<string> =>
        make(desk, { payload: bytes(name), priority, concurrency: key === undefined ? undefined : { key } });
      for (const name of ["a1", "a2", "a3"]) await add(name, "a");
      for (const name of ["b1", "b2"]) await add(name, "b");
      await add("c1", "c");
      await add("low", "a", 20);
      await add("high1", "a", 40);
      await add("high2", "a", 40);
      await add("plain");
      await worker.announce({ slots: 1 });
      await fabric.advance(0);
      await worker.drain();
      await fabric.advance(0);
      for (let left = 9; left > 0; left--) {
        await worker.drain();
        await fabric.advance(0);
      }
      equal(worker.texts, ["high1", "high2", "a1", "b1", "c1", "plain", "a2", "b2", "a3", "low"]);
    },
  },
  {
    name:
      "limits: no more at once than a key and its type may have, whoever works, and nobody else waits for a full key",
    async run() {
      await using world = await taskWorld({ slots: 50 });
      const { fabric, desk, worker } = world;
      const second = await hands(fabric.task(), { slots: 50 });
      const concurrency = (key: string): { key: string; perKey: number; total: number } => ({
        key,
        perKey: 2,
        total: 5,
      });
      for (let n = 0; n < 6; n++) await make(desk, { concurrency: concurrency("a"), payload: bytes("a") });
      for (const key of ["b", "c", "d"]) {
        for (let n = 0; n < 2; n++) await make(desk, { concurrency: concurrency(key), payload: bytes(key) });
      }
      const at = (): string =>
        [...worker.running, ...second.running].map(({ payload }) => String.fromCharCode(...payload))
          .sort().join("");
      equal(at(), "aabbc");
      const seen: string[] = [];
      while (worker.running.length + second.running.length > 0) {
        const from = worker.running.length > 0 ? worker : second;
        await from.complete(from.running[0]);
        await fabric.advance(0);
        seen.push(at());
      }
      equal(seen.every((now) => now.length <= 5 && !/(.)\1\1/.test(now)), true, String(seen));
      equal(worker.given.length + second.given.length, 12);
    },
  },
  {
    name: "limits: what fails, waits, is cancelled or loses its worker makes room for the next of its key",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const one = { concurrency: { key: "k", perKey: 1 } };
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) ids.push(await make(desk, one));
      await worker.fail();
      await fabric.advance(0);
      await worker.settle({ kind: "waiting", wait: { for: "input" } });
      await fabric.advance(0);
      await act(desk, ids[2], "cancel");
      equal(await statusOf(desk, ...ids), ["failed", "waiting_input", "cancelled", "running", "pending"]);
      fabric.faults.cut(worker.client);
      await fabric.advance("2s");
      equal(await statusOf(desk, ids[3], ids[4]), ["running", "pending"], "the one that was lost is the first again");
      equal(worker.last.taskId, ids[3]);
    },
  },
  {
    name: "rate: tokens come with time, a burst may be spent at once, and each key has its own",
    async run() {
      await using world = await taskWorld({ slots: 100 });
      const { fabric, desk, worker } = world;
      const add = (key: string, count: number): Promise<unknown> =>
        Promise.all(
          Array.from({ length: count }, () =>
            make(desk, { payload: bytes(key), rateLimit: { key, perSecond: 4, burst: 3 } })),
        );
      await add("a", 8);
      equal(worker.texts.join(""), "aaa");
      await add("b", 2);
      equal(worker.texts.join(""), "aaabb");
      for (const [ms, expected] of [[249, 0], [1, 1], [250, 2], [749, 4], [1, 5], [60_000, 5]] as const) {
        await fabric.advance(ms);
        equal(worker.texts.filter((key) => key === "a").length, 3 + expected, `after ${ms} ms more`);
      }
      await add("a", 5);
      equal(worker.texts.filter((key) => key === "a").length, 11, "the bucket holds no more than its burst");
    },
  },
  {
    name: "rate: it is not forgotten while nobody is there",
    async run() {
      await using world = await taskWorld({ slots: 9 });
      const { fabric, desk, worker } = world;
      const slow = { rateLimit: { perSecond: 1 / 3600, burst: 1 } };
      await make(desk, slow);
      await worker.complete();
      await worker.client.disconnect();
      // Empty pools are swept every minute.
      await fabric.advance("10m");
      const next = await make(desk, slow);
      const later = await hands(fabric.task());
      await fabric.advance("49m");
      equal([later.given.length, ...await statusOf(desk, next)], [0, "pending"]);
      await fabric.advance("2m");
      equal(later.given.length, 1);
    },
  },
  {
    name: "pool: while it is paused it gives out nothing, also after a restart; what runs goes on",
    async run() {
      await using world = await taskWorld({ slots: 2 });
      const { fabric, desk, worker } = world;
      const running = await make(desk);
      const look = async (action: "get" | "pause" | "resume") =>
        (await call(desk, "task.pool", { implementation: "pool", action })).pool;
      await look("pause");
      const waiting = await make(desk);
      equal(await look("get"), {
        workspace: "test",
        implementation: "pool",
        isPaused: true,
        workers: 1,
        slots: 2,
        busy: 1,
        queued: 1,
      });
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal(await statusOf(desk, running, waiting), ["running", "pending"]);
      equal((await look("get")).isPaused, true);
      await worker.complete();
      await look("resume");
      await fabric.advance(0);
      equal(await statusOf(desk, running, waiting), ["completed", "running"]);
      await worker.complete();
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal((await look("get")).isPaused, false);
    },
  },
  {
    name: "slots: a worker has no more than it announces, may change its mind while busy, and takes its types only",
    async run() {
      await using world = await taskWorld({ slots: 2, types: ["t", "u"] });
      const { fabric, desk, worker } = world;
      const add = async (...types: string[]): Promise<void> => {
        for (const type of types) await make(desk, { type, payload: bytes(type) });
      };
      await add("t", "v", "u", "t");
      equal(worker.texts, ["t", "u"]);
      await worker.announce({ slots: 0 });
      await worker.complete(worker.running[0]);
      await fabric.advance(0);
      equal(worker.texts.length, 2);
      await worker.announce({ slots: 3, types: ["v"] });
      await fabric.advance(0);
      equal(worker.texts, ["t", "u", "v"]);
      await worker.announce({ slots: 1, types: undefined });
      await fabric.advance(0);
      equal(worker.texts.length, 3, "it has more than it takes now");
      await worker.complete(worker.running[0]);
      await worker.complete(worker.running[0]);
      await fabric.advance(0);
      equal(worker.texts, ["t", "u", "v", "t"]);
    },
  },
  {
    name: "slots: free workers of a pool take turns",
    async run() {
      await using world = await taskWorld({ slots: 10 });
      const { fabric, desk, worker } = world;
      const others = [await hands(fabric.task(), { slots: 10 }), await hands(fabric.task(), { slots: 10 })];
      for (let n = 0; n < 9; n++) await make(desk);
      equal([worker, ...others].map(({ given }) => given.length), [3, 3, 3]);
    },
  },
  {
    name: "weight: a heavy task takes so many slots, waits for them, and goes alone when it is heavier than all",
    async run() {
      await using world = await taskWorld({ slots: 4 });
      const { fabric, desk, worker } = world;
      for (const weight of [3, 2, 1, 9, 1]) await make(desk, { weight, payload: bytes(String(weight)) });
      equal(worker.texts, ["3"], "the next of its type waits for room, and those behind it wait for it");
      await worker.complete();
      await fabric.advance(0);
      equal(worker.texts, ["3", "2", "1"]);
      for (const expected of [3, 4]) {
        await worker.complete(worker.running[0]);
        await fabric.advance(0);
        equal(worker.texts.length, expected);
      }
      equal(worker.texts.at(-1), "9", "alone");
      await worker.complete();
      await fabric.advance(0);
      equal(worker.texts, ["3", "2", "1", "9", "1"]);
    },
  },
  {
    name: "slots: what is meant for one worker takes of the same slots, the better task first",
    async run() {
      await using world = await taskWorld({ slots: 0 });
      const { fabric, desk, worker } = world;
      const target = worker.client.topic;
      const mode = TaskAssignmentMode.Targeted;
      await make(desk, { payload: bytes("pool1") });
      await fabric.advance(1);
      await make(desk, { payload: bytes("own1"), mode, target });
      await fabric.advance(1);
      await make(desk, { payload: bytes("pool2") });
      await make(desk, { payload: bytes("own2"), mode, target, priority: 40 });
      await worker.announce({ slots: 1 });
      for (let n = 0; n < 4; n++) {
        await fabric.advance(0);
        await worker.drain();
      }
      equal(worker.texts, ["own2", "pool1", "own1", "pool2"]);
    },
  },
];
