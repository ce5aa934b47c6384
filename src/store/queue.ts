// edge: no Deno, Bun, node: or cloudflare: names

/** First in, first out, over one array whose used-up start is cut off now and then. */
export class Queue<T> {
  #items: T[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  get last(): T | undefined {
    return this.length > 0 ? this.#items[this.#items.length - 1] : undefined;
  }

  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined as T;
    if (this.#head === this.#items.length) {
      // An array that is popped keeps its room, one that is cut gives it back.
      if (this.#head === 1) this.#items.pop();
      else this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head > 256 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  removeAt(index: number): void {
    this.#items.splice(this.#head + index, 1);
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
