import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../base/clock.ts";
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
  return { clock, deadlines: new Deadlines(counted), heard: [], timers: () => open, set: () => set };
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
