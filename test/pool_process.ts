/** A worker pool as a process of its own, and a gateway for it to work at. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { AgentClient, type PlainTaskOptions, type TaskHandle } from "../mod.ts";
import { allowAll, type Authenticator, createGateway } from "../src/gateway/mod.ts";
import { serve } from "../src/runtime/deno.ts";
import { memoryStore } from "../src/store/memory.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => path.join(root, "node_modules/.bin", name);

/** Ways to start a pool; Deno with no more than it needs. */
export const RUNTIMES = {
  bun: (_port: number) => [bin("bun"), "run", "src/cli/main.ts", "worker"],
  deno: (port: number, isProcess: boolean) => [
    bin("deno"),
    "run",
    "--no-prompt",
    `--allow-net=127.0.0.1:${port}`,
    "--allow-read=.",
    ...(isProcess ? ["--allow-run", "--allow-env"] : ["--allow-env=AETHER_URL,AETHER_TOKEN,AETHER_WORKSPACE"]),
    "src/worker/main.ts",
  ],
} as const;

/** One line of what a pool says. */
export interface Said {
  event: string;
  [field: string]: unknown;
}

/** A pool that runs; it is dead when the fixture goes out of scope. */
export class PoolProcess implements AsyncDisposable {
  readonly said: Said[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  readonly #wakes = new Set<() => void>();
  isOver = false;

  constructor(command: readonly string[], env: Record<string, string> = {}) {
    const [name, ...words] = command;
    this.#child = spawn(name, [...words, "--json"], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let rest = "";
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      // A task may write there too.
      for (const line of lines) if (line.startsWith("{")) this.said.push(JSON.parse(line) as Said);
      this.#wake();
    });
    // What a crash says on its way is no news here.
    this.#child.stderr!.resume();
    this.#exit = new Promise((resolve, reject) => {
      this.#child.on("close", (code) => resolve(code)).on("error", reject);
    });
    this.#exit.catch(() => {}).finally(() => {
      this.isOver = true;
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }

  /** Waits for something to be said; the end of the process without it is an error. */
  async event(name: string, fits: (said: Said) => boolean = () => true): Promise<Said> {
    for (;;) {
      const found = this.said.find((said) => said.event === name && fits(said));
      if (found) return found;
      if (this.isOver) throw new Error(`no "${name}" among ${JSON.stringify(this.said.slice(-20))}`);
      await new Promise<void>((resolve) => this.#wakes.add(resolve));
    }
  }

  /** How often something was said. */
  count(name: string): number {
    return this.said.filter(({ event }) => event === name).length;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  exitCode(): Promise<number | null> {
    return this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#exit.catch(() => {});
  }
}

/** A gateway that is served, an agent at it, and pools. */
export async function startWorld(auth: Authenticator = allowAll()) {
  const gateway = await createGateway({ store: memoryStore(), auth });
  const server = await serve(gateway);
  const address = server.url;
  const agent = new AgentClient({ address, workspace: "test", implementation: "maker", specifier: "1" });
  const pools: PoolProcess[] = [];
  return {
    address,
    port: server.port,
    agent,
    /** Starts a pool of the fixture's tasks. */
    pool(runtime: keyof typeof RUNTIMES, ...words: string[]): PoolProcess {
      const command = RUNTIMES[runtime](server.port, words.includes("process"));
      const own = ["--address", address, "--workspace", "test"];
      const pool = new PoolProcess([...command, "test/fixtures/pool_tasks.ts", ...own, ...words]);
      pools.push(pool);
      return pool;
    },
    /** Makes tasks. */
    make(type: string, input: unknown, count = 1, options: Partial<PlainTaskOptions> = {}): Promise<TaskHandle[]> {
      const one = { taskType: type, targetImplementation: "pool", input, ...options };
      return Promise.all(Array.from({ length: count }, () => agent.createTask(one)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map((pool) => pool[Symbol.asyncDispose]()));
      await agent.disconnect();
      await gateway.close();
      await server.close();
    },
  };
}

/** What became of all of them. */
export function resultsOf(handles: readonly TaskHandle[]): Promise<unknown[]> {
  return Promise.all(handles.map((handle) => handle.result()));
}
