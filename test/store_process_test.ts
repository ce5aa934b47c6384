import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sqliteStore } from "../src/runtime/sqlite.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bun = path.join(root, "node_modules/.bin/bun");

/** A process that writes to a store without a pause; it is dead when the fixture goes out of scope. */
class Writer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Messages of which the process said that they are durable. */
  durable = 0;

  constructor(file: string) {
    this.#child = spawn(bun, ["run", "test/drivers/store_process.ts", file], {
      cwd: root,
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => this.durable = Number(line));
    this.#ended = once(this.#child, "close");
  }

  async until(count: number): Promise<void> {
    while (this.durable < count) {
      assert.equal(this.#child.exitCode, null, "the writer ended");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async kill(): Promise<void> {
    process.kill(this.#child.pid!, "SIGKILL");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
  }
}

function run(...words: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(bun, ["run", "src/cli/main.ts", ...words], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => output += text);
    child.on("close", (code) => resolve({ code: code ?? -1, output }));
  });
}

function folder(): Disposable & { at(name: string): string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-process-"));
  return { at: (name) => path.join(folder, name), [Symbol.dispose]: () => fs.rmSync(folder, { recursive: true }) };
}

/** How many messages a store holds; fails unless all that is told of them fits together. */
async function countIn(file: string): Promise<number> {
  await using store = sqliteStore(file);
  let count = 0;
  for (let lane = 0; lane < 3; lane++) {
    const { first, last, count: held } = store.log.extent(`lane ${lane}`);
    assert.deepEqual([first, held], [1, last]);
    const records = await store.log.read(`lane ${lane}`, 0, 1e6);
    assert.deepEqual(
      records.map(({ bytes }) => new TextDecoder().decode(bytes)),
      Array.from({ length: last }, (_, at) => `message ${at * 3 + lane}`),
    );
    count += held;
  }
  const record = (await store.kv.get("counts", "all", 1))!;
  assert.equal(new TextDecoder().decode(record.value), String(count));
  assert.equal(store.dedupe.producer("producer"), count);
  return count;
}

test("a store whose process is killed has every turn that was flushed, and no part of another", async () => {
  using place = folder();
  for (const goal of [50, 30_000]) {
    await using writer = new Writer(place.at(`${goal}.db`));
    await writer.until(goal);
    await writer.kill();
    const count = await countIn(place.at(`${goal}.db`));
    assert.ok(count >= writer.durable, `${count} are there, ${writer.durable} were durable`);
    assert.equal(count % 10, 0);
  }
});

test("aether backup copies a store that another process is writing to", async () => {
  using place = folder();
  await using writer = new Writer(place.at("store.db"));
  await writer.until(2000);
  assert.throws(() => sqliteStore(place.at("store.db")), /another store, of this process or another, has it open/);

  const before = writer.durable;
  const { code, output } = await run("backup", place.at("copy.db"), "--store", place.at("store.db"), "--json");
  assert.equal(code, 0, output);
  const { event, file, bytes } = JSON.parse(output);
  assert.deepEqual([event, file, bytes], ["backup", place.at("copy.db"), fs.statSync(place.at("copy.db")).size]);
  const count = await countIn(place.at("copy.db"));
  assert.ok(count >= before && count % 10 === 0, `${count} of at least ${before}`);
  const after = writer.durable;
  await writer.until(after + 100);

  const again = await run("backup", place.at("copy.db"), "--store", place.at("store.db"));
  assert.equal(again.code, 2);
  assert.match(again.output, /never overwrites/);
  const nowhere = await run("backup", place.at("x.db"), "--store", place.at("nowhere.db"));
  assert.equal(nowhere.code, 2);
  assert.match(nowhere.output, /no such file/);
  assert.deepEqual(fs.readdirSync(path.dirname(place.at(""))).filter((name) => name.includes("partial")), []);
});
