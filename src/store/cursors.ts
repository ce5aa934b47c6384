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
  readonly #all = new Map<string, Cursor>();
  #ranks = new MinHeap<Cursor>((cursor) => cursor.rank);

  get(consumer: string): Cursor | undefined {
    return this.#all.get(consumer);
  }

  /** Moves a cursor, never back, and notes its use. */
  commit(consumer: string, sequence: number, at: number): Cursor {
    let cursor = this.#all.get(consumer);
    if (cursor) {
      if (sequence > cursor.sequence) cursor.sequence = sequence;
      cursor.at = at;
    } else {
      cursor = { consumer, sequence, at, rank: sequence, isDirty: false, isAway: false };
      this.#all.set(consumer, cursor);
      this.#ranks.push(cursor);
    }
    return cursor;
  }

  /** Smallest sequence; undefined when there is no cursor. */
  lowest(): number | undefined {
    for (let first = this.#ranks.first; first; first = this.#ranks.first) {
      if (first.rank === first.sequence) return first.sequence;
      first.rank = first.sequence;
      this.#ranks.sink();
    }
    return undefined;
  }

  /** Drops those not used since a moment and says which. */
  expire(olderThan: number): Cursor[] {
    const gone: Cursor[] = [];
    for (const cursor of this.#all.values()) if (cursor.at < olderThan) gone.push(cursor);
    if (gone.length === 0) return gone;
    for (const { consumer } of gone) this.#all.delete(consumer);
    this.#ranks = new MinHeap<Cursor>((cursor) => cursor.rank);
    for (const cursor of this.#all.values()) this.#ranks.push(cursor);
    return gone;
  }
}
