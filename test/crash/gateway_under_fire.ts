import { Child } from "./child.ts";

/** A gateway process that is killed and started again over the same file and port. */
export class GatewayUnderFire implements AsyncDisposable {
  readonly #file: string;
  readonly #words: string[];
  #child: Child | undefined;
  #port = 0;
  url = "";

  /** @param taskGraceMs how long tasks wait for a worker that has lived through a crash; some seconds when left out */
  constructor(file: string, taskGraceMs?: number) {
    this.#file = file;
    this.#words = taskGraceMs === undefined ? [] : [String(taskGraceMs)];
  }

  /** Starts it on one of the runtimes, by turns, so that one goes on with what the other has left. */
  async start(round: number): Promise<void> {
    const words = [this.#file, String(this.#port), ...this.#words];
    this.#child = new Child(round % 2 ? "deno" : "bun", "gateway_child.ts", words);
    this.url = (await this.#child.started).url as string;
    this.#port = Number(new URL(this.url.replace(/^ws/, "http")).port);
  }

  /** Ends it and whatever its launcher has started, as a power cut to the process would. */
  async kill(): Promise<void> {
    await this.#child?.killAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
