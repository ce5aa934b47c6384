import type { KvChange, KvExpired, KvRecord, KvWrite, LaneExtent, TaskRecord } from "../../src/store/store.ts";

interface State {
  lanes: Map<string, { last: number; records: { sequence: number; at: number; size: number }[] }>;
  cursors: Map<string, Map<string, { sequence: number; at: number }>>;
  ids: { key: string; place: number; sequence: number; at: number }[];
  places: number;
  producers: Map<string, { number: number; at: number }>;
  revision: number;
  entries: { space: string; key: string; record: KvRecord | undefined; revision: number; at: number }[];
  forgotten: Map<string, number>;
  tasks: TaskRecord[];
}

/** What a store does, in the plainest way: lists that are searched from end to end, and a copy of all for undoing. */
export class StoreModel {
  readonly #most: number;
  #state: State = {
    lanes: new Map(),
    cursors: new Map(),
    ids: [],
    places: 0,
    producers: new Map(),
    revision: 0,
    entries: [],
    forgotten: new Map(),
    tasks: [],
  };
  #kept: State = structuredClone(this.#state);

  constructor(dedupeIds: number) {
    this.#most = dedupeIds;
  }

  flush(): void {
    this.#kept = structuredClone(this.#state);
  }

  undo(): void {
    this.#state = structuredClone(this.#kept);
  }

  // ---- lanes ----------------------------------------------------------------------------------------------------

  #lane(name: string): { last: number; records: { sequence: number; at: number; size: number }[] } {
    const { lanes } = this.#state;
    if (!lanes.has(name)) lanes.set(name, { last: 0, records: [] });
    return lanes.get(name)!;
  }

  append(name: string, size: number, at: number): number {
    const lane = this.#lane(name);
    lane.records.push({ sequence: ++lane.last, at, size });
    return lane.last;
  }

  read(name: string, after: number, limit: number): [sequence: number, at: number, size: number][] {
    const records = this.#state.lanes.get(name)?.records ?? [];
    return records.filter(({ sequence }) => sequence > after).slice(0, limit).map((r) => [r.sequence, r.at, r.size]);
  }

  extent(name: string): LaneExtent {
    const { last, records } = this.#state.lanes.get(name) ?? { last: 0, records: [] };
    const first = records[0]?.sequence ?? last + 1;
    return { first, last, count: records.length, bytes: records.reduce((sum, { size }) => sum + size, 0) };
  }

  trim(name: string, through: number): void {
    const lane = this.#state.lanes.get(name);
    if (lane) lane.records = lane.records.filter(({ sequence }) => sequence > through);
  }

  remove(name: string, gone: number): void {
    const lane = this.#state.lanes.get(name);
    if (lane) lane.records = lane.records.filter(({ sequence }) => sequence !== gone);
  }

  cursor(name: string, consumer: string): number | undefined {
    return this.#state.cursors.get(name)?.get(consumer)?.sequence;
  }

  lowestCursor(name: string): number | undefined {
    const cursors = [...this.#state.cursors.get(name)?.values() ?? []];
    return cursors.length > 0 ? Math.min(...cursors.map(({ sequence }) => sequence)) : undefined;
  }

  commit(name: string, consumer: string, sequence: number, at: number): void {
    this.#lane(name);
    const { cursors } = this.#state;
    if (!cursors.has(name)) cursors.set(name, new Map());
    const before = cursors.get(name)!.get(consumer)?.sequence ?? 0;
    cursors.get(name)!.set(consumer, { sequence: Math.max(before, sequence), at });
  }

  expireLog(olderThan: number): number {
    let gone = 0;
    for (const lane of this.#state.lanes.values()) {
      const young = lane.records.findIndex(({ at }) => at >= olderThan);
      gone += lane.records.splice(0, young < 0 ? Infinity : young).length;
    }
    for (const cursors of this.#state.cursors.values()) {
      for (const [consumer, { at }] of cursors) if (at < olderThan) cursors.delete(consumer);
    }
    return gone;
  }

  // ---- repeated messages ------------------------------------------------------------------------------------------

  seen(key: string): number | undefined {
    return this.#state.ids.find((id) => id.key === key)?.sequence;
  }

  remember(key: string, sequence: number, at: number): void {
    const state = this.#state;
    const place = state.places++;
    state.ids = [...state.ids.filter((id) => id.key !== key), { key, place, sequence, at }];
    state.ids = state.ids.filter((id) => id.place >= state.places - this.#most);
  }

  producer(key: string): number {
    return this.#state.producers.get(key)?.number ?? 0;
  }

  advance(key: string, number: number, at: number): void {
    if (number > this.producer(key)) this.#state.producers.set(key, { number, at });
  }

  expireDedupe(olderThan: number): void {
    const state = this.#state;
    const young = state.ids.findIndex(({ at }) => at >= olderThan);
    state.ids = young < 0 ? [] : state.ids.slice(young);
    for (const [key, { at }] of state.producers) if (at < olderThan) state.producers.delete(key);
  }

  // ---- keys and values ----------------------------------------------------------------------------------------------

  get(space: string, key: string, now: number): KvRecord | undefined {
    const record = this.#state.entries.find((entry) => entry.space === space && entry.key === key)?.record;
    return record && (record.expiresAt === 0 || record.expiresAt > now) ? record : undefined;
  }

  #write(space: string, key: string, at: number, make: (revision: number) => KvRecord | undefined): number {
    const revision = ++this.#state.revision;
    const rest = this.#state.entries.filter((entry) => entry.space !== space || entry.key !== key);
    this.#state.entries = [...rest, { space, key, record: make(revision), revision, at }];
    return revision;
  }

  put(space: string, key: string, value: Uint8Array, { now, expected, expiresAt = 0, kind = 0 }: KvWrite): number {
    if (expected !== undefined && (this.get(space, key, now)?.revision ?? 0) !== expected) return 0;
    return this.#write(space, key, now, (revision) => ({ key, value, revision, expiresAt, kind }));
  }

  delete(space: string, key: string, now: number, expected?: number): number {
    const record = this.get(space, key, now);
    if (!record || (expected !== undefined && record.revision !== expected)) return 0;
    return this.#write(space, key, now, () => undefined);
  }

  purge(space: string, key: string): void {
    const { entries } = this.#state;
    this.#state.entries = entries.filter((entry) => !entry.record || entry.space !== space || entry.key !== key);
  }

  list(space: string, prefix: string, after: string | undefined, limit: number, now: number): KvRecord[] {
    return this.#state.entries.filter((entry) => entry.space === space && this.get(space, entry.key, now))
      .map(({ record }) => record!)
      .filter(({ key }) => key.startsWith(prefix) && (after === undefined || compare(key, after) > 0))
      .sort((a, b) => compare(a.key, b.key)).slice(0, limit);
  }

  changes(space: string, prefix: string, after: number, limit: number): KvChange[] {
    return this.#state.entries
      .filter((entry) => entry.space === space && entry.key.startsWith(prefix) && entry.revision > after)
      .slice(0, limit).map(({ key, record, revision }) => ({ key, record, revision }));
  }

  forgotten(space: string): number {
    return this.#state.forgotten.get(space) ?? 0;
  }

  count(space: string): number {
    return this.#state.entries.filter((entry) => entry.space === space && entry.record).length;
  }

  nextExpiry(): number {
    return Math.min(...this.#state.entries.map(({ record }) => record?.expiresAt || Infinity));
  }

  expireKv(now: number, limit: number): KvExpired[] {
    return this.#state.entries.filter(({ record }) => record && record.expiresAt > 0 && record.expiresAt <= now)
      .sort((a, b) => a.record!.expiresAt - b.record!.expiresAt).slice(0, limit)
      .map(({ space, key }) => ({ space, key, revision: this.#write(space, key, now, () => undefined) }));
  }

  forget(olderThan: number, limit: number): number {
    const { entries, forgotten } = this.#state;
    const gone = entries.filter(({ record, at }) => !record && at < olderThan).slice(0, limit);
    for (const { space, revision } of gone) forgotten.set(space, Math.max(revision, forgotten.get(space) ?? 0));
    this.#state.entries = entries.filter((entry) => !gone.includes(entry));
    return gone.length;
  }

  // ---- tasks ----------------------------------------------------------------------------------------------------------

  putTask(record: TaskRecord): void {
    const { tasks } = this.#state;
    const at = tasks.findIndex(({ id }) => id === record.id);
    tasks.splice(at < 0 ? tasks.length : at, 1, record);
  }

  changeTask(id: string, state: Uint8Array, overAt: number, keepsPayload: boolean): void {
    const task = this.task(id)!;
    this.putTask({ ...task, state, overAt, payload: keepsPayload ? task.payload : undefined });
  }

  task(id: string): TaskRecord | undefined {
    return this.#state.tasks.find((task) => task.id === id);
  }

  /** In the order in which they came. */
  get tasks(): readonly TaskRecord[] {
    return this.#state.tasks;
  }

  listTasks(after: string | undefined, limit: number): TaskRecord[] {
    const { tasks } = this.#state;
    return tasks.filter(({ id }) => after === undefined || compare(id, after) > 0)
      .sort((a, b) => compare(a.id, b.id)).slice(0, limit);
  }

  expireTasks(before: number, limit: number): string[] {
    const { tasks } = this.#state;
    const gone = tasks.filter(({ overAt }) => overAt > 0 && overAt < before)
      .sort((a, b) => a.overAt - b.overAt).slice(0, limit).map(({ id }) => id);
    this.#state.tasks = tasks.filter(({ id }) => !gone.includes(id));
    return gone;
  }
}

/** By code points, in the plainest way. */
function compare(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let at = 0; at < Math.min(x.length, y.length); at++) {
    if (x[at] !== y[at]) return x[at].codePointAt(0)! - y[at].codePointAt(0)!;
  }
  return x.length - y.length;
}
