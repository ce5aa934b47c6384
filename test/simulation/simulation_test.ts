import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import { simulateState } from "./state_world.ts";
import { simulate } from "./world.ts";

const seeds = Number(process.env.SIM_SEEDS ?? 40);
const first = Number(process.env.SIM_SEED ?? 1);

test(`${seeds} seeded runs keep every promise`, async () => {
  let confirmed = 0;
  let answered = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = await simulate(seed);
    assert.deepEqual(
      outcome.faults,
      [],
      `seed ${seed} broke a promise; replay it with SIM_SEED=${seed} SIM_SEEDS=1 npm run test:simulation`,
    );
    confirmed += outcome.confirmed;
    answered += outcome.answered;
  }
  // A simulation in which nothing happens proves nothing.
  assert.ok(confirmed > seeds * 10, `only ${confirmed} messages were confirmed`);
  assert.ok(answered > seeds, `only ${answered} requests were answered`);
});

test("a seed repeats itself", async () => {
  assert.deepEqual(await simulate(first), await simulate(first));
});

test(`${seeds} seeded runs of kept state keep every promise`, async () => {
  const sum = { confirmed: 0, gaps: 0, moves: 0 };
  for (let seed = first; seed < first + seeds; seed++) {
    const { faults, confirmed, gaps, moves } = await simulateState(seed);
    assert.deepEqual(faults, [], `seed ${seed} broke a promise; SIM_SEED=${seed} SIM_SEEDS=1 npm run test:simulation`);
    sum.confirmed += confirmed;
    sum.gaps += gaps;
    sum.moves += moves;
  }
  assert.ok(sum.confirmed > seeds * 20, `only ${sum.confirmed} operations were confirmed`);
  assert.ok(sum.moves > seeds, `only ${sum.moves} switches were done`);
  if (seeds >= 100) assert.ok(sum.gaps > 0, "no watcher ever met a gap");
});

test("a seed of kept state repeats itself", async () => {
  assert.deepEqual(await simulateState(first), await simulateState(first));
});
