// edge: no Deno, Bun, node: or cloudflare: names
import { decodeStructured, encodeStructured } from "../../protocol/structured.ts";
import { isTerminal, type TaskEvent, type TaskEventBody } from "../../protocol/tasks.ts";
import type { OpOutput } from "../../protocol/ops.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { then } from "../soon.ts";
import type { TaskState } from "./record.ts";

/** Events of one task that are kept; older ones are trimmed, and readers behind them are told. */
const KEPT = 10_000;
const PAGE = 256;
/** Changes of status kept in the record itself. */
const HISTORY = 64;

type Page = OpOutput<"task.events">;

/**
 * A task's event log. Most tasks only change their status, and those events are kept in the record; the first event of
 * another kind moves them all to a lane of the log, whose sequences are the events' own.
 */
export class TaskEvents {
  readonly #core: Core;
  readonly #readers = new Map<string, Set<() => void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Adds an event; the caller keeps the record. */
  add(state: TaskState, body: TaskEventBody): void {
    const event = { sequence: ++state.events, at: this.#core.clock.now(), ...body } as TaskEvent;
    if (state.history && (body.type !== "status" || state.history.length >= HISTORY)) {
      const history = state.history;
      state.history = undefined;
      for (const earlier of history) this.#append(state.id, earlier);
    }
    if (state.history) state.history.push(event);
    else this.#append(state.id, event);
    const readers = this.#readers.get(state.id);
    if (readers) { for (const heard of readers) heard(); }
  }

  #append(id: string, event: TaskEvent): void {
    const { log } = this.#core.store;
    const lane = laneOf(id);
    log.append(lane, encodeStructured(event), event.at, 0);
    if (event.sequence > KEPT) log.trim(lane, event.sequence - KEPT);
  }

  /** Events after a sequence, as far as they are kept. */
  read(state: TaskState, after: number, limit = PAGE): MaybePromise<Page> {
    const isEnd = (next: number): boolean => isTerminal(state.status) && next >= state.events;
    if (state.history) {
      const events = state.history.filter(({ sequence }) => sequence > after).slice(0, limit);
      const next = events.at(-1)?.sequence ?? after;
      return { events, next, isOver: isEnd(next) };
    }
    return then(this.#core.store.log.read(laneOf(state.id), after, limit), (records) => {
      const events = records.map(({ bytes }) => decodeStructured(bytes) as TaskEvent);
      // A lane that has aged away has nothing more to tell of what came before.
      const next = events.at(-1)?.sequence ?? Math.max(after, state.events);
      const first = events[0]?.sequence ?? state.events + 1;
      const page: Page = { events, next, isOver: isEnd(next) };
      if (first > after + 1 && after < state.events) page.gap = true;
      return page;
    });
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
}

function laneOf(id: string): string {
  return `tk::${id}`;
}
