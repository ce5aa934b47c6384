// edge: no Deno, Bun, node: or cloudflare: names
import { Queue } from "../../store/queue.ts";

/** A queue that also takes back what it gave. */
export class Deque<T> {
  readonly #queue = new Queue<T>();
  /** Those that came back, the last one first. */
  #back: T[] = [];

  get length(): number {
    return this.#back.length + this.#queue.length;
  }

  get first(): T | undefined {
    return this.#back.length > 0 ? this.#back[this.#back.length - 1] : this.#queue.first;
  }

  push(item: T): void {
    this.#queue.push(item);
  }

  unshift(item: T): void {
    this.#back.push(item);
  }

  shift(): T | undefined {
    return this.#back.length > 0 ? this.#back.pop() : this.#queue.shift();
  }

  /** Drops what does not pass. */
  keep(passes: (item: T) => boolean): void {
    this.#back = this.#back.filter(passes);
    for (let left = this.#queue.length; left > 0; left--) {
      const item = this.#queue.shift()!;
      if (passes(item)) this.#queue.push(item);
    }
  }
}
