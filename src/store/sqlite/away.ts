// edge: no Deno, Bun, node: or cloudflare: names
import { Queue } from "../queue.ts";
import type { Journal } from "./journal.ts";

/** What has a row. */
export interface Rowed {
  readonly id: number;
  /** Journal position since when its latest state stands there only; -1 when it is home. */
  awaySince: number;
}

/** Rows whose latest state stands in the journal only, the longest away first. */
export class Away<T extends Rowed> {
  readonly #journal: Journal;
  readonly #ids = new Set<number>();
  readonly #items = new Queue<T>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  has(id: number): boolean {
    return this.#ids.has(id);
  }

  /** Costs nothing when it is away already. */
  add(item: T, position: number): void {
    if (item.awaySince >= 0) return;
    item.awaySince = position;
    this.#ids.add(item.id);
    this.#items.push(item);
    this.#journal.away++;
  }

  /** Those that must come home now, and some more, in the order of their ids; they count as home. */
  due(horizon: number, least: number): T[] {
    const due: T[] = [];
    if ((this.#items.first?.awaySince ?? Infinity) > horizon) return due;
    for (let item = this.#items.first; item; item = this.#items.first) {
      if (item.awaySince > horizon && due.length >= least) break;
      due.push(item);
      item.awaySince = -1;
      this.#ids.delete(item.id);
      this.#items.shift();
    }
    this.#journal.away -= due.length;
    return due.sort((a, b) => a.id - b.id);
  }

  clear(): void {
    this.#journal.away -= this.#items.length;
    this.#ids.clear();
    this.#items.clear();
  }
}
