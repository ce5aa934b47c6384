// edge: no Deno, Bun, node: or cloudflare: names
import { Queue } from "../queue.ts";
import type { SqlStatement } from "./driver.ts";
import type { Sizes } from "./sizes.ts";
import type { Part, Turn } from "./turn.ts";

/** Turns deleted at a time. */
const TURNS = 16;
/** How far the journal goes back for each row that is away: in vain when a row came home as often as it changed. */
const EACH = 64;

/** In the place of a consumer that is called like its lane, as most are. */
const OWN = 0;

/** What one turn changed, as flat lists: a database keeps it as JSON. */
interface Changes {
  /** The moment that `at` counts from. */
  since: number;
  /** Numbers of a lane: id, first, last, count, bytes. */
  lanes: number[];
  /** Lane, consumer or OWN, sequence, at; a sequence of -1 says that the cursor is gone. */
  cursors: (number | string)[];
  /** Id, number, at. */
  producers: number[];
}

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
  #changes: Changes = { since: 0, lanes: [], cursors: [], producers: [] };
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

  lane(id: number, first: number, last: number, count: number, bytes: number): void {
    this.#changes.lanes.push(id, first, last, count, bytes);
    this.position++;
  }

  /** @param consumer undefined for one that is called like its lane */
  cursor(lane: number, consumer: string | undefined, sequence: number, at: number): void {
    this.#changes.cursors.push(lane, consumer ?? OWN, sequence, at - this.#since(at));
    this.position++;
  }

  producer(id: number, number: number, at: number): void {
    this.#changes.producers.push(id, number, at - this.#since(at));
    this.position++;
  }

  #since(at: number): number {
    const changes = this.#changes;
    if (changes.cursors.length + changes.producers.length === 0) changes.since = at;
    return changes.since;
  }

  save(): void {
    this.#keep();
    const { journal, journalMost } = this.#sizes;
    this.#horizon = this.position - Math.min(journalMost, Math.max(journal, EACH * this.away));
  }

  #keep(): void {
    const { lanes, cursors, producers } = this.#changes;
    if (lanes.length + cursors.length + producers.length === 0) return;
    this.#write.run(++this.#lastId, JSON.stringify(this.#changes));
    this.#turns.push({ id: this.#lastId, end: this.position });
    lanes.length = cursors.length = producers.length = 0;
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
    this.#changes = { since: 0, lanes: [], cursors: [], producers: [] };
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
    this.#lanes = { lanes: new Map(), cursors: new Map() };
    this.#producers = new Map();
    this.#turns.clear();
    this.position = 0;
    for (const row of this.#read.all<{ id: number; changes: string }>()) {
      const changes = this.#parse(row.changes);
      this.#take(changes);
      this.#lastId = row.id;
      this.position += changes.lanes.length / 5 + changes.cursors.length / 4 + changes.producers.length / 3;
      this.#turns.push({ id: row.id, end: this.position });
    }
  }

  #parse(text: string): Changes {
    try {
      return JSON.parse(text) as Changes;
    } catch {
      return this.#turn.damaged("a row of the journal is no JSON");
    }
  }

  #take({ since, lanes, cursors, producers }: Changes): void {
    for (let at = 0; at < lanes.length; at += 5) {
      const [id, first, last, held, bytes] = lanes.slice(at, at + 5);
      this.#lanes!.lanes.set(id, { first, last, held, bytes });
    }
    for (let at = 0; at < cursors.length; at += 4) {
      const [lane, consumer, sequence, time] = cursors.slice(at, at + 4) as [
        number,
        string | typeof OWN,
        number,
        number,
      ];
      let consumers = this.#lanes!.cursors.get(lane);
      if (!consumers) this.#lanes!.cursors.set(lane, consumers = new Map());
      const name = consumer === OWN ? undefined : consumer;
      if (sequence >= 0) consumers.set(name, { sequence, at: since + time });
      else consumers.delete(name);
    }
    for (let at = 0; at < producers.length; at += 3) {
      this.#producers!.set(producers[at], { number: producers[at + 1], at: since + producers[at + 2] });
    }
  }
}
