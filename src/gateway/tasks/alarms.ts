// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "../../store/heap.ts";

/** Something to do at a moment, ms since epoch; without `what` nobody wants it any more. */
export interface Alarm<T> {
  readonly at: number;
  what: T | undefined;
}

/** Alarms that may be void before the others are looked through for more of them. */
const MOST_VOID = 1024;

/** Things to do at their moment, the soonest first. One that was dropped is let go of at once, and its place soon. */
export class Alarms<T> {
  #heap = new MinHeap<Alarm<T>>(byMoment);
  #size = 0;
  #void = 0;

  /** How many are kept, those that were dropped included. */
  get size(): number {
    return this.#size;
  }

  /** When the next is due; Infinity for never. */
  get nextAt(): number {
    for (let first = this.#heap.first; first; first = this.#heap.first) {
      if (first.what !== undefined) return first.at;
      this.#pop();
      this.#void--;
    }
    return Infinity;
  }

  #pop(): Alarm<T> {
    this.#size--;
    return this.#heap.pop()!;
  }

  /** Sets one. */
  set(at: number, what: T): Alarm<T> {
    const alarm = { at, what };
    this.#heap.push(alarm);
    this.#size++;
    return alarm;
  }

  /** It is not wanted any more. */
  drop(alarm: Alarm<T> | undefined): void {
    if (alarm?.what === undefined) return;
    alarm.what = undefined;
    if (++this.#void <= MOST_VOID || this.#void * 2 < this.#size) return;
    const heap = this.#heap;
    this.clear();
    for (let one = heap.pop(); one; one = heap.pop()) {
      if (one.what === undefined) continue;
      this.#heap.push(one);
      this.#size++;
    }
  }

  /** Does at most `limit` that are due, in the order of their moments. */
  run(now: number, limit: number, ring: (what: T) => void): void {
    for (let count = 0; count < limit && this.nextAt <= now; count++) {
      const alarm = this.#pop();
      const what = alarm.what!;
      alarm.what = undefined;
      ring(what);
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#heap = new MinHeap<Alarm<T>>(byMoment);
    this.#size = this.#void = 0;
  }
}

function byMoment({ at }: { at: number }): number {
  return at;
}
