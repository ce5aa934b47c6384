// edge: no Deno, Bun, node: or cloudflare: names

/** Entries that go before the table is made anew, at the least. */
const LEAST = 64;

/**
 * A map whose entries come and go quickly. V8 makes a full table anew by itself, and has the old one point to the new one for
 * the sake of iterators: once one of them has grown old, each keeps the next, with all that was in it, until the next full
 * collection. Here a table is left behind before it is full, and points nowhere.
 */
export class ChurnMap<K, V> {
  #map = new Map<K, V>();
  #gone = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  has(key: K): boolean {
    return this.#map.has(key);
  }

  set(key: K, value: V): void {
    this.#map.set(key, value);
  }

  delete(key: K): boolean {
    if (!this.#map.delete(key)) return false;
    if (++this.#gone >= LEAST && this.#gone >= this.#map.size) {
      this.#map = new Map(this.#map);
      this.#gone = 0;
    }
    return true;
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }

  clear(): void {
    this.#map = new Map();
    this.#gone = 0;
  }
}
