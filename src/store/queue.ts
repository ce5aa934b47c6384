// edge: no Deno, Bun, node: or cloudflare: names

/** Up to this length an array is given back when its queue is empty. */
const SMALL = 16;

/**
 * First in, first out, over one array whose used-up start is cut off now and then. One that holds a single item, as most of
 * many queues do, has no array: there is less to be fetched from memory.
 */
export class Queue<T> {
  /** The only item, as long as there is no array. */
  #only: T | undefined;
  #items: T[] | undefined;
  #head = 0;

  get length(): number {
    if (this.#items) return this.#items.length - this.#head;
    return this.#only === undefined ? 0 : 1;
  }

  get first(): T | undefined {
    return this.#items ? this.#items[this.#head] : this.#only;
  }

  get last(): T | undefined {
    return this.#items ? this.#items.at(-1) : this.#only;
  }

  at(index: number): T | undefined {
    if (this.#items) return this.#items[this.#head + index];
    return index === 0 ? this.#only : undefined;
  }

  push(item: T): void {
    if (this.#items) this.#items.push(item);
    else if (this.#only === undefined) this.#only = item;
    else {
      this.#items = [this.#only, item];
      this.#only = undefined;
    }
  }

  shift(): T | undefined {
    const items = this.#items;
    if (!items) {
      const only = this.#only;
      this.#only = undefined;
      return only;
    }
    const item = items[this.#head];
    items[this.#head++] = undefined as T;
    if (this.#head === items.length) {
      if (items.length <= SMALL) this.#items = undefined;
      else items.length = 0;
      this.#head = 0;
    } else if (this.#head > 256 && this.#head * 2 > items.length) {
      this.#items = items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  removeAt(index: number): void {
    if (this.#items) this.#items.splice(this.#head + index, 1);
    else if (index === 0) this.#only = undefined;
  }

  clear(): void {
    this.#only = this.#items = undefined;
    this.#head = 0;
  }
}
