import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../base/ids.ts";
import { TaskIds } from "./task_ids.ts";

test("each id sorts before every earlier one, whatever the clock does", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -50, max: 5000 }), { maxLength: 200 }), (steps) => {
    const ids = new TaskIds(seededRandom(1));
    let now = Date.UTC(2026, 0, 1);
    const made = [0, ...steps].map((step) => ids.next(now += step));
    assert.deepEqual(made.toSorted(), made.toReversed());
    assert.equal(new Set(made).size, made.length);
    for (const id of made) assert.match(id, /^[0-9a-v]{19}$/);
  }));
});

test("two gateways make different ids in the same millisecond, and ids of a later one sort first", () => {
  const [one, two] = [new TaskIds(seededRandom(1)), new TaskIds(seededRandom(2))];
  const early = one.next(1000);
  assert.notEqual(early, two.next(1000));
  assert.ok(two.next(1001) < early);
  assert.ok(two.next(2 ** 44) < early);
});

test("ids go on running down where their last digits have run out", () => {
  const ids = new TaskIds({ bytes: () => Uint8Array.of(0, 0, 2, 0, 0, 3), next: () => 0 });
  const made = Array.from({ length: 6 }, () => ids.next(1000).slice(9));
  assert.deepEqual(made, ["8000100003", "8000100002", "8000100001", "8000100000", "80000vvvvv", "80000vvvvu"]);
});
