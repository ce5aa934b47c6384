// edge: no Deno, Bun, node: or cloudflare: names
import { byCodePoint, firstAt } from "./search.ts";

/** Keys that come one by one are sorted by themselves, up to so many. */
const FEW = 1024;

/**
 * Keys in the order of code points, for whoever looks now and then while they come and go: what came since the last look is
 * sorted by itself and walked through beside the others, and joins them when it is many.
 */
export class OrderedKeys {
  #sorted: string[];
  #fresh: string[] = [];
  #isSorted = true;
  #gone = 0;

  constructor(keys: Iterable<string>) {
    this.#sorted = [...keys].sort(byCodePoint);
  }

  /** One has come. */
  add(key: string): void {
    this.#fresh.push(key);
    this.#isSorted = false;
  }

  /** One has gone; it may still be shown. */
  gone(): void {
    this.#gone++;
  }

  /** Whether so much has changed that it is as well to begin anew. */
  get isWorn(): boolean {
    return this.#gone > FEW && this.#gone * 2 > this.#sorted.length + this.#fresh.length;
  }

  /** Those from a key on, in order, each once; some may be gone. */
  *from(key: string): Iterable<string> {
    this.#sort();
    const [a, b] = [this.#sorted, this.#fresh];
    const isFar = (one: string): boolean => byCodePoint(one, key) >= 0;
    let [i, j] = [firstAt(a, isFar), firstAt(b, isFar)];
    let last: string | undefined;
    while (i < a.length || j < b.length) {
      const next = j >= b.length || (i < a.length && byCodePoint(a[i], b[j]) <= 0) ? a[i++] : b[j++];
      // One that went and came again stands in both.
      if (next !== last) yield next;
      last = next;
    }
  }

  #sort(): void {
    if (this.#isSorted) return;
    this.#isSorted = true;
    this.#fresh.sort(byCodePoint);
    if (this.#fresh.length <= FEW) return;
    const joined: string[] = [];
    const [a, b] = [this.#sorted, this.#fresh];
    let j = 0;
    for (const key of a) {
      while (j < b.length && byCodePoint(b[j], key) < 0) joined.push(b[j++]);
      joined.push(key);
    }
    while (j < b.length) joined.push(b[j++]);
    this.#sorted = joined;
    this.#fresh = [];
  }
}
