// edge: no Deno, Bun, node: or cloudflare: names
import { Queue } from "../../store/queue.ts";

/** A queue that also takes back what it gave. */
export class Deque<T> {
  readonly #queue = new Queue<T>();
  /** Those that came back, the last one first. */
  readonly #back: T[] = [];

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
}
