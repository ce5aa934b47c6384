/**
 * Bodies pass in constant memory: `HTTP_MIB` (256) each way through three processes, none of which grows by more than a few
 * windows and what its collector has not seen yet.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const MIB = 1024 * 1024;
const SIZE = Number(process.env.HTTP_MIB ?? 256) * MIB;
/** What a process may grow by, however large the bodies; kept as a whole, one of them would be four times that. */
const GROWTH = 64 * MIB;

class Part implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #said: AsyncIterator<string>;

  constructor(runtime: "bun" | "deno", ...words: string[]) {
    const flags = runtime === "bun" ? ["run"] : ["run", "-A"];
    const file = path.join(root, `node_modules/.bin/${runtime}`);
    this.#child = spawn(file, [...flags, "test/http_process.ts", ...words], {
      cwd: root,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#said = this.#lines[Symbol.asyncIterator]();
  }

  async line<T>(): Promise<T> {
    const { value, done } = await this.#said.next();
    if (done) throw new Error("the process has ended");
    return JSON.parse(value as string) as T;
  }

  /** The most memory it has had since this was asked last. */
  async most(): Promise<number> {
    this.#child.stdin!.write("?\n");
    return (await this.line<{ most: number }>()).most;
  }

  [Symbol.dispose](): void {
    this.#lines.close();
    if (this.#child.exitCode === null) process.kill(this.#child.pid!, "SIGKILL");
  }
}

for (const runtime of ["bun", "deno"] as const) {
  test(`${SIZE / MIB} MiB each way through a gateway on ${runtime} take no more memory than less`, async () => {
    using gateway = new Part(runtime, "gateway");
    const { url } = await gateway.line<{ url: string }>();
    using service = new Part("bun", "service", url);
    await service.line();
    using caller = new Part("bun", "caller", url, String(SIZE));
    await caller.line();
    const before = [await gateway.most(), await service.most(), await caller.most()];
    assert.deepEqual(await caller.line(), { down: SIZE, up: SIZE });
    const after = [await gateway.most(), await service.most(), await caller.most()];
    const grown = after.map((most, at) => Math.round((most - before[at]) / MIB));
    console.log(
      `${SIZE / MIB} MiB each way: gateway on ${runtime} grew by ${grown[0]} MiB, service ${grown[1]}, caller ${
        grown[2]
      }`,
    );
    for (const [at, name] of ["gateway", "service", "caller"].entries()) {
      assert.ok(grown[at] * MIB < GROWTH, `the ${name} grew by ${grown[at]} MiB`);
    }
  });
}
