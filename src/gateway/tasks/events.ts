// edge: no Deno, Bun, node: or cloudflare: names
import { decodeStructured, encodeStructured } from "../../protocol/structured.ts";
import { isTerminal } from "../../protocol/task_states.ts";
import type { TaskEvent, TaskEventBody } from "../../protocol/tasks.ts";
import type { OpOutput } from "../../protocol/ops.ts";
import type { LogRecord, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { then } from "../soon.ts";
import type { Because } from "./life.ts";
import type { Change, TaskState } from "./record.ts";

const PAGE = 256;
/** Records read at once, and bytes after which a page is full: what was streamed may be large. */
const READ = 32;
const PAGE_BYTES = 256 * 1024;
/** Changes of status kept in the record itself. */
const HISTORY = 64;

type Page = OpOutput<"task.events">;

/**
 * A task's event log. Most tasks only change their status, and those events are kept in the record; the first event of
 * another kind moves them all to a lane of the log, whose sequences are the events' own. It is bounded as any lane is:
 * older events are trimmed, and readers behind them are told.
 */
export class TaskEvents {
  readonly #core: Core;
  readonly #readers = new Map<string, Set<() => void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Its status has changed; the caller keeps the record. */
  changed(state: TaskState, { reason, error }: Because): void {
    const at = this.#core.clock.now();
    const { id, status, attempt, history } = state;
    const change: Change = [at, status, attempt];
    if (error) change.push(reason, error);
    else if (reason !== undefined) change.push(reason);
    state.events++;
    if (history && history.length < HISTORY) history.push(change);
    else {
      this.#move(state);
      this.#append(id, eventOf(change, state.events));
    }
    this.#tell(id);
  }

  /** Something else has happened; the caller keeps the record. */
  add(state: TaskState, body: TaskEventBody): void {
    this.#move(state);
    this.#append(state.id, { sequence: ++state.events, at: this.#core.clock.now(), ...body });
    this.#tell(state.id);
  }

  /** From the record to the lane. */
  #move(state: TaskState): void {
    const { id, history = [] } = state;
    state.history = undefined;
    for (const [index, change] of history.entries()) this.#append(id, eventOf(change, index + 1));
  }

  #append(id: string, event: TaskEvent): void {
    const { store: { log }, limits } = this.#core;
    const lane = laneOf(id);
    log.append(lane, encodeStructured(event), event.at, 0);
    for (let extent = log.extent(lane); extent.count > limits.laneMessages || extent.bytes > limits.laneBytes;) {
      log.trim(lane, extent.first);
      extent = log.extent(lane);
    }
  }

  #tell(id: string): void {
    const readers = this.#readers.get(id);
    if (readers) { for (const heard of readers) heard(); }
  }

  /** Events after a sequence, as far as they are kept. */
  read(state: TaskState, after: number, limit = PAGE): MaybePromise<Page> {
    const { history } = state;
    if (history) {
      const events = history.slice(after, after + limit).map((change, index) => eventOf(change, after + index + 1));
      return pageOf(state, events, after + events.length);
    }
    const records: LogRecord[] = [];
    let bytes = 0;
    const more = (): MaybePromise<Page> => {
      const wanted = Math.min(READ, limit - records.length);
      const last = records.at(-1)?.sequence ?? after;
      return then(this.#core.store.log.read(laneOf(state.id), last, wanted), (read) => {
        for (const record of read) {
          if (records.length > 0 && bytes + record.bytes.length > PAGE_BYTES) return this.#page(state, records, after);
          records.push(record);
          bytes += record.bytes.length;
        }
        return read.length < wanted || records.length === limit ? this.#page(state, records, after) : more();
      });
    };
    return more();
  }

  #page(state: TaskState, records: readonly LogRecord[], after: number): Page {
    const events = records.map(({ bytes }) => decodeStructured(bytes) as TaskEvent);
    // A lane that has aged away has nothing more to tell of what came before.
    const page = pageOf(state, events, events.at(-1)?.sequence ?? Math.max(after, state.events));
    const first = events[0]?.sequence ?? state.events + 1;
    if (first > after + 1 && after < state.events) page.gap = true;
    return page;
  }

  /** Hears of every event of a task until the returned function is called. */
  listen(id: string, heard: () => void): () => void {
    let readers = this.#readers.get(id);
    if (!readers) this.#readers.set(id, readers = new Set());
    readers.add(heard);
    return () => {
      readers.delete(heard);
      if (readers.size === 0 && this.#readers.get(id) === readers) this.#readers.delete(id);
    };
  }

  /** The log of a task that is not kept any more. */
  forget(id: string): void {
    const { log } = this.#core.store;
    log.trim(laneOf(id), log.extent(laneOf(id)).last);
  }
}

function pageOf(state: TaskState, events: TaskEvent[], next: number): Page {
  return { events, next, isOver: isTerminal(state.status) && next >= state.events };
}

function eventOf([at, status, attempt, reason, error]: Change, sequence: number): TaskEvent {
  const event: TaskEvent = { sequence, at, type: "status", status, attempt };
  if (typeof reason === "string") event.reason = reason;
  if (error) event.error = error;
  return event;
}

function laneOf(id: string): string {
  return `tk::${id}`;
}
