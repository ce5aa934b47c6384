// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "./heap.ts";
import { OrderedKeys } from "./ordered_keys.ts";
import type { TaskRecord, TaskStore } from "./store.ts";

/** Bytes of a slab. A task that outlives all its neighbours keeps one for itself: not much more than it takes anyway. */
const SLAB_BYTES = 16 * 1024;
/** In the place of a length, for what is not there. */
const NONE = -1;

/** Where a task lies: how it was made, its payload and how it is, one after the other. */
interface Entry {
  readonly id: string;
  slab: Uint8Array;
  at: number;
  /** Lengths. */
  readonly made: number;
  payload: number;
  state: number;
  overAt: number;
}

/**
 * Tasks in this process's memory. Their bytes lie side by side in slabs: with buffers of their own Deno spent a quarter of a
 * gateway's time on collecting them (2026-11-21). Whatever changes moves, so that those that are over lie together, in the
 * order in which they will go.
 */
export class MemoryTasks implements TaskStore {
  readonly #entries = new Map<string, Entry>();
  /** Those that are over, and some that are not there any more. */
  readonly #ends = new MinHeap<Entry>(({ overAt }) => overAt);
  /** Ids in order, once somebody has asked for them. */
  #ids: OrderedKeys | undefined;
  #slab = new Uint8Array(0);
  #at = 0;

  put({ id, made, payload, state, overAt }: TaskRecord): void {
    if (!this.#entries.has(id)) this.#ids?.add(id);
    const at = this.#room(made.length + (payload?.length ?? 0) + (state?.length ?? 0));
    const slab = this.#slab;
    slab.set(made, at);
    let end = at + made.length;
    if (payload) {
      slab.set(payload, end);
      end += payload.length;
    }
    if (state) slab.set(state, end);
    this.#set({
      id,
      slab,
      at,
      made: made.length,
      payload: payload?.length ?? NONE,
      state: state?.length ?? NONE,
      overAt,
    });
  }

  change(id: string, state: Uint8Array, overAt: number, keepsPayload: boolean): void {
    const old = this.#entries.get(id)!;
    const payload = keepsPayload ? old.payload : NONE;
    const same = old.made + Math.max(0, payload);
    const at = this.#room(same + state.length);
    const slab = this.#slab;
    slab.set(old.slab.subarray(old.at, old.at + same), at);
    slab.set(state, at + same);
    // One that is over has its place among the ends, by what it says.
    if (old.overAt > 0) return this.#set({ id, slab, at, made: old.made, payload, state: state.length, overAt });
    old.slab = slab;
    old.at = at;
    old.payload = payload;
    old.state = state.length;
    old.overAt = overAt;
    if (overAt > 0) this.#ends.push(old);
  }

  /** Makes room for one that lies in one piece, and returns where it begins. */
  #room(length: number): number {
    if (this.#at + length > this.#slab.length) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, length));
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #set(entry: Entry): void {
    this.#entries.set(entry.id, entry);
    if (entry.overAt > 0) this.#ends.push(entry);
  }

  get(id: string): TaskRecord | undefined {
    const entry = this.#entries.get(id);
    return entry && recordOf(entry);
  }

  list(after: string | undefined, limit: number): TaskRecord[] {
    this.#ids ??= new OrderedKeys(this.#entries.keys());
    const found: TaskRecord[] = [];
    if (limit <= 0) return found;
    for (const id of this.#ids.from(after ?? "")) {
      const entry = id === after ? undefined : this.#entries.get(id);
      if (entry && found.push(recordOf(entry)) === limit) break;
    }
    return found;
  }

  *alive(): Iterable<TaskRecord> {
    for (const entry of this.#entries.values()) if (entry.overAt === 0) yield recordOf(entry);
  }

  expire(before: number, limit: number): string[] {
    const gone: string[] = [];
    for (
      let first = this.#ends.first;
      first && first.overAt < before && gone.length < limit;
      first = this.#ends.first
    ) {
      this.#ends.pop();
      if (this.#entries.get(first.id) !== first) continue;
      this.#entries.delete(first.id);
      this.#ids?.gone();
      gone.push(first.id);
    }
    if (this.#ids?.isWorn) this.#ids = undefined;
    return gone;
  }
}

function recordOf({ id, slab, at, made, payload, state, overAt }: Entry): TaskRecord {
  let end = at;
  const next = (length: number): Uint8Array => slab.subarray(end, end += length);
  return {
    id,
    made: next(made),
    payload: payload === NONE ? undefined : next(payload),
    state: state === NONE ? undefined : next(state),
    overAt,
  };
}
