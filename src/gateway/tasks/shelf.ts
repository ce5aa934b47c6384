// edge: no Deno, Bun, node: or cloudflare: names
import { isTerminal } from "../../protocol/task_states.ts";
import { NO_BYTES } from "../../base/bytes.ts";
import type { KvRecord, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { then } from "../soon.ts";
import { decodeTask, encodeTask, INLINE_BYTES, type TaskState } from "./record.ts";

/** Live tasks, those that are over, what is too large for a record, and pools that are paused. */
const LIVE = "tl";
const DONE = "td";
const PAYLOAD = "tp";
const RESULT = "tr";
const PAUSED = "tq";
const PAGE = 500;

/** Where tasks are kept: spaces of the key-value store, read whole only when a gateway starts. */
export class TaskShelf {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Writes a record: among the live, or among those that are over, with an end. */
  keep(state: TaskState): void {
    const { store: { kv }, clock, limits } = this.#core;
    const now = clock.now();
    if (!isTerminal(state.status)) return void kv.put(LIVE, state.id, encodeTask(state), { now });
    const expiresAt = now + limits.taskRetentionMs;
    const { result } = state;
    if (result && result.length > INLINE_BYTES) {
      kv.put(RESULT, state.id, result, { now, expiresAt });
      state.result = undefined;
    }
    // A completed task is never run again; the others may be, with what they had.
    if (state.status === "completed") {
      if (!state.payload) kv.purge(PAYLOAD, state.id);
      state.payload = undefined;
    }
    kv.purge(LIVE, state.id);
    kv.put(DONE, state.id, encodeTask(state), { now, expiresAt });
    this.#core.wakeAt(expiresAt);
  }

  /** Keeps a payload: in the record when it is small. */
  setPayload(state: TaskState, payload: Uint8Array): void {
    const { store: { kv }, clock } = this.#core;
    if (payload.length > INLINE_BYTES) {
      state.payload = undefined;
      kv.put(PAYLOAD, state.id, payload, { now: clock.now() });
      return;
    }
    // In the place of a larger one?
    if (!state.payload && state.events > 0) kv.purge(PAYLOAD, state.id);
    state.payload = payload.slice();
  }

  /** What a task is to work on. */
  payload(state: TaskState): MaybePromise<Uint8Array> {
    const { store: { kv }, clock } = this.#core;
    return state.payload ?? then(kv.get(PAYLOAD, state.id, clock.now()), (record) => record?.value ?? NO_BYTES);
  }

  /** What a completed task has brought. */
  result(state: TaskState): MaybePromise<Uint8Array | undefined> {
    const { store: { kv }, clock } = this.#core;
    return state.result ?? then(kv.get(RESULT, state.id, clock.now()), (record) => record?.value);
  }

  /** A task that is over. */
  get(id: string): MaybePromise<TaskState | undefined> {
    const { store: { kv }, clock } = this.#core;
    return then(kv.get(DONE, id, clock.now()), (record) => (record ? decodeTask(record.value) : undefined));
  }

  /** A task that was over lives again. */
  revive(id: string): void {
    this.#core.store.kv.purge(DONE, id);
  }

  /** A record's time is over: whether it was that of a task, whose payload goes with it. */
  expired(space: string, id: string): boolean {
    if (space !== DONE) return false;
    this.#core.store.kv.purge(PAYLOAD, id);
    return true;
  }

  /** All that were alive, newest first. */
  live(): Promise<TaskState[]> {
    return this.#all(LIVE, ({ value }) => decodeTask(value));
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

  /** Records of tasks, newest first, after an id: of those that are alive and those that are over. */
  records(after: string | undefined, limit: number): MaybePromise<KvRecord[]> {
    const { store: { kv }, clock } = this.#core;
    const now = clock.now();
    return then(kv.list(LIVE, "", after, limit, now), (live) =>
      then(
        kv.list(DONE, "", after, limit, now),
        (done) => [...live, ...done].sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit),
      ));
  }
}
