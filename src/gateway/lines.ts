// edge: no Deno, Bun, node: or cloudflare: names
import type { MaybePromise } from "../store/store.ts";

/**
 * Work of one name is done one after the other. With a synchronous store nothing ever waits; with one that answers later,
 * what takes several reads and writes is still one step.
 */
export class Lines {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs it at once, or when what came before it under this name is done. */
  run<T>(name: string, work: () => MaybePromise<T>): MaybePromise<T> {
    const before = this.#last.get(name);
    const done = before ? before.then(work, work) : work();
    if (!(done instanceof Promise)) return done;
    this.#last.set(name, done);
    const over = (): void => {
      if (this.#last.get(name) === done) this.#last.delete(name);
    };
    done.then(over, over);
    return done;
  }
}
