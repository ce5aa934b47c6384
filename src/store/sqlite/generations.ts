// edge: no Deno, Bun, node: or cloudflare: names

/**
 * What was used lately, bounded: when the younger of two maps is full, the older one is let go. A hit costs one look-up
 * and no reordering, unlike in a list of least recently used.
 */
export class Generations<V> {
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  readonly #most: number;
  /** What was asked for last: it mostly is asked for again at once. */
  #lastKey: string | undefined;
  #last: V | undefined;

  /** @param most values of one generation; two are held */
  constructor(most: number) {
    this.#most = most;
  }

  get(key: string): V | undefined {
    if (key === this.#lastKey) return this.#last;
    let value = this.#young.get(key);
    if (value === undefined) {
      value = this.#old.get(key);
      if (value === undefined) return undefined;
      this.#old.delete(key);
      this.#young.set(key, value);
    }
    this.#lastKey = key;
    return this.#last = value;
  }

  set(key: string, value: V): void {
    this.#young.set(key, value);
    this.#lastKey = undefined;
  }

  /** Lets go of the old ones when there are too many young ones. To be called when nothing in here waits to be written. */
  rotate(isNeeded: (value: V) => boolean = () => false): void {
    if (this.#young.size < this.#most) return;
    for (const [key, value] of this.#old) if (isNeeded(value)) this.#young.set(key, value);
    this.#old = this.#young;
    this.#young = new Map();
    this.#lastKey = this.#last = undefined;
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#lastKey = this.#last = undefined;
  }
}
