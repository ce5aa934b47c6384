// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../../base/bytes.ts";
import type { DedupeStore } from "../store.ts";
import { Away, type Rowed } from "./away.ts";
import { Batch } from "./batch.ts";
import type { Counters } from "./counters.ts";
import type { SqlStatement } from "./driver.ts";
import { Generations } from "./generations.ts";
import type { Journal } from "./journal.ts";
import { NAME, type Names, wellFormed } from "./names.ts";
import type { Sizes } from "./sizes.ts";
import type { Part, Turn } from "./turn.ts";

interface Producer extends Rowed {
  number: number;
  at: number;
  /** Whether it changed in this turn. */
  isDirty: boolean;
}

/**
 * Ids and producers in a database. Both have a floor, a place or a moment below which everything is forgotten at once,
 * whereas the rows go little by little.
 */
export class SqlDedupe implements DedupeStore, Part {
  readonly #turn: Turn;
  readonly #names: Names;
  readonly #counters: Counters;
  readonly #journal: Journal;
  readonly #most: number;
  readonly #slice: number;
  readonly #home: number;
  readonly #producers: Generations<Producer>;
  #dirty: Producer[] = [];
  readonly #away: Away<Producer>;
  #isLoaded = false;
  /** Ids not written yet. */
  readonly #taken = new Map<string, { place: number; sequence: number; at: number }>();
  /** Lowest place that may have a row; undefined when that is not known. */
  #lowest: number | undefined;
  /** Producers up to this id were looked at by the sweep that is going on; undefined when none is. */
  #swept: number | undefined;

  readonly #ids: Batch;
  readonly #rows: Batch;
  readonly #seen: Pick<SqlStatement, "all">;
  readonly #least: Pick<SqlStatement, "all">;
  readonly #young: Pick<SqlStatement, "all">;
  readonly #forgetIds: SqlStatement;
  readonly #producer: Pick<SqlStatement, "all">;
  readonly #oldProducers: Pick<SqlStatement, "all">;
  readonly #forgetProducers: SqlStatement;
  readonly #lastProducer: Pick<SqlStatement, "all">;

