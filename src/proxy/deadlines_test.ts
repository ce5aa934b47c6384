import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, systemClock } from "../base/clock.ts";
import { VirtualClock } from "../testing/virtual_clock.ts";
import { Deadlines } from "./deadlines.ts";

function world(): {
  clock: VirtualClock;
  deadlines: Deadlines;
  heard: string[];
  timers: () => number;
  set: () => number;
} {
  const clock = new VirtualClock();
  let open = 0;
  let set = 0;
  const counted: Clock = {
    now: () => clock.now(),
    timer(ms, run) {
      set++;
      open++;
      let isOver = false;
      const over = (): void => {
        if (!isOver) open--;
        isOver = true;
      };
      const cancel = clock.timer(ms, () => {
        over();
        run();
      });
      return () => {
        over();
        cancel();
      };
    },
  };
  return {
    clock,
    deadlines: new Deadlines(counted),
    heard: [],
    timers: () => open,
    set: () => set,
  };
}

test("each is done at its time and once, one that was taken back is not", async () => {
  const { clock, deadlines, heard, timers } = world();
  const start = clock.now();
  const hear = (name: string) => () => void heard.push(`${name} ${clock.now() - start}`);
  deadlines.add(300, hear("c"));
  deadlines.add(100, hear("a"));
  const gone = deadlines.add(150, hear("b"));
  deadlines.add(100, hear("a2"));
  deadlines.remove(gone);
  deadlines.remove(gone);
  await clock.advance(1000);
  assert.deepEqual(heard, ["a 100", "a2 100", "c 300"]);
  assert.equal(timers(), 0);
});

// The shared timer was armed with Infinity - Infinity: it fired at once, and again, some 900 times a second.
test("a deadline that is infinite never comes, and wakes nobody beside others", async () => {
  const { clock, deadlines, heard, timers, set } = world();
  const never = deadlines.add(Infinity, () => heard.push("never"));
  assert.equal(timers(), 0);
  deadlines.add(100, () => heard.push("in time"));
  await clock.advance(10_000);
  assert.deepEqual([heard, set()], [["in time"], 1]);
  deadlines.remove(never);
  assert.equal(timers(), 0);
});

test("one that is further off than a platform's timer reaches is not done at its end", async () => {
  const { clock, deadlines, heard } = world();
  deadlines.add(2 ** 33, () => heard.push("late"));
  await clock.advance(2 ** 32);
  assert.deepEqual(heard, []);
  await clock.advance(2 ** 32 + 1);
  assert.deepEqual(heard, ["late"]);
});

// They were compared with the wall clock: one that was set back by an hour made them an hour late.
test("a wall clock that is set back makes nothing late", async () => {
  const deadlines = new Deadlines(systemClock);
  const { now } = Date;
  try {
    const began = performance.now();
    const done = Promise.withResolvers<void>();
    deadlines.add(20, () => {});
    deadlines.add(40, done.resolve);
    Date.now = () => now() - 3_600_000;
    await Promise.race([done.promise, new Promise((_, reject) => setTimeout(reject, 2000, new Error("it is late")))]);
    assert.ok(performance.now() - began > 35);
  } finally {
    Date.now = now;
  }
});

test("many that are taken back share a timer, and the last one leaves none", () => {
  const { deadlines, timers, set } = world();
  const first = deadlines.add(30_000, () => {});
  for (let n = 0; n < 100; n++) deadlines.remove(deadlines.add(30_000, () => {}));
  assert.deepEqual([timers(), set()], [1, 1]);
  deadlines.remove(first);
  assert.equal(timers(), 0);
});

test("what is done may add others and take back what was due with it", async () => {
  const { clock, deadlines, heard, timers } = world();
  const later = { deadline: deadlines.add(500, () => heard.push("never")) };
  deadlines.remove(later.deadline);
  deadlines.add(100, () => {
    heard.push("first");
    deadlines.remove(later.deadline);
    deadlines.add(50, () => heard.push("added"));
  });
  later.deadline = deadlines.add(100, () => heard.push("never"));
  await clock.advance(1000);
  assert.deepEqual(heard, ["first", "added"]);
  assert.equal(timers(), 0);
});
