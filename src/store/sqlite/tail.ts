// edge: no Deno, Bun, node: or cloudflare: names
import { Queue } from "../queue.ts";
import type { LogRecord } from "../store.ts";
import { Batch } from "./batch.ts";
import type { Counters } from "./counters.ts";
import type { SqlStatement } from "./driver.ts";
import type { Entry, SqlLane } from "./lane.ts";
import { textOf } from "./names.ts";
import type { Sizes } from "./sizes.ts";
import type { Turn } from "./turn.ts";

interface TailRow extends LogRecord {
  id: number;
  name: Uint8Array;
}

/**
 * The newest records of all lanes, in memory and at the end of their table. Most never get older: they are delivered,
 * trimmed, and deleted as a block. Those that stay are settled, which is to say, entered into an index by lane.
 */
export class Tail {
  readonly #counters: Counters;
  readonly #sizes: Sizes;
  readonly #note: (lane: SqlLane) => void;
  readonly #entries = new Queue<Entry>();
  #bytes = 0;
  #lastId = 0;
  /** Entries above this id are not written yet. */
  #written = 0;
  readonly #pending: Entry[] = [];
  readonly #removed: number[] = [];
  readonly #rows: Batch;
  readonly #read: Pick<SqlStatement, "all">;
  readonly #remove: SqlStatement;
  readonly #settle: SqlStatement;
  readonly #dropUnsettled: SqlStatement;

  /** @param note writes what a lane is at, when records are not going to say it any more */
  constructor(turn: Turn, counters: Counters, sizes: Sizes, note: (lane: SqlLane) => void) {
    this.#counters = counters;
    this.#sizes = sizes;
    this.#note = note;
    this.#rows = new Batch(turn, "INSERT INTO records (id, lane, sequence, at, expires_at, bytes)", 6);
    this.#read = turn.reader(
      `SELECT records.id, name, sequence, at, expires_at AS expiresAt, bytes FROM records
        JOIN names ON names.id = lane WHERE records.id > ? ORDER BY records.id`,
    );
    this.#remove = turn.writer("DELETE FROM records WHERE id IN (SELECT value FROM json_each(?))");
    this.#settle = turn.writer("UPDATE records SET settled = 1 WHERE id IN (SELECT value FROM json_each(?))");
    this.#dropUnsettled = turn.writer("DELETE FROM records WHERE id > ? AND id <= ? AND settled = 0");
  }

  append(lane: SqlLane, record: LogRecord): void {
    const entry: Entry = {
      id: ++this.#lastId,
      lane,
      sequence: record.sequence,
      size: record.bytes.length,
      record,
    };
    lane.append(entry);
    this.#entries.push(entry);
    this.#bytes += entry.size;
    this.#pending.push(entry);
  }

  /** A lane does not hold an entry any more, and no trim will say so. */
  remove(entry: Entry): void {
    if (entry.id <= this.#written) this.#removed.push(entry.id);
  }

  /** Writes what is new. */
  save(): void {
    for (const { id, lane, sequence, record } of this.#pending) {
      if (record) this.#rows.add(id, lane.id, sequence, record.at, record.expiresAt, record.bytes);
    }
    this.#rows.end();
    this.#pending.length = 0;
    this.#written = this.#lastId;
    if (this.#removed.length > 0) this.#remove.run(JSON.stringify(this.#removed));
    this.#removed.length = 0;
    const { tailRecords, tailBytes } = this.#sizes;
    while (this.#entries.length > tailRecords || this.#bytes > tailBytes) this.#shorten();
  }

  /** Lets the oldest go: those that are held into the index, the others for good. */
  #shorten(): void {
    const held: number[] = [];
    const after = this.#counters.get("settled");
    let through = after;
    for (let count = 0; count < this.#sizes.settle && this.#entries.length > 0; count++) {
      const entry = this.#entries.shift()!;
      this.#bytes -= entry.size;
      through = entry.id;
      if (!entry.record) continue;
      if (entry.lane.noted < entry.sequence) this.#note(entry.lane);
      entry.lane.tail.shift();
      held.push(entry.id);
    }
    if (held.length > 0) this.#settle.run(JSON.stringify(held));
    this.#dropUnsettled.run(after, through);
    this.#counters.set("settled", through);
  }

  /** Reads it. A row whose lane has its first record behind it is not held any more. */
  load(laneOf: (name: string) => SqlLane): void {
    this.#bytes = 0;
    this.#lastId = this.#counters.get("settled");
    for (const { id, name, sequence, at, expiresAt, bytes } of this.#read.all<TailRow>(this.#lastId)) {
      const lane = laneOf(textOf(name));
      const record = sequence >= lane.first ? { sequence, at, expiresAt, bytes } : undefined;
      const entry: Entry = { id, lane, sequence, size: bytes.length, record };
      if (record) lane.load(entry);
      this.#entries.push(entry);
      this.#bytes += entry.size;
      this.#lastId = id;
    }
    this.#written = this.#lastId;
  }

  drop(): void {
    this.#entries.clear();
    this.#pending.length = this.#removed.length = 0;
    this.#rows.drop();
  }
}
