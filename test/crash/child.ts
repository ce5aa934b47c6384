import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const START_MS = 20_000;

/** What a child says on a line: JSON. */
export type Said = Record<string, unknown>;

/** A program of this folder as a process of its own, to be killed. It has started once it says something with a `pid`. */
export class Child {
  readonly #process: ChildProcess;
  readonly #gone: Promise<void>;
  #said = "";
  #pid = 0;
  /** What it has said. */
  readonly lines: Said[] = [];
  /** Resolves with what it said when it had started; rejects when it does not. */
  readonly started: Promise<Said>;

  constructor(runtime: "deno" | "bun", program: string, words: readonly string[], env: Record<string, string> = {}) {
    const binary = path.join(root, "node_modules/.bin", runtime);
    const how = runtime === "bun" ? ["run"] : ["run", "--allow-all", "--no-check"];
    const child = spawn(binary, [...how, `test/crash/${program}`, ...words], {
      cwd: root,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
      detached: true,
    });
    this.#process = child;
    child.stderr!.setEncoding("utf8").on("data", (text: string) => this.#said = (this.#said + text).slice(-2000));
    this.#gone = new Promise((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
    this.started = new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${program} ${why}: ${this.#said}`));
      const late = setTimeout(() => fail("did not start"), START_MS);
      this.#gone.then(() => {
        clearTimeout(late);
        fail(`ended with ${child.exitCode ?? child.signalCode}`);
      });
      createInterface({ input: child.stdout! }).on("line", (text) => {
        const said = JSON.parse(text) as Said;
        this.lines.push(said);
        if (typeof said.pid !== "number") return;
        clearTimeout(late);
        this.#pid = said.pid;
        resolve(said);
      });
    });
    // It may be ended before anybody asks.
    this.started.catch(() => {});
  }

  /** The process that does the work: npm may have put a script before the runtime. */
  get pid(): number {
    return this.#pid;
  }

  /** Whether it has ended, by itself or by others. */
  get isGone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Ends it and nothing else at once; resolves when it is gone. */
  async kill(): Promise<void> {
    // Not 0, which would be everybody in this group.
    if (!this.isGone && this.#pid > 0) process.kill(this.#pid, "SIGKILL");
    await this.#gone;
  }

  /** Ends it and whatever it has started, as a power cut would; resolves when it is gone. */
  async killAll(): Promise<void> {
    try {
      // A group of its own: its launcher and its isolates.
      process.kill(-this.#process.pid!, "SIGKILL");
    } catch {
      // Nobody of it is left.
    }
    await this.#gone;
  }
}
