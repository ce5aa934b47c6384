import assert from "node:assert/strict";
import { test } from "node:test";
import { runWorkerPool } from "./pool_none.ts";

test("where there are no isolates, a pool is refused with what to use instead", async () => {
  await assert.rejects(runWorkerPool({ module: "./tasks.ts", workspace: "prod" }), {
    name: "UnimplementedError",
    message: /createWorker/,
  });
});
