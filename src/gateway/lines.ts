// edge: no Deno, Bun, node: or cloudflare: names
import type { MaybePromise } from "../store/store.ts";

/**
 * Work of one name is done one after the other. With a synchronous store nothing ever waits; with one that answers later,
 * what takes several reads and writes is still one step.
 */
export class Lines {
  readonly #last = new Map<string, Promise<unknown>>();

  /**
   * Runs it at once, or when what came before it is done.
   * @param of together with `name`, what nothing else may be done with meanwhile
   */
  run<T>(of: string, name: string, work: () => MaybePromise<T>): MaybePromise<T> {
    // With a synchronous store there is never anything, and no name is put together.
    const before = this.#last.size > 0 ? this.#last.get(`${of}\0${name}`) : undefined;
    const done = before ? before.then(work, work) : work();
    if (!(done instanceof Promise)) return done;
    const line = `${of}\0${name}`;
    this.#last.set(line, done);
    const over = (): void => {
      if (this.#last.get(line) === done) this.#last.delete(line);
    };
    done.then(over, over);
    return done;
  }
}
