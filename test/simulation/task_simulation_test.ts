import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import { simulateTasks } from "./task_world.ts";

const seeds = Number(process.env.SIM_SEEDS ?? 25);
const first = Number(process.env.SIM_SEED ?? 1);

test(`${seeds} seeded runs of tasks keep every promise`, async () => {
  const total = { created: 0, completed: 0, attempts: 0, lost: 0 };
  for (let seed = first; seed < first + seeds; seed++) {
    const outcome = await simulateTasks(seed);
    assert.deepEqual(
      outcome.faults,
      [],
      `seed ${seed} broke a promise; replay it with SIM_SEED=${seed} SIM_SEEDS=1 npm run test:simulation`,
    );
    for (const name of ["created", "completed", "attempts", "lost"] as const) total[name] += outcome[name];
  }
  // A simulation in which nothing happens proves nothing.
  assert.ok(total.completed > seeds * 10, `only ${total.completed} tasks were completed`);
  assert.ok(total.attempts > total.created, `only ${total.attempts} attempts for ${total.created} tasks`);
  assert.ok(total.lost > seeds, `only ${total.lost} attempts were lost`);
});

test("a seed of tasks repeats itself", async () => {
  assert.deepEqual(await simulateTasks(first), await simulateTasks(first));
});
