// edge: no Deno, Bun, node: or cloudflare: names
import { isActive, isTerminal } from "../../protocol/task_states.ts";
import { NO_BYTES } from "../../base/bytes.ts";
import type { KvRecord, MaybePromise, TaskRecord } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { then } from "../soon.ts";
import { decodeTask, encodeChanges, encodeTask, INLINE_BYTES, type TaskState } from "./record.ts";
import type { Task } from "./task.ts";

/** What is too large for a record, and pools that are paused. */
const PAYLOAD = "tp";
const RESULT = "tr";
const PAUSED = "tq";
const PAGE = 500;

/** Where tasks are kept, and what is too large to be kept with them. */
export class TaskShelf {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Writes a task: all of it, or what has changed since. */
  keep(task: Task): void {
    const { state } = task;
    const { store: { tasks } } = this.#core;
    const { id, status, payload } = state;
    const overAt = isTerminal(status) ? state.completedAt! : 0;
    if (overAt > 0) this.#over(state, overAt);
    if (task.isMade) return tasks.change(id, encodeChanges(state), overAt, status !== "completed");
    task.isMade = true;
    tasks.put({ id, made: encodeTask(state), payload: state.payload, state: undefined, overAt });
    // It came in with other things. Who works on the task has it, and one in a thousand is wanted again.
    if (payload) state.payload = isActive(status) ? undefined : payload.slice();
  }

  #over(state: TaskState, overAt: number): void {
    const { store: { kv }, clock, limits } = this.#core;
    const { result } = state;
    if (result && result.length > INLINE_BYTES) {
      const expiresAt = overAt + limits.taskRetentionMs;
      kv.put(RESULT, state.id, result, { now: clock.now(), expiresAt });
      this.#core.wakeAt(expiresAt);
      state.result = undefined;
    }
    // A completed task is never run again; the others may be, with what they had.
    if (state.status !== "completed") return;
    if (state.isPayloadApart) kv.purge(PAYLOAD, state.id);
    state.payload = undefined;
  }

  /** Notes a payload, to be kept with the record when it is small. The record is to be written as a whole. */
  setPayload(state: TaskState, payload: Uint8Array): void {
    const { store: { kv }, clock } = this.#core;
    const wasApart = state.isPayloadApart;
    if (payload.length > INLINE_BYTES) {
      state.payload = undefined;
      state.isPayloadApart = true;
      kv.put(PAYLOAD, state.id, payload, { now: clock.now() });
      return;
    }
    state.payload = payload;
    state.isPayloadApart = undefined;
    if (wasApart) kv.purge(PAYLOAD, state.id);
  }

  /** What a task is to work on. */
  payload(state: TaskState): MaybePromise<Uint8Array> {
    const { store: { kv, tasks }, clock } = this.#core;
    if (state.payload) return state.payload;
    const apart = (): MaybePromise<Uint8Array> =>
      then(kv.get(PAYLOAD, state.id, clock.now()), (record) => record?.value ?? NO_BYTES);
    // What comes from a store of version 1 does not say that it is apart.
    return state.isPayloadApart ? apart() : then(tasks.get(state.id), (record) => record?.payload ?? apart());
  }

  /** Has a payload at hand that is kept with the record, which is going to be written as a whole. */
  fetch(state: TaskState): MaybePromise<void> {
    if (state.payload || state.isPayloadApart) return;
    return then(this.payload(state), (payload) => void (state.payload = payload));
  }

  /** What a completed task has brought. */
  result(state: TaskState): MaybePromise<Uint8Array | undefined> {
    const { store: { kv }, clock } = this.#core;
    return state.result ?? then(kv.get(RESULT, state.id, clock.now()), (record) => record?.value);
  }

  /** A task that is over. */
  get(id: string): MaybePromise<TaskState | undefined> {
    return then(
      this.#core.store.tasks.get(id),
      (record) => (record && this.isKept(record) ? decodeTask(record) : undefined),
    );
  }

  /** Drops some of the tasks whose time is over, and what belongs to them. Says which. */
  expire(limit: number): string[] {
    const { store: { tasks, kv }, clock, limits } = this.#core;
    const gone = tasks.expire(clock.now() - limits.taskRetentionMs + 1, limit);
    for (const id of gone) kv.purge(PAYLOAD, id);
    return gone;
  }

  /** All that were alive, in the order in which they were made. */
  alive(): MaybePromise<Iterable<TaskRecord>> {
    return this.#core.store.tasks.alive();
  }

  /** Notes whether a pool gives out work. */
  pause(workspace: string, implementation: string, isPaused: boolean): void {
    const { store: { kv }, clock } = this.#core;
    const name = `${workspace}\0${implementation}`;
    if (isPaused) kv.put(PAUSED, name, NO_BYTES, { now: clock.now() });
    else kv.purge(PAUSED, name);
    this.#core.commitSoon();
  }

  /** Pools that give out nothing: workspace and implementation. */
  paused(): Promise<string[][]> {
    return this.#all(PAUSED, ({ key }) => key.split("\0"));
  }

  async #all<T>(space: string, read: (record: KvRecord) => T): Promise<T[]> {
    const { store: { kv }, clock } = this.#core;
    const all: T[] = [];
    let after: string | undefined;
    for (;;) {
      const records = await kv.list(space, "", after, PAGE, clock.now());
      for (const record of records) all.push(read(record));
      if (records.length < PAGE) return all;
      after = records.at(-1)!.key;
    }
  }

  /** Tasks, newest first, after an id: alive and over. */
  records(after: string | undefined, limit: number): MaybePromise<TaskRecord[]> {
    return this.#core.store.tasks.list(after, limit);
  }

  /** Whether a record's time is not over. */
  isKept({ overAt }: TaskRecord): boolean {
    return overAt === 0 || overAt + this.#core.limits.taskRetentionMs > this.#core.clock.now();
  }
}
