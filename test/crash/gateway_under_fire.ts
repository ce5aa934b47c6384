import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const START_MS = 20_000;

/** A gateway process that is killed and started again over the same file and port. */
export class GatewayUnderFire implements AsyncDisposable {
  readonly #file: string;
  #child: ChildProcess | undefined;
  #port = 0;
  url = "";

  constructor(file: string) {
    this.#file = file;
  }

  /** Starts it on one of the runtimes, by turns, so that one goes on with what the other has left. */
  async start(round: number): Promise<void> {
    const runtime = round % 2 ? "deno" : "bun";
    const binary = path.join(root, "node_modules/.bin", runtime);
    const how = runtime === "bun" ? ["run"] : ["run", "--allow-all", "--no-check"];
    const child = spawn(binary, [...how, "test/crash/gateway_child.ts", this.#file, String(this.#port)], {
      cwd: root,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#child = child;
    let said = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => said = (said + text).slice(-2000));
    const line = await new Promise<string>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the gateway did not start: ${said}`)), START_MS);
      createInterface({ input: child.stdout! }).once("line", (text) => (clearTimeout(late), resolve(text)));
      child.once("exit", (code) => (clearTimeout(late), reject(new Error(`the gateway ended with ${code}: ${said}`))));
    });
    this.url = (JSON.parse(line) as { url: string }).url;
    this.#port = Number(new URL(this.url.replace(/^ws/, "http")).port);
  }

  /** Ends it and whatever its launcher has started, as a power cut to the process would. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    // A group of its own: npm's launcher script of a runtime and the runtime itself.
    process.kill(-child.pid, "SIGKILL");
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
