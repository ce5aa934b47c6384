import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bun = path.join(root, "node_modules/.bin/bun");

/** A line of `--json`. */
export interface Event {
  event: string;
  [field: string]: unknown;
}

/** A running `aether`; it is dead when the fixture goes out of scope. */
export class Aether implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #events: Event[] = [];
  readonly #exit: Promise<number | null>;
  #wake: () => void = () => {};

  constructor(...words: string[]) {
    // What a test keeps is its own business, and by default nothing: the repository is no place for databases.
    if (words[0] === "dev" && !words.includes("--store")) words.push("--store", "memory");
    this.#child = spawn(bun, ["run", "src/cli/main.ts", ...words], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let rest = "";
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#events.push(...lines.map((line) => JSON.parse(line) as Event));
      this.#wake();
    });
    this.#exit = new Promise((resolve, reject) => this.#child.on("close", resolve).on("error", reject));
    this.#exit.finally(() => this.#wake()).catch(() => {});
  }

  /** Waits for an event; the end of the process without it is an error. */
  async event(name: string): Promise<Event> {
    let isOver = false;
    this.#exit.finally(() => isOver = true).catch(() => {});
    for (;;) {
      const found = this.#events.find(({ event }) => event === name);
      if (found) return found;
      if (isOver) throw new Error(`no "${name}" among ${JSON.stringify(this.#events)}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  get events(): Event[] {
    return this.#events;
  }

  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void {
    process.kill(this.#child.pid!, signal);
  }

  exitCode(): Promise<number | null> {
    return this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) process.kill(this.#child.pid!, "SIGKILL");
    await this.#exit.catch(() => {});
  }
}
