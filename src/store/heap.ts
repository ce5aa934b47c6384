// edge: no Deno, Bun, node: or cloudflare: names

/** Items with the smallest rank first: a binary heap. */
export class MinHeap<T> {
  readonly #items: T[] = [];
  readonly #rank: (item: T) => number;

  /** @param rank MUST NOT change while an item is inside, but for that of the first, before {@link MinHeap.sink} */
  constructor(rank: (item: T) => number) {
    this.#rank = rank;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    const rank = this.#rank(item);
    let at = items.length;
    for (let up = (at - 1) >> 1; at > 0 && this.#rank(items[up]) > rank; up = (at - 1) >> 1) {
      items[at] = items[up];
      at = up;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (this.#items.length > 0) {
      this.#items[0] = last!;
      this.sink();
    }
    return first;
  }

  /** Puts the first item where its rank, which has grown, belongs. */
  sink(): void {
    const items = this.#items;
    const item = items[0];
    const rank = this.#rank(item);
    let at = 0;
    for (let child = 1; child < items.length; child = at * 2 + 1) {
      if (child + 1 < items.length && this.#rank(items[child + 1]) < this.#rank(items[child])) child++;
      if (this.#rank(items[child]) >= rank) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = item;
  }
}
