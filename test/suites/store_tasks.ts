import type { TaskRecord, TaskStore } from "../../src/store/store.ts";
import { equal } from "./assert.ts";
import { bytes, type StoreCase, text } from "./store_case.ts";

const made = (id: string, overAt = 0, payload?: string): TaskRecord => ({
  id,
  made: bytes(`made ${id}`),
  payload: payload === undefined ? undefined : bytes(payload),
  state: undefined,
  overAt,
});
const plain = (record: TaskRecord | undefined): unknown =>
  record && [
    record.id,
    text(record.made),
    record.payload && text(record.payload),
    record.state && text(record.state),
    record.overAt,
  ];
const ids = (records: Iterable<TaskRecord>): string[] => [...records].map(({ id }) => id);
const alive = async (tasks: TaskStore): Promise<string[]> => ids(await tasks.alive());

/** What a store of tasks promises. */
export const taskCases: StoreCase[] = [
  {
    name: "a task comes back as it was put, and as it was changed, also after the store was closed",
    async run(shelf) {
      const later = async (tasks: TaskStore): Promise<void> => {
        equal(plain(await tasks.get("a")), ["a", "made a", "p", "running", 0]);
        equal(plain(await tasks.get("b")), ["b", "made b", undefined, "done", 7]);
        equal(plain(await tasks.get("c")), ["c", "made c", undefined, undefined, 8]);
        equal(plain(await tasks.get("d")), ["d", "made d", "p", "failed", 9]);
        equal(await tasks.get("e"), undefined);
      };
      {
        await using store = shelf.open();
        for (const id of ["a", "b", "d"]) store.tasks.put(made(id, 0, "p"));
        store.tasks.put(made("c", 8));
        equal(plain(await store.tasks.get("a")), ["a", "made a", "p", undefined, 0]);
        store.tasks.change("a", bytes("running"), 0, true);
        store.tasks.change("b", bytes("running"), 0, true);
        store.tasks.change("b", bytes("done"), 7, false);
        await store.flush();
        store.tasks.change("d", bytes("running"), 0, true);
        store.tasks.change("d", bytes("failed"), 9, true);
        await later(store.tasks);
        await store.flush();
      }
      await using store = shelf.open();
      await later(store.tasks);
    },
  },
  {
    name: "a payload that went does not come back, and a task that is put again is as it was put",
    async run(shelf) {
      await using store = shelf.open();
      store.tasks.put(made("a", 0, "p"));
      await store.flush();
      store.tasks.change("a", bytes("1"), 0, false);
      store.tasks.change("a", bytes("2"), 0, true);
      await store.flush();
      equal(plain(await store.tasks.get("a")), ["a", "made a", undefined, "2", 0]);
      store.tasks.change("a", bytes("3"), 5, true);
      store.tasks.put(made("a", 0, "q"));
      await store.flush();
      equal(plain(await store.tasks.get("a")), ["a", "made a", "q", undefined, 0]);
      equal(store.tasks.expire(99, 9), []);
      equal(await alive(store.tasks), ["a"]);
    },
  },
  {
    name: "tasks are listed in the order of their ids, a page at a time, alive or over",
    async run(shelf) {
      await using store = shelf.open();
      const odd = ["", "\0", "a", "a\0", "b", "é", "\uffff", "\u{10000}"];
      for (const id of odd.toReversed()) store.tasks.put(made(id, id.length));
      equal(ids(await store.tasks.list(undefined, 99)), odd);
      store.tasks.put(made("c"));
      equal(ids(await store.tasks.list("a", 3)), ["a\0", "b", "c"]);
      equal(ids(await store.tasks.list("bb", 1)), ["c"]);
      equal(ids(await store.tasks.list("\u{10000}", 9)), []);
      equal(ids(await store.tasks.list(undefined, 0)), []);
      await store.flush();
      equal(ids(await store.tasks.list("", 2)), ["\0", "a"]);
    },
  },
  {
    name: "those that are alive come in the order in which they came first, however many",
    async run(shelf) {
      await using store = shelf.open();
      const all = Array.from({ length: 1203 }, (_, at) => String(5000 - at));
      for (const id of all) store.tasks.put(made(id));
      await store.flush();
      for (const id of all) if (id.endsWith("7")) store.tasks.change(id, bytes("over"), 3, false);
      // Over, and alive again.
      store.tasks.put(made("4997"));
      equal(await alive(store.tasks), all.filter((id) => !id.endsWith("7") || id === "4997"));
    },
  },
  {
    name: "those that have been over the longest are dropped first, so many at a time",
    async run(shelf) {
      await using store = shelf.open();
      for (const [id, overAt] of [["a", 30], ["b", 0], ["c", 10], ["d", 20], ["e", 40]] as const) {
        store.tasks.put(made(id, overAt));
      }
      await store.flush();
      equal(store.tasks.expire(10, 9), []);
      equal(store.tasks.expire(40, 2), ["c", "d"]);
      equal(ids(await store.tasks.list(undefined, 9)), ["a", "b", "e"]);
      // What lives again or is over since another moment is not what it was.
      store.tasks.put(made("a"));
      store.tasks.change("e", bytes("again"), 50, false);
      equal(store.tasks.expire(50, 9), []);
      equal(store.tasks.expire(51, 9), ["e"]);
      equal(ids(await store.tasks.list(undefined, 9)), ["a", "b"]);
      await store.flush();
      equal(await alive(store.tasks), ["a", "b"]);
    },
  },
  {
    name: "many come and go between two looks, and each is shown once",
    async run(shelf) {
      await using store = shelf.open();
      const name = (at: number): string => String(at).padStart(5, "0");
      equal(await store.tasks.list(undefined, 1), []);
      for (let round = 0; round < 3; round++) {
        for (let at = 0; at < 2000; at++) store.tasks.put(made(name(at), round * 1000 + 1));
        equal(ids(await store.tasks.list(name(1997), 9)), [name(1998), name(1999)]);
        equal(store.tasks.expire(round * 1000 + 2, Infinity).length, 2000);
        equal(await store.tasks.list(undefined, 1), []);
        await store.flush();
      }
    },
  },
];
