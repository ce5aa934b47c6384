// edge: no Deno, Bun, node: or cloudflare: names
import { NO_BYTES, utf8 } from "../../base/bytes.ts";
import type { TaskRecord, TaskStore } from "../store.ts";
import { MOST_ROWS } from "./driver.ts";
import { textOf } from "./names.ts";
import { type TaskRow, type TaskStatements, taskStatements } from "./tasks_sql.ts";
import type { Part, Turn } from "./turn.ts";

/** Rows read at once by whoever wants them all. */
const PAGE = 500;
/** Bytes that are written at once, mostly. */
const ROOM = 64 * 1024;

/** What a row is to hold beyond what it holds already. */
interface Change {
  readonly state: Uint8Array;
  readonly overAt: number;
  readonly keepsPayload: boolean;
}

/**
 * Tasks in a database. What a turn says of a task is written once, at its end, many tasks by one statement; whoever reads
 * before that has it written first.
 */
export class SqlTasks implements TaskStore, Part {
  readonly #turn: Turn;
  readonly #sql: TaskStatements;
  /** What is not written yet: tasks that are new, and changes of others. */
  readonly #puts = new Map<string, TaskRecord>();
  readonly #changes = new Map<string, Change>();
  /** Their bytes: room that each turn uses again. */
  #room = new Uint8Array(ROOM);
  #used = 0;

  constructor(turn: Turn) {
    this.#turn = turn;
    this.#sql = taskStatements(turn);
    turn.join(this);
  }

  put(record: TaskRecord): void {
    this.#turn.change();
    const { id, made, payload, state, overAt } = record;
    this.#changes.delete(id);
    this.#puts.set(id, {
      id,
      made: this.#copy(made),
      payload: payload && this.#copy(payload),
      state: state && this.#copy(state),
      overAt,
    });
  }

  change(id: string, state: Uint8Array, overAt: number, keepsPayload: boolean): void {
    this.#turn.change();
    const put = this.#puts.get(id);
    state = this.#copy(state);
    if (put) this.#puts.set(id, { ...put, state, overAt, payload: keepsPayload ? put.payload : undefined });
    else {
      const isKept = keepsPayload && this.#changes.get(id)?.keepsPayload !== false;
      this.#changes.set(id, { state, overAt, keepsPayload: isKept });
    }
  }

  #copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (this.#used + length > this.#room.length) {
      this.#room = new Uint8Array(Math.max(ROOM, length));
      this.#used = 0;
    }
    const at = this.#used;
    this.#room.set(bytes, at);
    this.#used += length;
    return this.#room.subarray(at, this.#used);
  }

  get(id: string): TaskRecord | undefined {
    this.#settle();
    const [row] = this.#sql.get.all<TaskRow>(utf8(id));
    return row && recordOf(row);
  }

  list(after: string | undefined, limit: number): TaskRecord[] {
    this.#settle();
    const most = Math.min(limit, MOST_ROWS);
    const { first, after: next } = this.#sql;
    const rows = after === undefined ? first.all<TaskRow>(most) : next.all<TaskRow>(utf8(after), most);
    return rows.map(recordOf);
  }

  *alive(): Iterable<TaskRecord> {
    this.#settle();
    for (let last = 0;;) {
      const rows = this.#sql.alive.all<TaskRow>(last, PAGE);
      for (const row of rows) yield recordOf(row);
      if (rows.length < PAGE) return;
      last = rows.at(-1)!.number;
    }
  }

  expire(before: number, limit: number): string[] {
    this.#settle();
    const rows = this.#sql.ended.all<Pick<TaskRow, "number" | "id">>(before, Math.min(limit, MOST_ROWS));
    if (rows.length === 0) return [];
    this.#turn.change();
    this.#sql.drop.run(JSON.stringify(rows.map(({ number }) => number)));
    return rows.map(({ id }) => textOf(id));
  }

  // ---- part of a turn -------------------------------------------------------------------------------------------

  #settle(): void {
    if (this.#puts.size > 0) {
      const { puts } = this.#sql;
      for (const [id, { overAt, made, payload, state }] of this.#puts) {
        puts.add(utf8(id), overAt, made, payload ?? null, state ?? null);
      }
      this.#puts.clear();
      puts.end();
    }
    if (this.#changes.size > 0) {
      const { changes } = this.#sql;
      for (const [id, { state, overAt, keepsPayload }] of this.#changes) {
        changes.add(utf8(id), overAt, NO_BYTES, keepsPayload ? null : NO_BYTES, state);
      }
      this.#changes.clear();
      changes.end();
    }
    this.#used = 0;
  }

  save(): void {
    this.#settle();
  }

  saved(): void {}

  drop(): void {
    this.#puts.clear();
    this.#changes.clear();
    this.#sql.puts.drop();
    this.#sql.changes.drop();
    this.#used = 0;
  }
}

function recordOf({ id, made, payload, state, overAt }: TaskRow): TaskRecord {
  return { id: textOf(id), made, payload: payload ?? undefined, state: state ?? undefined, overAt };
}
