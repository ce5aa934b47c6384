import type { LogRecord, LogStore, Store } from "../../src/store/store.ts";
import { equal } from "./assert.ts";
import { bytes, type StoreCase, text } from "./store_case.ts";

const told = async (records: LogRecord[] | Promise<LogRecord[]>): Promise<string[]> =>
  (await records).map(({ sequence, bytes }) => `${sequence} ${text(bytes)}`);
const extent = (log: LogStore, lane: string): number[] => {
  const { first, last, count, bytes } = log.extent(lane);
  return [first, last, count, bytes];
};

/** Appends "1", "2" … to a lane, flushing now and then so that some are written and some are not. */
async function fill(store: Store, lane: string, count: number, at = 1): Promise<void> {
  for (let n = 1; n <= count; n++) {
    store.log.append(lane, bytes(String(n)), at, 0);
    if (n % 3 === 0) await store.flush();
  }
}

/** What a log promises. */
export const logCases: StoreCase[] = [
  {
    name: "each lane counts from 1, and is read from a position on",
    async run(shelf) {
      await using store = shelf.open();
      const { log } = store;
      equal(log.append("a", bytes("x"), 10, 0), 1);
      equal(log.append("b", bytes("y"), 11, 99), 1);
      equal(log.append("a", bytes("z"), 12, 0), 2);
      equal(await told(log.read("a", 0, 9)), ["1 x", "2 z"]);
      equal(await told(log.read("a", 0, 1)), ["1 x"]);
      equal(await told(log.read("a", 1, 9)), ["2 z"]);
      equal(await told(log.read("a", 2, 9)), []);
      equal(await told(log.read("nowhere", 0, 9)), []);
      await store.flush();
      const [{ at, expiresAt }] = await log.read("b", 0, 9);
      equal([at, expiresAt], [11, 99]);
    },
  },
  {
    name: "what a lane holds is known exactly",
    async run(shelf) {
      await using store = shelf.open();
      const { log } = store;
      equal(extent(log, "a"), [1, 0, 0, 0]);
      await fill(store, "a", 11);
      equal(extent(log, "a"), [1, 11, 11, 13]);
      log.trim("a", 4);
      equal(extent(log, "a"), [5, 11, 7, 9]);
      log.trim("a", 2);
      log.remove("a", 7);
      equal(extent(log, "a"), [5, 11, 6, 8]);
      log.remove("a", 6);
      log.remove("a", 5);
      equal(extent(log, "a"), [8, 11, 4, 6]);
      await store.flush();
      equal(await told(log.read("a", 0, 2)), ["8 8", "9 9"]);
      log.trim("a", 99);
      equal(extent(log, "a"), [12, 11, 0, 0]);
    },
  },
  {
    name: "a number is given once, though its lane was emptied and the store closed",
    async run(shelf) {
      {
        await using store = shelf.open();
        await fill(store, "a", 7);
        store.log.trim("a", 7);
        await store.flush();
      }
      await using store = shelf.open();
      equal(extent(store.log, "a"), [8, 7, 0, 0]);
      equal(store.log.append("a", bytes("x"), 1, 0), 8);
    },
  },
  {
    name: "removed records are skipped, wherever they lay",
    async run(shelf) {
      await using store = shelf.open();
      const { log } = store;
      await fill(store, "a", 10);
      for (const sequence of [2, 9, 5, 6, 10, 2, 77]) log.remove("a", sequence);
      const left = ["1 1", "3 3", "4 4", "7 7", "8 8"];
      equal(await told(log.read("a", 0, 99)), left);
      equal(await told(log.read("a", 1, 2)), left.slice(1, 3));
      equal(await told(log.read("a", 4, 1)), ["7 7"]);
      await store.flush();
      equal(await told(log.read("a", 0, 99)), left);
      equal(extent(log, "a"), [1, 10, 5, 5]);
      log.remove("a", 1);
      equal(extent(log, "a"), [3, 10, 4, 4]);
      log.trim("a", 5);
      equal(extent(log, "a"), [7, 10, 2, 2]);
      log.remove("nowhere", 1);
      log.trim("nowhere", 1);
      equal(extent(log, "nowhere"), [1, 0, 0, 0]);
    },
  },
  {
    name: "many lanes grow and shrink beside each other",
    async run(shelf) {
      const lanes = ["", "\0", "a\0b", "a", "\ufeffa", "é", "\u{10000}"];
      {
        await using store = shelf.open();
        for (let n = 1; n <= 40; n++) {
          for (const [at, lane] of lanes.entries()) {
            store.log.append(lane, bytes(`${at}:${n}`), n, 0);
            if (n > 5) store.log.trim(lane, n - 5 - at);
          }
          await store.flush();
        }
      }
      await using store = shelf.open();
      for (const [at, lane] of lanes.entries()) {
        const { first, last, count } = store.log.extent(lane);
        equal([first, last, count], [36 - at, 40, 5 + at], lane);
        const expected = Array.from({ length: count }, (_, n) => `${first + n} ${at}:${first + n}`);
        equal(await told(store.log.read(lane, 0, 99)), expected);
        equal(await told(store.log.read(lane, 37, 2)), expected.slice(-3, -1));
      }
    },
  },
  {
    name: "a cursor is unknown until it is set, and never goes back",
    async run(shelf) {
      {
        await using store = shelf.open();
        const { log } = store;
        equal([await log.cursor("a", "x"), log.lowestCursor("a")], [undefined, undefined]);
        log.commit("a", "x", 5, 1);
        log.commit("a", "x", 3, 2);
        log.commit("a", "y\0z", 0, 2);
        equal([await log.cursor("a", "x"), await log.cursor("a", "y\0z"), await log.cursor("b", "x")], [
          5,
          0,
          undefined,
        ]);
        await store.flush();
      }
      await using store = shelf.open();
      equal([await store.log.cursor("a", "x"), await store.log.cursor("a", "y\0z")], [5, 0]);
      equal(store.log.lowestCursor("a"), 0);
      equal(store.log.append("a", bytes("x"), 1, 0), 1);
    },
  },
  {
    name: "the lowest cursor is known whichever moves",
    async run(shelf) {
      await using store = shelf.open();
      const { log } = store;
      const cursors = new Map<string, number>();
      let seed = 5;
      for (let step = 0; step < 400; step++) {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        const consumer = `c${seed % 23}`;
        const sequence = (seed >> 8) % 50 + step;
        log.commit("a", consumer, sequence, step);
        cursors.set(consumer, Math.max(cursors.get(consumer) ?? 0, sequence));
        equal(log.lowestCursor("a"), Math.min(...cursors.values()));
        if (step % 7 === 0) await store.flush();
      }
    },
  },
  {
    name: "age takes the oldest records of a lane, and cursors nobody uses",
    async run(shelf) {
      {
        await using store = shelf.open();
        const { log } = store;
        for (let n = 1; n <= 9; n++) {
          log.append("a", bytes("x"), n * 10, 0);
          if (n === 5) await store.flush();
        }
        log.commit("a", "old", 1, 20);
        log.commit("a", "new", 4, 60);
        await store.flush();
        log.commit("a", "late", 2, 30);
        log.commit("a", "late", 2, 61);
        equal(log.expire(60, 100), 5);
        equal(extent(log, "a"), [6, 9, 4, 4]);
        equal([await log.cursor("a", "old"), log.lowestCursor("a")], [undefined, 2]);
        equal(log.expire(60, 100), 0);
        await store.flush();
      }
      await using store = shelf.open();
      equal(extent(store.log, "a"), [6, 9, 4, 4]);
      equal([await store.log.cursor("a", "old"), store.log.lowestCursor("a")], [undefined, 2]);
    },
  },
  {
    name: "age looks at so many lanes a call, and comes round to all",
    async run(shelf) {
      await using store = shelf.open();
      const { log } = store;
      for (let n = 0; n < 10; n++) log.append(`lane ${n}`, bytes("x"), 1, 0);
      await store.flush();
      const gone: number[] = [];
      for (let call = 0; call < 4; call++) gone.push(log.expire(5, 3));
      equal(gone, [3, 3, 3, 1]);
      log.append("lane 1", bytes("x"), 1, 0);
      log.append("lane new", bytes("x"), 1, 0);
      equal(log.expire(5, 100), 2);
    },
  },
  {
    name: "a lane that was only listened to has a number to go on from",
    async run(shelf) {
      await using store = shelf.open();
      store.log.commit("a", "x", 0, 1);
      equal(extent(store.log, "a"), [1, 0, 0, 0]);
      await store.flush();
      equal(store.log.append("a", bytes("x"), 1, 0), 1);
    },
  },
  {
    name: "large and empty records come back as they were",
    async run(shelf) {
      {
        await using store = shelf.open();
        store.log.append("a", new Uint8Array(0), 1, 0);
        store.log.append("a", new Uint8Array(1_000_000).fill(9), 1, 0);
        store.log.append("a", bytes("abcdef").subarray(2, 4), 1, 0);
        await store.flush();
      }
      await using store = shelf.open();
      const records = await store.log.read("a", 0, 9);
      equal(records.map(({ bytes }) => bytes.length), [0, 1_000_000, 2]);
      equal([records[1].bytes.every((byte) => byte === 9), text(records[2].bytes)], [true, "cd"]);
      equal(extent(store.log, "a"), [1, 3, 3, 1_000_002]);
    },
  },
];
