// edge: no Deno, Bun, node: or cloudflare: names
import { Queue } from "../queue.ts";
import { ChangesWriter, readChanges } from "./changes.ts";
import type { SqlStatement } from "./driver.ts";
import type { Sizes } from "./sizes.ts";
import type { Part, Turn } from "./turn.ts";

/** Turns deleted at a time. */
const TURNS = 16;
/** How far the journal goes back for each row that is away: in vain when a row came home as often as it changed. */
const EACH = 64;

/** What the journal says of lanes beyond what their own tables say. */
export interface LaneChanges {
  readonly lanes: Map<number, { first: number; last: number; held: number; bytes: number }>;
  /** By lane and consumer; undefined for the one that is called like the lane. */
  readonly cursors: Map<number, Map<string | undefined, { sequence: number; at: number }>>;
}

/** What it says of producers. */
export type ProducerChanges = Map<number, { number: number; at: number }>;

/**
 * What each turn did to lanes, cursors and producers, as one row per turn at the end of one table. Their own tables, whose
 * pages lie wherever they lie, get a row's latest state once in many turns. Reading the journal makes up the difference.
 */
export class Journal implements Part {
  readonly #turn: Turn;
  readonly #sizes: Sizes;
  readonly #write: SqlStatement;
  readonly #forget: SqlStatement;
  readonly #read: Pick<SqlStatement, "all">;
  readonly #turns = new Queue<{ id: number; end: number }>();
  readonly #changes = new ChangesWriter();
  /** Position at the end of the last row. */
  #kept = 0;
  #lastId = 0;
  #lanes: LaneChanges | undefined;
  #producers: ProducerChanges | undefined;
  #horizon = -Infinity;
  /** Changes ever noted, as far as this process has seen. */
  position = 0;
  /** Rows whose latest state stands in the journal only. */
  away = 0;

  constructor(turn: Turn, sizes: Sizes) {
    this.#turn = turn;
    this.#sizes = sizes;
    this.#write = turn.writer("INSERT INTO turns (id, changes) VALUES (?, ?)");
    this.#forget = turn.writer("DELETE FROM turns WHERE id <= ?");
    this.#read = turn.reader("SELECT id, changes FROM turns ORDER BY id");
  }

  /** The position before which everything must have been brought home. It stays for all parts of a turn. */
  get horizon(): number {
    return this.#horizon;
  }

  /** What a lane is at; records that were appended since speak for themselves, as long as they are in the tail. */
  lane(id: number, first: number, last: number, count: number, bytes: number): void {
    this.#changes.lane(id, first, last, count, bytes);
    this.position++;
  }

  /** @param consumer undefined for one that is called like its lane */
  cursor(lane: number, consumer: string | undefined, sequence: number, at: number): void {
    this.#changes.cursor(lane, consumer, sequence, at);
    this.position++;
  }

  producer(id: number, number: number, at: number): void {
    this.#changes.producer(id, number, at);
    this.position++;
  }

  save(): void {
    this.#keep();
    const { journal, journalMost } = this.#sizes;
    this.#horizon = this.position - Math.min(journalMost, Math.max(journal, EACH * this.away));
  }

  #keep(): void {
    if (this.position === this.#kept) return;
    this.#kept = this.position;
    this.#write.run(++this.#lastId, this.#changes.take());
    this.#turns.push({ id: this.#lastId, end: this.position });
    let through = 0;
    if ((this.#turns.at(TURNS)?.end ?? Infinity) > this.horizon) return;
    for (let first = this.#turns.first; first && first.end <= this.horizon; first = this.#turns.first) {
      through = first.id;
      this.#turns.shift();
    }
    this.#forget.run(through);
  }

  saved(): void {}

  drop(): void {
    this.#changes.take();
    this.#lanes = this.#producers = undefined;
    this.#horizon = -Infinity;
  }

  /** To be called once after a start or a `drop`. */
  lanes(): LaneChanges {
    if (!this.#lanes) this.#load();
    const lanes = this.#lanes!;
    this.#lanes = { lanes: new Map(), cursors: new Map() };
    return lanes;
  }

  /** To be called once after a start or a `drop`. */
  producers(): ProducerChanges {
    if (!this.#producers) this.#load();
    const producers = this.#producers!;
    this.#producers = new Map();
    return producers;
  }

  #load(): void {
    const lanes = this.#lanes = { lanes: new Map(), cursors: new Map() } as LaneChanges;
    const producers: ProducerChanges = this.#producers = new Map();
    this.#turns.clear();
    this.position = 0;
    const reader = {
      lane: (id: number, first: number, last: number, held: number, bytes: number) => {
        this.position++;
        lanes.lanes.set(id, { first, last, held, bytes });
      },
      cursor: (lane: number, consumer: string | undefined, sequence: number, at: number) => {
        this.position++;
        let consumers = lanes.cursors.get(lane);
        if (!consumers) lanes.cursors.set(lane, consumers = new Map());
        if (sequence >= 0) consumers.set(consumer, { sequence, at });
        else consumers.delete(consumer);
      },
      producer: (id: number, number: number, at: number) => {
        this.position++;
        producers.set(id, { number, at });
      },
    };
    for (const { id, changes } of this.#read.all<{ id: number; changes: Uint8Array | string }>()) {
      try {
        readChanges(changes, reader);
      } catch {
        this.#turn.damaged("a row of the journal");
      }
      this.#lastId = id;
      this.#turns.push({ id, end: this.position });
    }
    this.#kept = this.position;
  }
}
