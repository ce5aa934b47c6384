// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../../base/bytes.ts";
import { type Cursor, Cursors } from "../cursors.ts";
import { firstAt } from "../search.ts";
import type { LaneExtent, LogRecord, LogStore } from "../store.ts";
import type { Counters } from "./counters.ts";
import { MOST_ROWS } from "./driver.ts";
import { Generations } from "./generations.ts";
import { Away } from "./away.ts";
import type { Journal } from "./journal.ts";
import { type Settled, type SettledRecords, SqlLane } from "./lane.ts";
import { NAME, type Names, textOf, wellFormed } from "./names.ts";
import { type CursorRow, type LaneRow, type LogStatements, logStatements, type NameRow } from "./log_sql.ts";
import type { Sizes } from "./sizes.ts";
import { Tail } from "./tail.ts";
import type { Part, Turn } from "./turn.ts";

/**
 * Lanes in a database. Records lie in the order in which they came, whatever their lanes: an append touches the last page
 * only, however many lanes there are. The newest of them, the {@link Tail}, are in memory as well; the others are found by
 * an index. What lanes and cursors are at goes through the {@link Journal}.
 */
export class SqlLog implements LogStore, Part {
  readonly #turn: Turn;
  readonly #names: Names;
  readonly #journal: Journal;
  readonly #sizes: Sizes;
  readonly #lanes: Generations<SqlLane>;
  readonly #tail: Tail;
  #isLoaded = false;
  #dirtyLanes: SqlLane[] = [];
  #dirtyCursors: { readonly cursor: Cursor; readonly lane: SqlLane }[] = [];
  readonly #away: Away<SqlLane>;
  /** Where an expiry of lanes has come to, and how far it is to go on by itself. */
  #swept = 0;
  #sweep: { readonly olderThan: number; readonly through: number; readonly isLast: boolean } | undefined;

  readonly #settled: SettledRecords;
  readonly #sql: LogStatements;

