// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "./heap.ts";
import { OrderedKeys } from "./ordered_keys.ts";
import type { TaskRecord, TaskStore } from "./store.ts";

/** Tasks in this process's memory: one object for each, besides the bytes. */
export class MemoryTasks implements TaskStore {
  readonly #records = new Map<string, TaskRecord>();
  /** Those that are over, and some that are not there any more. */
  readonly #ends = new MinHeap<TaskRecord>(({ overAt }) => overAt);
  /** Ids in order, once somebody has asked for them. */
  #ids: OrderedKeys | undefined;

  put(record: TaskRecord): void {
    if (!this.#records.has(record.id)) this.#ids?.add(record.id);
    this.#set(record);
  }

  change(id: string, state: Uint8Array, overAt: number, keepsPayload: boolean): void {
    const { made, payload } = this.#records.get(id)!;
    this.#set({ id, made, payload: keepsPayload ? payload : undefined, state, overAt });
  }

  #set(record: TaskRecord): void {
    this.#records.set(record.id, record);
    if (record.overAt > 0) this.#ends.push(record);
  }

  get(id: string): TaskRecord | undefined {
    return this.#records.get(id);
  }

  list(after: string | undefined, limit: number): TaskRecord[] {
    this.#ids ??= new OrderedKeys(this.#records.keys());
    const found: TaskRecord[] = [];
    if (limit <= 0) return found;
    for (const id of this.#ids.from(after ?? "")) {
      const record = id === after ? undefined : this.#records.get(id);
      if (record && found.push(record) === limit) break;
    }
    return found;
  }

  *alive(): Iterable<TaskRecord> {
    for (const record of this.#records.values()) if (record.overAt === 0) yield record;
  }

  expire(before: number, limit: number): string[] {
    const gone: string[] = [];
    for (
      let first = this.#ends.first;
      first && first.overAt < before && gone.length < limit;
      first = this.#ends.first
    ) {
      this.#ends.pop();
      if (this.#records.get(first.id) !== first) continue;
      this.#records.delete(first.id);
      this.#ids?.gone();
      gone.push(first.id);
    }
    if (this.#ids?.isWorn) this.#ids = undefined;
    return gone;
  }
}
