import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Limiter } from "./limiter.ts";
import type { TaskState } from "./record.ts";

const task = (more: Partial<TaskState>): TaskState => more as TaskState;

test("a key and a type have their limits, and what has none counts for the type alone", () => {
  const limiter = new Limiter();
  const a = task({ concurrency: { key: "a", perKey: 2, total: 4 } });
  const b = task({ concurrency: { key: "b", perKey: 2, total: 4 } });
  const plain = task({});
  limiter.enter(a, 0);
  assert.equal(limiter.blocked(a, 0), undefined);
  limiter.enter(a, 0);
  assert.deepEqual(limiter.blocked(a, 0), { by: "key" });
  assert.equal(limiter.blocked(b, 0), undefined);
  limiter.enter(plain, 0);
  limiter.enter(b, 0);
  assert.deepEqual(limiter.blocked(b, 0), { by: "total" });
  assert.equal(limiter.blocked(plain, 0), undefined);
  limiter.leave(a);
  assert.equal(limiter.blocked(a, 0), undefined);
  for (const one of [a, b, plain]) limiter.leave(one);
  assert.equal(limiter.running, 0);
  assert.equal(limiter.sweep(0), true);
});

test("a bucket gives its burst, then as many as its rate, and says when the next one comes", () => {
  const limiter = new Limiter();
  const one = task({ rateLimit: { key: "k", perSecond: 4, burst: 2 } });
  limiter.enter(one, 1000);
  limiter.enter(one, 1000);
  assert.deepEqual(limiter.blocked(one, 1000), { by: "rate", until: 1250 });
  assert.deepEqual(limiter.blocked(one, 1249), { by: "rate", until: 1250 });
  assert.equal(limiter.blocked(one, 1250), undefined);
  assert.equal(limiter.blocked(task({ rateLimit: { key: "other", perSecond: 4, burst: 2 } }), 1000), undefined);
  limiter.leave(one);
  limiter.leave(one);
  assert.equal(limiter.sweep(1499), false, "the bucket is not full");
  assert.equal(limiter.sweep(1500), true);
});

test("in no stretch of time do more begin than burst and rate allow, and one that was told to wait may begin then", () => {
  fc.assert(fc.property(
    fc.double({ min: 0.1, max: 500, noNaN: true }),
    fc.integer({ min: 1, max: 20 }),
    fc.array(fc.nat(400), { maxLength: 80 }),
    (perSecond, burst, waits) => {
      const limiter = new Limiter();
      const one = task({ rateLimit: { perSecond, burst } });
      const begun: number[] = [];
      let now = 1e12;
      for (const wait of waits) {
        now += wait;
        const blocked = limiter.blocked(one, now);
        if (!blocked) {
          limiter.enter(one, now);
          begun.push(now);
        } else if (blocked.by === "rate") {
          assert.ok(blocked.until > now);
          assert.equal(limiter.blocked(one, blocked.until), undefined, "at the moment that was said");
        }
      }
      for (let from = 0; from < begun.length; from++) {
        for (let to = from; to < begun.length; to++) {
          const allowed = burst + ((begun[to] - begun[from]) * perSecond) / 1000;
          assert.ok(to - from + 1 <= allowed + 1e-3, `${to - from + 1} began, ${allowed} may`);
        }
      }
    },
  ));
});