  constructor(turn: Turn, names: Names, counters: Counters, journal: Journal, sizes: Sizes, most: number) {
    this.#turn = turn;
    this.#names = names;
    this.#counters = counters;
    this.#journal = journal;
    this.#most = most;
    this.#slice = sizes.forget;
    this.#home = sizes.home;
    this.#producers = new Generations(sizes.cached);
    this.#away = new Away(journal);
    this.#ids = new Batch(turn, "INSERT OR REPLACE INTO ids (place, key, sequence, at)", 4);
    this.#rows = new Batch(turn, "INSERT OR REPLACE INTO producers (id, number, at)", 3);
    this.#seen = turn.reader("SELECT place, sequence FROM ids WHERE key = ?");
    this.#least = turn.reader("SELECT min(place) AS place FROM ids");
    this.#young = turn.reader("SELECT place FROM ids WHERE place >= ? AND at >= ? ORDER BY place LIMIT 1");
    this.#forgetIds = turn.writer("DELETE FROM ids WHERE place < ?");
    this.#producer = turn.reader("SELECT number, at FROM producers WHERE id = ?");
    this.#oldProducers = turn.reader("SELECT id FROM producers WHERE id > ? AND id <= ? AND at < ?");
    this.#forgetProducers = turn.writer("DELETE FROM producers WHERE id IN (SELECT value FROM json_each(?))");
    this.#lastProducer = turn.reader(
      "SELECT max(id) AS id FROM (SELECT id FROM producers WHERE id > ? ORDER BY id LIMIT ?)",
    );
    turn.join(this);
  }

  seen(key: string): number | undefined {
    const id = this.#taken.get(key) ?? this.#seen.all<{ place: number; sequence: number }>(utf8(key))[0];
    return id && id.place >= this.#idFloor() ? id.sequence : undefined;
  }

  remember(key: string, sequence: number, at: number): void {
    this.#turn.change();
    const place = this.#counters.get("idNext");
    this.#counters.set("idNext", place + 1);
    // Taken again, it stands behind the others, here as in the database.
    this.#taken.delete(key);
    this.#taken.set(key, { place, sequence, at });
  }

  producer(key: string): number {
    return this.#find(key)?.number ?? 0;
  }

  advance(key: string, number: number, at: number): void {
    this.#turn.change();
    let producer = this.#known(key);
    if (!producer || producer.at < this.#counters.get("producerFloor")) {
      const name = wellFormed(key);
      // A forgotten one may have lost its number, or wait to be written.
      const id = this.#names.find(NAME.producer, name) ?? this.#names.add(NAME.producer, name);
      if (producer?.id !== id) this.#producers.set(name, producer = fresh(id, number, at));
    } else if (number <= producer.number) return;
    producer.number = number;
    producer.at = at;
    if (producer.isDirty) return;
    producer.isDirty = true;
    this.#dirty.push(producer);
  }

  expire(olderThan: number): void {
    this.#turn.change();
    const floor = this.#idFloor();
    let next = this.#young.all<{ place: number }>(floor, olderThan)[0]?.place;
    if (next === undefined) {
      for (const { place, at } of this.#taken.values()) if (at >= olderThan) next = Math.min(next ?? place, place);
    }
    this.#counters.set("idFloor", Math.max(floor, next ?? this.#counters.get("idNext")));
    if (olderThan > this.#counters.get("producerFloor")) this.#counters.set("producerFloor", olderThan);
    this.#swept ??= 0;
  }

  // ---- part of a turn -------------------------------------------------------------------------------------------

  save(): void {
    this.#ready();
    const { position } = this.#journal;
    for (const producer of this.#dirty) {
      producer.isDirty = false;
      this.#journal.producer(producer.id, producer.number, producer.at);
      this.#away.add(producer, position);
    }
    this.#dirty = [];
    for (const { id, number, at } of this.#away.due(this.#journal.horizon, this.#home)) this.#rows.add(id, number, at);
    this.#rows.end();
    for (const [key, { place, sequence, at }] of this.#taken) this.#ids.add(place, utf8(key), sequence, at);
    this.#ids.end();
    this.#dropIds(this.#slice + this.#taken.size);
    this.#taken.clear();
    if (this.#swept !== undefined) this.#dropProducers(this.#swept);
  }

  #dropIds(most: number): void {
    const floor = this.#idFloor();
    this.#lowest ??= this.#least.all<{ place: number | null }>()[0].place ?? floor;
    if (this.#lowest >= floor) return;
    this.#lowest = Math.min(floor, this.#lowest + most);
    this.#forgetIds.run(this.#lowest);
  }

  #dropProducers(after: number): void {
    const [{ id: through }] = this.#lastProducer.all<{ id: number | null }>(after, this.#slice);
    this.#swept = through ?? undefined;
    if (through === null) return;
    const floor = this.#counters.get("producerFloor");
    // One that is away has been used since.
    const gone = this.#oldProducers.all<{ id: number }>(after, through, floor).map(({ id }) => id).filter((id) =>
      !this.#away.has(id)
    );
    if (gone.length === 0) return;
    this.#forgetProducers.run(JSON.stringify(gone));
    this.#names.forget(gone);
  }

  saved(): void {
    this.#producers.rotate((producer) => this.#away.has(producer.id));
  }

  drop(): void {
    this.#producers.clear();
    this.#dirty = [];
    this.#away.clear();
    this.#isLoaded = false;
    this.#taken.clear();
    this.#ids.drop();
    this.#rows.drop();
    this.#lowest = this.#swept = undefined;
  }

  // ---- what is in memory ----------------------------------------------------------------------------------------

  #idFloor(): number {
    return Math.max(this.#counters.get("idFloor"), this.#counters.get("idNext") - this.#most);
  }

  /** Reads what the journal says beyond the table, unless that was done. */
  #ready(): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    const changes = this.#journal.producers();
    for (const [id, name] of this.#names.all([...changes.keys()])) {
      const { number, at } = changes.get(id)!;
      const producer = fresh(id, number, at);
      this.#producers.set(name, producer);
      this.#away.add(producer, 0);
    }
  }

  /** A producer that is not forgotten. */
  #find(key: string): Producer | undefined {
    const producer = this.#known(key);
    return producer && producer.at >= this.#counters.get("producerFloor") ? producer : undefined;
  }

  #known(key: string): Producer | undefined {
    this.#ready();
    const producer = this.#producers.get(key);
    if (producer) return producer;
    const name = wellFormed(key);
    if (name !== key) return this.#known(name);
    const id = this.#names.find(NAME.producer, name);
    const row = id === undefined ? undefined : this.#producer.all<Pick<Producer, "number" | "at">>(id)[0];
    if (!row) return undefined;
    const found = fresh(id!, row.number, row.at);
    this.#producers.set(name, found);
    return found;
  }
}

function fresh(id: number, number: number, at: number): Producer {
  return { id, number, at, isDirty: false, awaySince: -1 };
}
