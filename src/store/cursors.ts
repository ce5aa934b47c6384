// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "./heap.ts";

/** How far one consumer has come. */
export interface Cursor {
  readonly consumer: string;
  /** Handled up to here. */
  sequence: number;
  /** When it was used last, ms since epoch. */
  at: number;
  /** What the heap knows of `sequence`: cursors move often and only the lowest is ever asked for. */
  rank: number;
  /** Whether it moved in this turn, and whether its row is not as it is: for a store that has rows. */
  isDirty: boolean;
  isAway: boolean;
}

/** The cursors of one lane; the lowest is cheap however many there are. */
export class Cursors {
  /** While there is one at the most, as in most lanes, it needs neither map nor heap: there are many lanes. */
  #only: Cursor | undefined;
  #all: Map<string, Cursor> | undefined;
  #ranks: MinHeap<Cursor> | undefined;

  get(consumer: string): Cursor | undefined {
    if (this.#all) return this.#all.get(consumer);
    return this.#only?.consumer === consumer ? this.#only : undefined;
  }

  /** Moves a cursor, never back, and notes its use. */
  commit(consumer: string, sequence: number, at: number): Cursor {
    let cursor = this.get(consumer);
    if (cursor) {
      if (sequence > cursor.sequence) cursor.sequence = sequence;
      cursor.at = at;
    } else {
      cursor = { consumer, sequence, at, rank: sequence, isDirty: false, isAway: false };
      this.#add(cursor);
    }
    return cursor;
  }

  #add(cursor: Cursor): void {
    if (!this.#all && !this.#only) {
      this.#only = cursor;
      return;
    }
    if (!this.#all) this.#index([this.#only!]);
    this.#all!.set(cursor.consumer, cursor);
    this.#ranks!.push(cursor);
  }

  #index(cursors: Iterable<Cursor>): void {
    this.#only = undefined;
    this.#all = new Map();
    this.#ranks = new MinHeap((cursor) => cursor.rank);
    for (const cursor of cursors) {
      this.#all.set(cursor.consumer, cursor);
      this.#ranks.push(cursor);
    }
  }

  /** Smallest sequence; undefined when there is no cursor. */
  lowest(): number | undefined {
    const ranks = this.#ranks;
    if (!ranks) return this.#only?.sequence;
    for (let { first } = ranks; first; first = ranks.first) {
      if (first.rank === first.sequence) return first.sequence;
      first.rank = first.sequence;
      ranks.sink();
    }
    return undefined;
  }

  /** Drops those not used since a moment and says which. */
  expire(olderThan: number): Cursor[] {
    const all = this.#all ? [...this.#all.values()] : this.#only ? [this.#only] : [];
    const gone = all.filter(({ at }) => at < olderThan);
    if (gone.length === 0) return gone;
    this.#only = this.#all = this.#ranks = undefined;
    for (const cursor of all) if (cursor.at >= olderThan) this.#add(cursor);
    return gone;
  }
}
