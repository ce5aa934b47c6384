/** Worker pools as processes, as `bun run worker` and `deno run src/worker/main.ts` start them. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { tokenAuth } from "../src/gateway/mod.ts";
import { PoolProcess, resultsOf, RUNTIMES, type Said, startWorld } from "./pool_process.ts";

const ways = [["bun", "thread"], ["bun", "process"], ["deno", "thread"], ["deno", "process"]] as const;
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const pidOf = ({ isolate }: Said): number => Number(String(isolate).replace("process ", ""));
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // What has died and was not waited for yet still has its number.
    return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

for (const [runtime, isolate] of ways) {
  test(`a pool of ${runtime} does everything from inside a ${isolate}, and SIGTERM drains it`, async () => {
    await using world = await startWorld();
    await world.agent.connect();
    const pool = world.pool(runtime, "--processes", "2", "--slots", "4", "--isolate", isolate, "--drain-ms", "1500");
    const ready = await pool.event("ready");
    assert.deepEqual([ready.implementation, ready.processes, ready.slots, ready.elsewhere], ["pool", 2, 4, {}]);
    const [tour] = await world.make("tour", { name: "you" }, 1, {
      retryPolicy: { maxAttempts: 2, initialDelayMs: 10 },
    });
    assert.deepEqual(await tour.result(), ["saved for you", "stood", "ConflictError", "own key"]);
    const kinds: string[] = [];
    for await (const event of tour.events()) kinds.push(event.type === "chunk" ? `chunk ${event.data}` : event.type);
    for (const kind of ["log", "progress", "chunk 1,2,3", "child"]) assert.ok(kinds.includes(kind), kind);

    const short = await world.make("nap", { ms: 700 }, 3);
    const long = await world.make("nap", { ms: 60_000 }, 2);
    await wait(200);
    pool.kill("SIGTERM");
    const began = performance.now();
    assert.equal(await pool.exitCode(), 0);
    assert.ok(performance.now() - began < 4_500, "it took too long to stop");
    assert.deepEqual(await resultsOf(short), ["rested", "rested", "rested"]);
    for (const handle of long) {
      const { status, failures, attempt } = await handle.info();
      assert.deepEqual([status, failures, attempt], ["pending", 0, 1]);
    }
    const { why, done, released } = await pool.event("stopped");
    assert.deepEqual([why, done, released], ["SIGTERM", 5, 2]);
  });
}

for (const runtime of ["bun", "deno"] as const) {
  test(`kill -9 of an isolate of ${runtime} in the middle costs no task`, async () => {
    await using world = await startWorld();
    await world.agent.connect();
    const pool = world.pool(runtime, "--processes", "2", "--slots", "5", "--isolate", "process");
    await pool.event("ready");
    const handles = await world.make("nap", { ms: 150 }, 60);
    await wait(400);
    const killed = pool.said.find(({ event }) => event === "started")!;
    process.kill(pidOf(killed), "SIGKILL");
    assert.deepEqual(new Set(await resultsOf(handles)), new Set(["rested"]));
    const exited = await pool.event("exited");
    assert.deepEqual([exited.how, exited.isExpected], ["SIGKILL", false]);
    await pool.event("started", ({ isolate }) => !pool.said.slice(0, 3).some((said) => said.isolate === isolate));
    const infos = await Promise.all(handles.map((handle) => handle.info()));
    assert.ok(infos.some(({ attempt }) => attempt === 2), "nothing was interrupted");
    assert.ok(infos.every(({ failures }) => failures === 0), "nobody is to blame");
  });

  test(`kill -9 of a pool of ${runtime} gives its tasks to another at once, and leaves nothing behind`, async () => {
    await using world = await startWorld();
    await world.agent.connect();
    const first = world.pool(runtime, "--slots", "3", "--isolate", "process");
    const pid = pidOf(await first.event("started"));
    await first.event("ready");
    const handles = await world.make("nap", { ms: 1_500 }, 3);
    const second = world.pool("bun", "--slots", "3");
    await second.event("ready");
    first.kill("SIGKILL");
    const began = performance.now();
    assert.deepEqual(await resultsOf(handles), ["rested", "rested", "rested"]);
    assert.ok(performance.now() - began < 4_000, "they waited for a lease to run out");
    for (let tries = 0; isAlive(pid) && tries < 100; tries++) await wait(50);
    assert.ok(!isAlive(pid), "the isolate lives on");
  });

  test(`a task that computes on ${runtime} hurts nobody, and is ended by force when it is cancelled`, async () => {
    await using world = await startWorld();
    await world.agent.connect();
    const pool = world.pool(runtime, "--slots", "4", "--grace-ms", "500");
    await pool.event("ready");
    const [spin] = await world.make("spin", { ms: 60_000 });
    await wait(200);
    const naps = await world.make("nap", { ms: 10 }, 3);
    assert.deepEqual(await resultsOf(naps), ["rested", "rested", "rested"]);
    assert.equal((await spin.info()).attempt, 1);
    await spin.cancel();
    await assert.rejects(spin.result(), { code: "CANCELLED" });
    await pool.event("exited");
    assert.deepEqual(await resultsOf(await world.make("nap", { ms: 1 }, 4)), Array(4).fill("rested"));
  });

  test(`a task that crashes its isolate on ${runtime} is found out, and the others go on`, async () => {
    await using world = await startWorld();
    await world.agent.connect();
    const pool = world.pool(runtime, "--processes", "2", "--slots", "2");
    await pool.event("ready");
    const naps = await world.make("nap", { ms: 20 }, 20);
    const falls = [...await world.make("fall", { how: "throw" }), ...await world.make("fall", { how: "exit" })];
    for (const fall of falls) await assert.rejects(fall.result(), /IsolateCrashedError/);
    assert.deepEqual(new Set(await resultsOf(naps)), new Set(["rested"]));
    assert.ok(!pool.isOver);
  });
}

test("without isolates tasks run in the pool's own process", async () => {
  await using world = await startWorld();
  await world.agent.connect();
  const pool = world.pool("bun", "--slots", "2", "--processes", "2", "--isolate", "none");
  await pool.event("ready");
  assert.deepEqual(await resultsOf(await world.make("nap", { ms: 10 }, 8)), Array(8).fill("rested"));
  pool.kill("SIGTERM");
  assert.equal(await pool.exitCode(), 0);
});

test("--idle-exit ends a pool when there was nothing to do for so long", async () => {
  await using world = await startWorld();
  await world.agent.connect();
  const handles = await world.make("nap", { ms: 600 }, 2);
  const pool = world.pool("bun", "--idle-exit", "400ms");
  assert.equal(await pool.exitCode(), 0);
  assert.deepEqual(await resultsOf(handles), ["rested", "rested"]);
  assert.equal((await pool.event("stopped")).why, "idle");
});

test("SIGINT ends with 130, and a second one does not wait", async () => {
  await using world = await startWorld();
  await world.agent.connect();
  const pool = world.pool("bun", "--slots", "2");
  await pool.event("ready");
  const [nap] = await world.make("nap", { ms: 60_000 });
  await pool.event("stats", ({ running }) => running === 1);
  pool.kill("SIGINT");
  await pool.event("draining");
  await wait(400);
  const began = performance.now();
  pool.kill("SIGINT");
  assert.equal(await pool.exitCode(), 130);
  assert.ok(performance.now() - began < 1_000);
  await nap.cancel();
  const other = world.pool("bun");
  await other.event("ready");
  const [running] = await world.make("nap", { ms: 1 });
  await running.result();
  other.kill("SIGINT");
  assert.equal(await other.exitCode(), 130);
});

test("--watch puts new code to work without losing what runs", async () => {
  await using world = await startWorld();
  await world.agent.connect();
  const folder = fs.mkdtempSync(path.join(process.cwd(), "test/fixtures/watched-"));
  try {
    const file = path.join(folder, "tasks.ts");
    const write = (answer: string): void =>
      fs.writeFileSync(
        file,
        `import { defineTask } from "@aether-edge/sdk/worker";
         export const say = defineTask({ type: "say", implementation: "pool", run: async (ms: number) => {
           await new Promise((resolve) => setTimeout(resolve, ms));
           return "${answer}";
         } });`,
      );
    write("old");
    const words = [file, "--address", world.address, "--workspace", "test", "--slots", "4", "--watch"];
    await using pool = new PoolProcess([...RUNTIMES.bun(world.port), ...words]);
    await pool.event("ready");
    const [slow] = await world.make("say", 2_000);
    await wait(100);
    fs.writeFileSync(file, "this is no module (");
    await pool.event("unfit");
    write("new");
    await pool.event("exited", ({ isExpected }) => isExpected === true);
    assert.deepEqual(await resultsOf(await world.make("say", 1)), ["new"]);
    assert.equal(await slow.result(), "old");
    assert.equal((await slow.info()).attempt, 1);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("an isolate that uses too much memory is replaced", async () => {
  await using world = await startWorld();
  await world.agent.connect();
  const pool = world.pool("bun", "--isolate", "process", "--memory-mb", "250");
  const first = await pool.event("started");
  await pool.event("ready");
  const [hoard] = await world.make("hoard", { mb: 400 });
  assert.equal(await hoard.result(), 400);
  await pool.event("started", ({ isolate }) => isolate !== first.isolate);
  assert.deepEqual(await resultsOf(await world.make("nap", { ms: 1 })), ["rested"]);
});

test("what cannot work is said, with an exit code of its own", async () => {
  await using world = await startWorld(tokenAuth({ bootstrapKey: "key-of-the-admin-0123456789" }));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-pool-"));
  const empty = path.join(folder, "empty.ts");
  const broken = path.join(folder, "broken.ts");
  fs.writeFileSync(empty, "export const nothing = 1;\n");
  fs.writeFileSync(broken, `throw new Error("not today");\n`);
  const tasks = "test/fixtures/pool_tasks.ts";
  const where = ["--address", world.address, "--workspace", "test"];
  const refused: [code: number, message: RegExp, words: string[]][] = [
    [2, /needs a module/, where],
    [2, /did you mean "--slots"/, [tasks, "--slot", "3"]],
    [2, /must be a number from 1/, [tasks, "--processes", "0"]],
    [2, /There is no workspace/, [tasks, "--address", world.address]],
    [2, /there is no .*nowhere\.ts/, ["nowhere.ts", ...where]],
    [1, /There are no tasks in .*empty\.ts/, [empty, ...where]],
    [1, /not today/, [broken, ...where]],
    [1, /./, [tasks, "--address", "ws://127.0.0.1:9", "--workspace", "test"]],
    [3, /./, [tasks, ...where]],
    [3, /./, [tasks, ...where, "--token", "wrong"]],
  ];
  try {
    await Promise.all(refused.map(async ([code, message, words]) => {
      await using pool = new PoolProcess([...RUNTIMES.bun(world.port), ...words], { AETHER_WORKSPACE: "" });
      assert.equal(await pool.exitCode(), code, `${words.join(" ")}: ${JSON.stringify(pool.said)}`);
      assert.match(String((await pool.event("error")).message), message);
    }));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
