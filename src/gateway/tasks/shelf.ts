// edge: no Deno, Bun, node: or cloudflare: names
import { isTerminal } from "../../protocol/tasks.ts";
import { NO_BYTES } from "../../base/bytes.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { then } from "../soon.ts";
import { decodeTask, encodeTask, INLINE_BYTES, type TaskState } from "./record.ts";

/** Live tasks, those that are over, and what is too large for a record. */
const LIVE = "tl";
const DONE = "td";
const PAYLOAD = "tp";
const RESULT = "tr";
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
    if (payload.length <= INLINE_BYTES) {
      state.payload = payload.slice();
      return;
    }
    state.payload = undefined;
    kv.put(PAYLOAD, state.id, payload, { now: clock.now() });
  }

  /** A payload that is not in the record. */
  payload(id: string): MaybePromise<Uint8Array> {
    const { store: { kv }, clock } = this.#core;
    return then(kv.get(PAYLOAD, id, clock.now()), (record) => record?.value ?? NO_BYTES);
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

  /** The payload of a task that will not come back goes with it. */
  expired(id: string): void {
    this.#core.store.kv.purge(PAYLOAD, id);
  }

  /** All that were alive. */
  async *live(): AsyncIterable<TaskState> {
    const { store: { kv }, clock } = this.#core;
    let after: string | undefined;
    for (;;) {
      const records = await kv.list(LIVE, "", after, PAGE, clock.now());
      for (const { value } of records) yield decodeTask(value);
      if (records.length < PAGE) return;
      after = records.at(-1)!.key;
    }
  }

  /** Ids of tasks, newest first, after one: those that are alive and those that are over. */
  ids(after: string | undefined, limit: number): MaybePromise<{ id: string; state?: TaskState }[]> {
    const { store: { kv }, clock } = this.#core;
    const now = clock.now();
    return then(kv.list(LIVE, "", after, limit, now), (live) =>
      then(kv.list(DONE, "", after, limit, now), (done) => {
        const all = [
          ...live.map(({ key }): { id: string; state?: TaskState } => ({ id: key })),
          ...done.map(({ key, value }) => ({ id: key, state: decodeTask(value) })),
        ];
        return all.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
      }));
  }
}

/** Whether a space holds tasks that are over. */
export function isDoneSpace(space: string): boolean {
  return space === DONE;
}
