import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { GatewayUnderFire } from "./gateway_under_fire.ts";
import { Load } from "./load.ts";

const rounds = Number(process.env.CRASH_ROUNDS ?? 3);

test(`a gateway that is killed ${rounds} times under load keeps every promise`, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-crash-"));
  const file = path.join(folder, "aether.db");
  try {
    await using gateway = new GatewayUnderFire(file);
    await gateway.start(0);
    const load = new Load(gateway.url);
    await load.start();
    for (let round = 1; round <= rounds; round++) {
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 450));
      await gateway.kill();
      const database = new DatabaseSync(file);
      assert.deepEqual(
        database.prepare("PRAGMA integrity_check").all().map((row) => Object.values(row as object)),
        [["ok"]],
        `the database after kill ${round}`,
      );
      database.close();
      await gateway.start(round);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    await load.stop();
    const { confirmed, counted, tasks, saved } = load.ledger;
    // A load under which nothing happens proves nothing.
    assert.ok(confirmed.size > rounds * 20, `only ${confirmed.size} messages were confirmed`);
    assert.ok(counted > rounds && tasks.size > rounds && saved > 0, `only ${counted} counts, ${tasks.size} tasks`);
    assert.deepEqual(await load.faults(), []);
    await load.disconnect();
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
