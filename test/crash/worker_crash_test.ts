import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { seededRandom } from "../../src/base/ids.ts";
import { FireWorld } from "./fire_world.ts";

const rounds = Number(process.env.CRASH_ROUNDS ?? 4);
const seed = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 1e6));

test(`workers that are killed in ${rounds} rounds under load lose no task and do none twice`, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-crash-"));
  try {
    await using world = new FireWorld(folder, seededRandom(seed));
    await world.start();
    for (let round = 1; round <= rounds; round++) {
      assert.deepEqual(await world.round(round), [], `round ${round} of CRASH_SEED=${seed} broke a promise`);
    }
    assert.deepEqual(await world.afterwards(), [], `CRASH_SEED=${seed} broke a promise in the end`);
    const { created, interrupted, refused, most } = world.total;
    // A load under which nothing happens proves nothing; every fourth round has all of it.
    assert.ok(created > rounds * 20, `only ${created} tasks were made`);
    assert.ok(rounds < 4 || interrupted > rounds, `only ${interrupted} runs were interrupted`);
    assert.ok(rounds < 4 || refused > 0, "nobody came back with an attempt that was another's");
    assert.ok(most > 4, `only ${most} ran at once`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
