// edge: no Deno, Bun, node: or cloudflare: names
import type { Cursor, Cursors } from "../cursors.ts";
import { Queue } from "../queue.ts";
import { firstAt } from "../search.ts";
import type { LogRecord } from "../store.ts";
import { wellFormed } from "./names.ts";

/** A record of the tail: the newest of the whole log, which are in memory too. */
export interface Entry {
  /** Place in the log. */
  readonly id: number;
  readonly lane: SqlLane;
  readonly sequence: number;
  readonly size: number;
  /** Undefined when the lane does not hold it any more. */
  record: LogRecord | undefined;
}

/** What a lane knows of a settled record, one that is found by the index. */
export interface Settled {
  readonly sequence: number;
  readonly at: number;
  readonly size: number;
}

/** Where a lane asks for its settled records. */
export interface SettledRecords {
  /** Some after a sequence, oldest first. */
  after(lane: number, sequence: number): Settled[];
  /** Deletes one; the size it had. */
  remove(lane: number, sequence: number): number | undefined;
}

/** One lane in memory: exact about what it holds, though it looks at settled records a few at a time. */
export class SqlLane {
  readonly id: number;
  readonly name: string;
  first: number;
  last: number;
  count: number;
  bytes: number;
  /** Records in memory, the newest of the lane. */
  readonly tail: Queue<Entry> = new Queue();
  /** Settled records up to here are not held any more and wait to be deleted; 0 when none do. */
  dropThrough = 0;
  /** How many these are, about. */
  dropCount = 0;
  /** Undefined while nobody has asked for them. */
  cursors: Cursors | undefined;
  /** Cursors whose latest state stands in the journal only. */
  away: Cursor[] = [];
  awaySince = -1;
  /** Whether it changed in this turn, other than by records at its end. */
  isDirty = false;
  /** What `last` was when the journal was told last: the records behind it are in the tail. */
  noted: number;
  /** The oldest settled records, as far as they were looked at. */
  readonly #front = new Queue<Settled>();
  readonly #settled: SettledRecords;

  constructor(id: number, name: string, settled: SettledRecords, row = { first: 1, last: 0, held: 0, bytes: 0 }) {
    this.id = id;
    this.name = name;
    this.#settled = settled;
    this.first = row.first;
    this.last = this.noted = row.last;
    this.count = row.held;
    this.bytes = row.bytes;
  }

  /** How many of its records are settled. */
  get settled(): number {
    return this.count - this.tail.length;
  }

  /** A consumer as its cursor calls it: like its lane when it is, so that there is one such text and comparing is nothing. */
  known(consumer: string): string {
    return consumer === this.name ? this.name : wellFormed(consumer);
  }

  /** And as the journal calls it. */
  inJournal(consumer: string): string | undefined {
    return consumer === this.name ? undefined : consumer;
  }

  append(entry: Entry): void {
    this.tail.push(entry);
    this.count++;
    this.bytes += entry.size;
  }

  /** Takes an entry as it was read: it counts already, unless the lane was not written since it came. */
  load(entry: Entry): void {
    if (entry.sequence <= this.last) this.tail.push(entry);
    else {
      this.last = entry.sequence;
      this.append(entry);
    }
  }

  /** The oldest record held. */
  oldest(): Settled | LogRecord | undefined {
    if (this.settled === 0) return this.tail.first?.record;
    if (this.#front.length === 0) {
      for (const settled of this.#settled.after(this.id, this.first - 1)) this.#front.push(settled);
    }
    return this.#front.first;
  }

  /** Drops every record up to and including a sequence. */
  trim(through: number): void {
    if (through < this.first || this.count === 0) return;
    while (this.settled > 0) {
      const oldest = this.oldest() as Settled | undefined;
      if (oldest === undefined || oldest.sequence > through) break;
      this.#front.shift();
      this.#gone(oldest.size);
      // The next look is behind it.
      this.first = oldest.sequence + 1;
      this.dropThrough = oldest.sequence;
      this.dropCount++;
    }
    if (this.settled === 0) {
      for (let entry = this.tail.first; entry && entry.sequence <= through; entry = this.tail.first) {
        this.tail.shift();
        entry.record = undefined;
        this.#gone(entry.size);
      }
    }
    this.first = this.oldest()?.sequence ?? this.last + 1;
  }

  /** Drops one record. Returns it when it is one of the tail's and not the lane's first. */
  remove(sequence: number): Entry | undefined {
    if (sequence <= this.first) {
      if (sequence === this.first) this.trim(sequence);
      return undefined;
    }
    const start = this.tail.first?.sequence ?? Infinity;
    if (sequence < start) {
      const size = this.settled > 0 ? this.#settled.remove(this.id, sequence) : undefined;
      if (size === undefined) return undefined;
      this.#gone(size);
      const at = firstAt(this.#front, (settled) => settled.sequence >= sequence);
      if (this.#front.at(at)?.sequence === sequence) this.#front.removeAt(at);
      return undefined;
    }
    const at = firstAt(this.tail, (entry) => entry.sequence >= sequence);
    const entry = this.tail.at(at);
    if (entry?.sequence !== sequence) return undefined;
    this.tail.removeAt(at);
    entry.record = undefined;
    this.#gone(entry.size);
    return entry;
  }

  #gone(size: number): void {
    this.count--;
    this.bytes -= size;
  }
}