  constructor(turn: Turn, names: Names, counters: Counters, journal: Journal, sizes: Sizes) {
    this.#turn = turn;
    this.#names = names;
    this.#journal = journal;
    this.#sizes = sizes;
    this.#lanes = new Generations(sizes.cached);
    this.#away = new Away(journal);
    this.#tail = new Tail(turn, counters, sizes, (lane) => this.#note(lane));
    const sql = this.#sql = logStatements(turn);
    this.#settled = {
      after: (lane, sequence) => sql.look.all<Settled>(lane, sequence, sizes.look),
      remove: (lane, sequence) => sql.removeSettled.all<{ size: number }>(lane, sequence)[0]?.size,
    };
    turn.join(this);
    this.#load();
  }

  append(name: string, bytes: Uint8Array, at: number, expiresAt: number): number {
    this.#turn.change();
    const lane = this.#find(name) ?? this.#make(name);
    const sequence = ++lane.last;
    // It speaks for itself as long as it is in the tail: the lane need not be written.
    this.#tail.append(lane, { sequence, at, expiresAt, bytes });
    return sequence;
  }

  read(name: string, after: number, limit: number): LogRecord[] {
    const lane = this.#find(name);
    if (!lane || limit <= 0 || after >= lane.last) return [];
    const from = Math.max(after, lane.first - 1);
    const { tail } = lane;
    let found: LogRecord[] = [];
    if (lane.settled > 0 && from + 1 < (tail.first?.sequence ?? Infinity)) {
      found = this.#sql.read.all<LogRecord>(lane.id, from, Math.min(limit, MOST_ROWS));
    }
    for (let at = firstAt(tail, (entry) => entry.sequence > from); at < tail.length && found.length < limit; at++) {
      found.push(tail.at(at)!.record!);
    }
    return found;
  }

  extent(name: string): LaneExtent {
    const lane = this.#find(name);
    if (!lane) return { first: 1, last: 0, count: 0, bytes: 0 };
    return { first: lane.first, last: lane.last, count: lane.count, bytes: lane.bytes };
  }

  cursor(name: string, consumer: string): number | undefined {
    const lane = this.#find(name);
    if (!lane) return undefined;
    return this.#cursors(lane).get(lane.known(consumer))?.sequence;
  }

  commit(name: string, consumer: string, sequence: number, at: number): void {
    this.#turn.change();
    const lane = this.#find(name) ?? this.#make(name);
    const cursor = this.#cursors(lane).commit(lane.known(consumer), sequence, at);
    if (cursor.isDirty) return;
    cursor.isDirty = true;
    this.#dirtyCursors.push({ cursor, lane });
  }

  #changed(lane: SqlLane): void {
    if (lane.isDirty) return;
    lane.isDirty = true;
    this.#dirtyLanes.push(lane);
  }

  lowestCursor(name: string): number | undefined {
    const lane = this.#find(name);
    return lane && this.#cursors(lane).lowest();
  }

  trim(name: string, through: number): void {
    this.#turn.change();
    const lane = this.#find(name);
    if (!lane || through < lane.first || lane.count === 0) return;
    lane.trim(through);
    this.#changed(lane);
  }

  remove(name: string, sequence: number): void {
    this.#turn.change();
    const lane = this.#find(name);
    if (!lane || lane.count === 0) return;
    const entry = lane.remove(sequence);
    if (entry) this.#tail.remove(entry);
    this.#changed(lane);
  }

  expire(olderThan: number, limit: number): number {
    this.#turn.change();
    this.#ready();
    this.#names.save();
    const lanes = this.#sql.lanesAfter.all<{ id: number }>(this.#swept, Math.min(limit, MOST_ROWS));
    this.#sweep = { olderThan, through: lanes.at(-1)?.id ?? 0, isLast: lanes.length < limit };
    return this.#expireSome();
  }

  /** A slice of the sweep; what it leaves is done by the flushes after it. */
  #expireSome(): number {
    const { olderThan, through, isLast } = this.#sweep!;
    let gone = 0;
    for (const { id, name } of this.#sql.lanesUntil.all<NameRow>(this.#swept, through)) {
      const lane = this.#find(textOf(name))!;
      for (let oldest = lane.oldest(); oldest && oldest.at < olderThan; oldest = lane.oldest()) {
        if (gone === this.#sizes.expire) return gone;
        lane.trim(oldest.sequence);
        this.#changed(lane);
        gone++;
      }
      this.#expireCursors(lane, olderThan);
      this.#swept = id;
    }
    this.#sweep = undefined;
    if (isLast) this.#swept = 0;
    return gone;
  }

  #expireCursors(lane: SqlLane, olderThan: number): void {
    for (const cursor of lane.cursors?.expire(olderThan) ?? []) {
      // Whoever has it to write sees that it is gone.
      cursor.isDirty = cursor.isAway = false;
      this.#sql.removeCursor.run(lane.id, utf8(cursor.consumer));
      this.#journal.cursor(lane.id, lane.inJournal(cursor.consumer), -1, 0);
    }
    if (lane.cursors) return;
    for (const { consumer } of this.#sql.expireCursors.all<CursorRow>(lane.id, olderThan)) {
      this.#journal.cursor(lane.id, lane.inJournal(textOf(consumer)), -1, 0);
    }
  }

  // ---- part of a turn -------------------------------------------------------------------------------------------

  save(): void {
    this.#ready();
    if (this.#sweep) this.#expireSome();
    const { position } = this.#journal;
    for (const lane of this.#dirtyLanes) {
      lane.isDirty = false;
      if (lane.dropCount >= this.#sizes.drop) this.#drop(lane);
      this.#note(lane);
    }
    this.#dirtyLanes = [];
    for (const { cursor, lane } of this.#dirtyCursors) {
      if (!cursor.isDirty) continue;
      cursor.isDirty = false;
      this.#journal.cursor(lane.id, lane.inJournal(cursor.consumer), cursor.sequence, cursor.at);
      if (!cursor.isAway) lane.away.push(cursor);
      cursor.isAway = true;
      this.#away.add(lane, position);
    }
    this.#dirtyCursors = [];
    for (const lane of this.#away.due(this.#journal.horizon, this.#sizes.home)) this.#bringHome(lane);
    this.#sql.lanes.end();
    this.#sql.cursors.end();
    this.#tail.save();
  }

  #note(lane: SqlLane): void {
    const { position } = this.#journal;
    this.#journal.lane(lane.id, lane.first, lane.last, lane.count, lane.bytes);
    lane.noted = lane.last;
    this.#away.add(lane, position);
  }

  #bringHome(lane: SqlLane): void {
    if (lane.dropCount > 0) this.#drop(lane);
    this.#sql.lanes.add(lane.id, lane.first, lane.last, lane.count, lane.bytes);
    if (lane.away.length === 0) return;
    for (const cursor of lane.away) {
      if (cursor.isAway) this.#sql.cursors.add(lane.id, utf8(cursor.consumer), cursor.sequence, cursor.at);
      cursor.isAway = false;
    }
    lane.away = [];
  }

  /** Deletes the settled records that a lane does not hold any more. */
  #drop(lane: SqlLane): void {
    this.#sql.trim.run(lane.id, lane.dropThrough);
    lane.dropCount = 0;
  }

  saved(): void {
    this.#lanes.rotate((lane) => lane.tail.length > 0 || this.#away.has(lane.id));
  }

  drop(): void {
    this.#lanes.clear();
    this.#tail.drop();
    this.#dirtyLanes = [];
    this.#dirtyCursors = [];
    this.#away.clear();
    this.#sql.lanes.drop();
    this.#sql.cursors.drop();
    this.#sweep = undefined;
    this.#swept = 0;
    this.#isLoaded = false;
  }

  // ---- what is in memory ----------------------------------------------------------------------------------------

  #ready(): void {
    if (!this.#isLoaded) this.#load();
  }

  /** Reads what the journal and the tail say beyond the tables of lanes and cursors. */
  #load(): void {
    this.#isLoaded = true;
    const changes = this.#journal.lanes();
    const ids = new Set([...changes.lanes.keys(), ...changes.cursors.keys()]);
    for (const [id, name] of this.#names.all([...ids])) {
      const row = changes.lanes.get(id);
      const lane = new SqlLane(id, name, this.#settled, row ?? this.#sql.lane.all<LaneRow>(id)[0]);
      // It is not known whether they were deleted before the journal ended.
      if (row) [lane.dropThrough, lane.dropCount] = [lane.first - 1, 1];
      for (const [consumer, { sequence, at }] of changes.cursors.get(id) ?? []) {
        const cursor = this.#cursors(lane).commit(consumer ?? name, sequence, at);
        cursor.isAway = true;
        lane.away.push(cursor);
      }
      this.#lanes.set(name, lane);
      this.#away.add(lane, 0);
    }
    this.#tail.load((name) => this.#find(name)!);
  }

  #find(name: string): SqlLane | undefined {
    this.#ready();
    const lane = this.#lanes.get(name);
    if (lane) return lane;
    const known = wellFormed(name);
    if (known !== name) return this.#find(known);
    const id = this.#names.find(NAME.lane, name);
    if (id === undefined) return undefined;
    const found = new SqlLane(id, name, this.#settled, this.#sql.lane.all<LaneRow>(id)[0]);
    this.#lanes.set(name, found);
    return found;
  }

  #make(name: string): SqlLane {
    const known = wellFormed(name);
    const lane = new SqlLane(this.#names.add(NAME.lane, known), known, this.#settled);
    this.#lanes.set(known, lane);
    return lane;
  }

  #cursors(lane: SqlLane): Cursors {
    if (lane.cursors) return lane.cursors;
    const cursors = new Cursors();
    for (const { consumer, sequence, at } of this.#sql.cursorsOf.all<CursorRow>(lane.id)) {
      cursors.commit(lane.known(textOf(consumer)), sequence, at);
    }
    return lane.cursors = cursors;
  }
}
