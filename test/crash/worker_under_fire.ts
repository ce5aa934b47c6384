import process from "node:process";
import { Child } from "./child.ts";
import { note } from "./journal.ts";

/** A process with workers that is killed and started again. What is done to it is noted before it is done. */
export class WorkerUnderFire implements AsyncDisposable {
  readonly how: "alone" | "pool";
  readonly #journal: string;
  #lives: number;
  #child: Child | undefined;
  #isReady = false;

  /** @param lives the runtime it begins on, by turns */
  constructor(how: "alone" | "pool", journal: string, lives: number) {
    this.how = how;
    this.#journal = journal;
    this.#lives = lives;
  }

  /** Its process. */
  get pid(): number {
    return this.#child!.pid;
  }

  /** Whether it takes tasks. */
  get isReady(): boolean {
    return this.#isReady && !this.#child!.isGone;
  }

  /** Starts it on the other runtime; resolves when it takes tasks. */
  async start(url: string): Promise<void> {
    const runtime = this.#lives++ % 2 ? "deno" : "bun";
    this.#child = new Child(runtime, "worker_child.ts", [url, this.how], { CRASH_JOURNAL: this.#journal });
    await this.#child.started;
    this.#isReady = true;
  }

  /** Kills it; a pool's isolates find out by themselves that they are alone. */
  async kill(): Promise<void> {
    this.#isReady = false;
    note(this.#journal, { what: "killed", pid: this.pid });
    await this.#child!.kill();
  }

  /** Kills the youngest isolate of a pool; another takes its place. */
  killIsolate(): void {
    const pid = this.#child!.lines.findLast(({ isolate }) => isolate !== undefined)!.isolate as number;
    note(this.#journal, { what: "killed", pid });
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It was killed just before, and the pool has not started another yet.
    }
  }

  /** Keeps it from doing anything until it is thawed: it does not notice how time goes by. */
  freeze(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.pid, "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.killAll();
  }
}
