import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Limiter } from "./limiter.ts";
import { TaskQueue } from "./queue.ts";
import type { TaskState } from "./record.ts";
import { liveTask, type Task } from "./task.ts";

function waiting(id: string, more: Partial<TaskState> = {}): Task {
  return liveTask({ id, priority: 30, status: "pending", ...more } as TaskState);
}

function queueOf(): { queue: TaskQueue; limiter: Limiter; alarms: number[]; take(now?: number): Task | undefined } {
  const limiter = new Limiter();
  const alarms: number[] = [];
  const queue = new TaskQueue(limiter, (until) => alarms.push(until));
  const take = (now = 0): Task | undefined => {
    const task = queue.peek(now);
    if (!task) return undefined;
    queue.shift();
    limiter.enter(task.state, now);
    return task;
  };
  return { queue, limiter, alarms, take };
}

test("keys take turns, whatever the number of tasks each has", () => {
  const { queue, take } = queueOf();
  for (let n = 0; n < 1000; n++) queue.push(waiting(`big${n}`, { concurrency: { key: "big" } }));
  for (let n = 0; n < 3; n++) queue.push(waiting(`small${n}`, { concurrency: { key: "small" } }));
  const first = Array.from({ length: 8 }, () => take()!.state.id);
  assert.deepEqual(first, ["big0", "small0", "big1", "small1", "big2", "small2", "big3", "big4"]);
});

test("a full key costs nothing while it waits, and has its turn when one of it is over", () => {
  const { queue, limiter, take } = queueOf();
  const full = { concurrency: { key: "full", perKey: 1 } };
  const one = waiting("one", full);
  queue.push(one);
  queue.push(waiting("two", full));
  queue.push(waiting("three", { priority: 40, ...full }));
  queue.push(waiting("free"));
  assert.deepEqual([take()?.state.id, take()?.state.id, take()], ["three", "free", undefined]);
  limiter.leave(one.state);
  queue.release("full");
  assert.equal(take()?.state.id, "one");
  assert.equal(queue.size, 1);
});

test("one alarm is asked for, however many wait for their rate and however often it is looked at", () => {
  const { queue, alarms, take } = queueOf();
  for (let n = 0; n < 100; n++) {
    queue.push(waiting(`t${n}`, { rateLimit: { key: `k${n % 10}`, perSecond: 1, burst: 1 } }));
  }
  while (take(0));
  for (let n = 0; n < 50; n++) queue.peek(n);
  assert.deepEqual(alarms, [1000]);
  let taken = 0;
  while (take(1000)) taken++;
  assert.equal(taken, 10);
  assert.deepEqual(alarms, [1000, 2000]);
});

test("what was taken out of the middle costs nothing later", () => {
  const { queue, take } = queueOf();
  const tasks = Array.from({ length: 10_000 }, (_, n) => waiting(`t${n}`));
  for (const task of tasks) queue.push(task);
  for (const task of tasks.slice(1, -1)) queue.remove(task);
  assert.equal(queue.size, 2);
  assert.deepEqual([take()?.state.id, take()?.state.id, take()], ["t0", "t9999", undefined]);
});

/** What may happen to a queue. */
type Step =
  | { kind: "push"; key: number; priority: number; perKey: number; rate: boolean; isFirst: boolean }
  | { kind: "take" | "cancel" | "end" | "back"; which: number }
  | { kind: "time"; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("push" as const),
      key: fc.nat(3),
      priority: fc.constantFrom(10, 30, 50),
      perKey: fc.integer({ min: 1, max: 3 }),
      rate: fc.boolean(),
      isFirst: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("take" as const, "take" as const, "cancel" as const, "end" as const, "back" as const),
      which: fc.nat(100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.nat(800) }) },
);

test("whatever happens, none is lost or given out twice, limits hold, and none waits that could go", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const TOTAL = 5;
      const { queue, limiter, alarms, take } = queueOf();
      const inside = new Set<Task>();
      const running = new Set<Task>();
      let [now, made] = [0, 0];
      const pick = (from: Set<Task>, which: number): Task | undefined => [...from][which % Math.max(1, from.size)];
      const leave = (task: Task): void => {
        running.delete(task);
        limiter.leave(task.state);
        queue.release(task.state.concurrency?.key ?? "");
      };
      const taken = (task: Task): void => {
        assert.ok(inside.delete(task), "it was waiting");
        assert.equal(task.ticket, 0);
        running.add(task);
        const { key, perKey } = task.state.concurrency!;
        assert.ok([...running].filter((one) => one.state.concurrency!.key === key).length <= perKey!, "per key");
        assert.ok(running.size <= TOTAL, "total");
      };
      for (const one of steps) {
        if (one.kind === "push") {
          const task = waiting(`t${made++}`, {
            priority: one.priority,
            concurrency: { key: `k${one.key}`, perKey: one.key + 1, total: TOTAL },
            rateLimit: one.rate ? { key: `k${one.key}`, perSecond: 10, burst: 2 } : undefined,
          });
          queue.push(task, one.isFirst);
          inside.add(task);
        } else if (one.kind === "take") {
          const task = take(now);
          if (task) taken(task);
        } else if (one.kind === "time") now += one.ms;
        else if (one.kind === "cancel") {
          const task = pick(inside, one.which);
          if (!task) continue;
          queue.remove(task);
          inside.delete(task);
        } else {
          const task = pick(running, one.which);
          if (!task) continue;
          leave(task);
          if (one.kind !== "back") continue;
          queue.push(task, true);
          inside.add(task);
        }
        assert.equal(queue.size, inside.size);
      }
      // Everything comes out in the end, when room is made and time passes.
      for (let rounds = 0; inside.size > 0; rounds++) {
        assert.ok(rounds < 1000, `${inside.size} never came out`);
        for (let task = take(now); task; task = take(now)) taken(task);
        for (const task of [...running]) leave(task);
        const next = alarms.filter((at) => at > now);
        now = next.length > 0 ? Math.min(...next) : now + 100;
      }
      assert.equal(queue.size, 0);
    }),
    { numRuns: 300 },
  );
});
