import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Alarm, Alarms } from "./alarms.ts";

test("alarms ring once, in the order of their moments, unless they were dropped", () => {
  fc.assert(fc.property(
    fc.array(fc.record({ at: fc.nat(1000), dropped: fc.boolean() }), { maxLength: 100 }),
    fc.nat(1000),
    (wanted, now) => {
      const alarms = new Alarms<number>();
      const set = wanted.map(({ at }, index) => alarms.set(at, index));
      wanted.forEach(({ dropped }, index) => dropped && alarms.drop(set[index]));
      const rung: number[] = [];
      alarms.run(now, Infinity, (index) => rung.push(index));
      const due = wanted.flatMap(({ at, dropped }, index) => (!dropped && at <= now ? [index] : []));
      assert.deepEqual(rung.toSorted(), due.toSorted());
      assert.deepEqual(
        rung.map((index) => wanted[index].at),
        due.map((index) => wanted[index].at).sort((a, b) => a - b),
      );
      const later = wanted.filter(({ at, dropped }) => !dropped && at > now).map(({ at }) => at);
      assert.equal(alarms.nextAt, Math.min(Infinity, ...later));
    },
  ));
});

test("what was dropped is let go of at once, and does not pile up however far off it was", () => {
  const alarms = new Alarms<object>();
  const kept: Alarm<object>[] = [];
  for (let n = 0; n < 100_000; n++) {
    const alarm = alarms.set(1e12 + n, {});
    if (n % 1000 === 0) kept.push(alarm);
    else {
      alarms.drop(alarm);
      alarms.drop(alarm);
      assert.equal(alarm.what, undefined);
    }
  }
  assert.ok(alarms.size < 3000, `${alarms.size} are kept`);
  let rung = 0;
  alarms.run(2e12, Infinity, () => rung++);
  assert.equal(rung, kept.length);
  assert.equal(alarms.size, 0);
});

test("a slice at a time, and one that rings may set others", () => {
  const alarms = new Alarms<number>();
  for (let n = 0; n < 10; n++) alarms.set(n, n);
  const rung: number[] = [];
  alarms.run(100, 4, (n) => rung.push(n));
  assert.deepEqual(rung, [0, 1, 2, 3]);
  alarms.run(100, 100, (n) => {
    rung.push(n);
    if (n === 5) alarms.set(50, 50);
  });
  assert.deepEqual(rung.slice(4), [4, 5, 6, 7, 8, 9, 50]);
});
