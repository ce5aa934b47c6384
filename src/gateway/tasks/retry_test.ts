import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { retryDelayMs } from "./retry.ts";

test("waits double from a second up to a minute when nothing is said", () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((failures) => retryDelayMs({}, failures, 0));
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

test("a schedule takes the place of everything else, and its last wait repeats", () => {
  const policy = { scheduleMs: [5, 7], initialDelayMs: 100, jitter: 1, maxDelayMs: 1 };
  assert.deepEqual([1, 2, 3, 99].map((failures) => retryDelayMs(policy, failures, 0.9)), [5, 7, 7, 7]);
  assert.equal(retryDelayMs({ scheduleMs: [], jitter: 0 }, 1, 0), 1000);
});

test("a wait is never longer than the longest, never shorter than its share, and always a whole number of ms", () => {
  fc.assert(fc.property(
    fc.record({
      backoff: fc.constantFrom("fixed" as const, "exponential" as const),
      initialDelayMs: fc.nat(1e6),
      maxDelayMs: fc.nat(1e7),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.integer({ min: 1, max: 1000 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (policy, failures, chance) => {
      const wait = retryDelayMs(policy, failures, chance);
      const full = retryDelayMs({ ...policy, jitter: 0 }, failures, chance);
      assert.ok(Number.isInteger(wait) && wait >= 0);
      assert.ok(wait <= full && full <= policy.maxDelayMs);
      assert.ok(wait >= Math.floor(full * (1 - policy.jitter)));
    },
  ));
});
