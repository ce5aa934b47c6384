// edge: no Deno, Bun, node: or cloudflare: names

interface Item<T> {
  readonly value: T;
  readonly lane: Lane<T>;
  before: Item<T> | undefined;
  after: Item<T> | undefined;
}

/** What waits of one key; lanes stand in a ring. */
interface Lane<T> {
  readonly key: string;
  before: Lane<T>;
  after: Lane<T>;
  first: Item<T> | undefined;
  last: Item<T> | undefined;
}

/** What waits, taken from each key in turn and of each in order: who has much waiting keeps nobody else waiting. Each step is O(1). */
export class FairQueue<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** Whose turn it is. */
  #turn: Lane<T> | undefined;
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Has one wait; returns what takes it out again, to be called while it waits. */
  push(key: string, value: T): () => void {
    const lane = this.#lanes.get(key) ?? this.#begin(key);
    const item: Item<T> = { value, lane, before: lane.last, after: undefined };
    if (lane.last) lane.last.after = item;
    else lane.first = item;
    lane.last = item;
    this.#size++;
    return () => this.#remove(item);
  }

  /** The next one. */
  shift(): T | undefined {
    const item = this.#turn?.first;
    if (!item) return undefined;
    this.#turn = item.lane.after;
    this.#remove(item);
    return item.value;
  }

  /** At the end of the ring: in front of whose turn it is. */
  #begin(key: string): Lane<T> {
    const lane = { key, first: undefined, last: undefined } as Partial<Lane<T>> as Lane<T>;
    const after = lane.after = this.#turn ??= lane;
    lane.before = after === lane ? lane : after.before;
    lane.before.after = after.before = lane;
    this.#lanes.set(key, lane);
    return lane;
  }

  #remove({ lane, before, after }: Item<T>): void {
    if (before) before.after = after;
    else lane.first = after;
    if (after) after.before = before;
    else lane.last = before;
    this.#size--;
    if (lane.first) return;
    this.#lanes.delete(lane.key);
    lane.before.after = lane.after;
    lane.after.before = lane.before;
    if (this.#turn === lane) this.#turn = lane.after === lane ? undefined : lane.after;
  }
}
