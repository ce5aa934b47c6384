import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
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
