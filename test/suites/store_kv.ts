import type { KvChange, KvRecord, KvStore } from "../../src/store/store.ts";
import { equal } from "./assert.ts";
import { bytes, type StoreCase, text } from "./store_case.ts";

const put = (kv: KvStore, space: string, key: string, value = key, now = 1): number | Promise<number> =>
  kv.put(space, key, bytes(value), { now });
const keys = (records: readonly { key: string }[]): string[] => records.map(({ key }) => key);
const told = (changes: KvChange[]): unknown[] =>
  changes.map(({ key, record, revision }) => [key, record ? text(record.value) : null, revision]);

/** Names that are hard on a backend: zero bytes, a byte order mark, beyond the basic plane, and nothing at all. */
const ODD = ["", "\0", "a\0", "a\0b", "\ufeffa", "a", "é", "\uffff", "\u{10000}", "\u{10ffff}\u{10ffff}", "'\"%_*?"];

/** What a key-value store promises. */
export const kvCases: StoreCase[] = [
  {
    name: "a record comes back with all that was written",
    async run(shelf) {
      await using store = shelf.open();
      const revision = await store.kv.put("s", "k", bytes("v"), { now: 10, expiresAt: 20, kind: 7 });
      const { value, ...rest } = (await store.kv.get("s", "k", 11))!;
      equal([text(value), rest.key, rest.revision, rest.expiresAt, rest.kind], ["v", "k", revision, 20, 7]);
      await put(store.kv, "s", "k", "w");
      const again = (await store.kv.get("s", "k", 11))!;
      equal([text(again.value), again.expiresAt, again.kind], ["w", 0, 0]);
      equal(await store.kv.get("s", "other", 11), undefined);
      equal(await store.kv.get("other", "k", 11), undefined);
    },
  },
  {
    name: "a value is what it was when it was put, whatever becomes of the writer's bytes",
    async run(shelf) {
      await using store = shelf.open();
      const all = bytes("abcdef");
      await store.kv.put("s", "k", all.subarray(1, 4), { now: 1 });
      all.fill(0);
      equal(text((await store.kv.get("s", "k", 1))!.value), "bcd");
      await store.kv.put("s", "k", new Uint8Array(0), { now: 1 });
      equal((await store.kv.get("s", "k", 1))!.value.length, 0);
      equal(keys(await store.kv.list("s", "", undefined, 9, 1)), ["k"]);
      const large = new Uint8Array(1_000_000).fill(3);
      await store.kv.put("s", "k", large, { now: 1 });
      equal((await store.kv.get("s", "k", 1))!.value.every((byte) => byte === 3), true);
    },
  },
  {
    name: "revisions grow over all spaces, with removals too, and go on after the store was closed",
    async run(shelf) {
      const seen: number[] = [];
      {
        await using store = shelf.open();
        seen.push(await put(store.kv, "a", "k"), await put(store.kv, "b", "k"), await put(store.kv, "a", "k"));
        seen.push(await store.kv.delete("a", "k", 2), await store.kv.delete("b", "k", 2));
        equal(store.kv.forget(3, 10), 2);
        await store.flush();
      }
      await using store = shelf.open();
      equal(await store.kv.forgotten("a"), seen[3]);
      seen.push(await put(store.kv, "c", "k"));
      for (let at = 1; at < seen.length; at++) equal(seen[at] > seen[at - 1], true, `revision ${seen}`);
    },
  },
  {
    name: "a write with an expected revision happens only when it is met",
    async run(shelf) {
      await using store = shelf.open();
      const write = (expected: number, now = 1, expiresAt = 0): number | Promise<number> =>
        store.kv.put("s", "k", bytes(String(expected)), { now, expected, expiresAt });
      equal(await write(5), 0);
      equal(await store.kv.count("s"), 0);
      const first = await write(0);
      equal(await write(0), 0);
      const second = await write(first, 1, 10);
      equal(await write(first), 0);
      equal(text((await store.kv.get("s", "k", 1))!.value), String(first));
      equal(await write(second, 10), 0, "an expired record has no revision");
      equal(await write(0, 10) > second, true, "an expired record is not there");
      equal(await store.kv.count("s"), 1);
      const third = (await store.kv.get("s", "k", 10))!.revision;
      equal(await store.kv.delete("s", "k", 10, second), 0);
      equal(await store.kv.delete("s", "k", 10, third) > third, true);
      equal(await write(third, 10), 0, "a removal is no record");
      equal(await write(0, 10) > third, true);
    },
  },
  {
    name: "a removal is told once and leaves nothing",
    async run(shelf) {
      await using store = shelf.open();
      equal(await store.kv.delete("s", "k", 1), 0);
      const written = await put(store.kv, "s", "k");
      const removed = await store.kv.delete("s", "k", 1);
      equal(removed > written, true);
      equal(await store.kv.delete("s", "k", 1), 0);
      equal([await store.kv.get("s", "k", 1), await store.kv.count("s")], [undefined, 0]);
      equal(keys(await store.kv.list("s", "", undefined, 9, 1)), []);
      equal(told(await store.kv.changes("s", "", 0, 9)), [["k", null, removed]]);
    },
  },
  {
    name: "a record whose time is over is not there, but is counted and told until it is swept",
    async run(shelf) {
      await using store = shelf.open();
      const revision = await store.kv.put("s", "k", bytes("v"), { now: 1, expiresAt: 10 });
      equal((await store.kv.get("s", "k", 9))?.revision, revision);
      equal(await store.kv.get("s", "k", 10), undefined);
      equal(keys(await store.kv.list("s", "", undefined, 9, 10)), []);
      equal(await store.kv.delete("s", "k", 10), 0);
      equal(await store.kv.count("s"), 1);
      equal(told(await store.kv.changes("s", "", 0, 9)), [["k", "v", revision]]);
      const [gone] = store.kv.expire(10, 9);
      equal([gone.space, gone.key, gone.revision > revision], ["s", "k", true]);
      equal(await store.kv.count("s"), 0);
      equal(told(await store.kv.changes("s", "", revision, 9)), [["k", null, gone.revision]]);
    },
  },
  {
    name: "the sweep takes what is over, soonest first, at most what it is told to",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      equal(kv.nextExpiry(), Infinity);
      const ends: [string, string, number][] = [["a", "x", 30], ["b", "y\0", 10], ["a\0b", "z", 20], ["a", "w", 0]];
      for (const [space, key, expiresAt] of ends) await kv.put(space, key, bytes("v"), { now: 1, expiresAt });
      equal(kv.nextExpiry(), 10);
      equal(kv.expire(9, 9), []);
      equal(kv.expire(30, 2).map(({ space, key }) => [space, key]), [["b", "y\0"], ["a\0b", "z"]]);
      equal(kv.nextExpiry(), 30);
      // An end that was put off, and one that was taken back, are void.
      await kv.put("a", "x", bytes("v"), { now: 2, expiresAt: 50 });
      await kv.put("b", "y\0", bytes("v"), { now: 2, expiresAt: 40 });
      equal(kv.nextExpiry(), 40);
      await kv.put("b", "y\0", bytes("v"), { now: 2 });
      equal(kv.nextExpiry(), 50);
      equal(kv.expire(49, 9), []);
      await kv.delete("a", "x", 3);
      equal(kv.nextExpiry(), Infinity);
      equal(kv.expire(1e9, 9), []);
      equal([await kv.count("a"), await kv.count("b"), await kv.count("a\0b")], [1, 1, 0]);
    },
  },
  {
    name: "a list is in the order of code points, page after page",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      const sorted = ODD.toSorted((a, b) => {
        const [x, y] = [[...a], [...b]];
        for (let at = 0; at < Math.min(x.length, y.length); at++) {
          if (x[at] !== y[at]) return x[at].codePointAt(0)! - y[at].codePointAt(0)!;
        }
        return x.length - y.length;
      });
      for (const key of ODD) await put(kv, "s", key);
      await put(kv, "t", "elsewhere");
      equal(keys(await kv.list("s", "", undefined, 99, 1)), sorted);
      const found: string[] = [];
      let after: string | undefined;
      for (;;) {
        const page: KvRecord[] = await kv.list("s", "", after, 3, 1);
        if (page.length === 0) break;
        found.push(...keys(page));
        after = page.at(-1)!.key;
      }
      equal(found, sorted);
      for (const { key, value } of await kv.list("s", "", undefined, 99, 1)) equal(text(value), key);
      equal(keys(await kv.list("s", "", undefined, 0, 1)), []);
      equal(keys(await kv.list("s", "", "\u{10ffff}\u{10ffff}\u{10ffff}", 9, 1)), []);
    },
  },
  {
    name: "a list keeps to its prefix, and may begin after a key that is not there",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      for (const key of ["a", "a/", "a/1", "a/2", "a/\u{10ffff}", "a0", "b", "é", "é1"]) await put(kv, "s", key);
      equal(keys(await kv.list("s", "a/", undefined, 9, 1)), ["a/", "a/1", "a/2", "a/\u{10ffff}"]);
      equal(keys(await kv.list("s", "a/", "a/1", 9, 1)), ["a/2", "a/\u{10ffff}"]);
      equal(keys(await kv.list("s", "a/", "a/1x", 1, 1)), ["a/2"]);
      equal(keys(await kv.list("s", "a/", "a/1\0", 1, 1)), ["a/2"]);
      equal(keys(await kv.list("s", "a/", "0", 1, 1)), ["a/"], "before the prefix");
      equal(keys(await kv.list("s", "a/", "b", 9, 1)), [], "beyond the prefix");
      equal(keys(await kv.list("s", "é", undefined, 9, 1)), ["é", "é1"]);
      equal(keys(await kv.list("s", "\u{10ffff}", undefined, 9, 1)), []);
      equal(keys(await kv.list("nowhere", "", undefined, 9, 1)), []);
    },
  },
  {
    name: "nothing of one space is seen in another, whatever their names are",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      for (const space of ODD) await put(kv, space, "k", `in ${space}`);
      for (const space of ODD) {
        equal(text((await kv.get(space, "k", 1))!.value), `in ${space}`);
        equal([await kv.count(space), (await kv.changes(space, "", 0, 99)).length], [1, 1]);
      }
      await kv.delete("a", "k", 1);
      for (const space of ODD) equal(await kv.count(space), space === "a" ? 0 : 1);
    },
  },
  {
    name: "changes tell of each key once, as it is now, oldest first",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      const r: number[] = [];
      for (const key of ["a/1", "b", "a/2", "a/1", "a/3"]) r.push(await put(kv, "s", key));
      await put(kv, "t", "a/9");
      r.push(await kv.delete("s", "a/2", 2));
      equal(told(await kv.changes("s", "", 0, 9)), [
        ["b", "b", r[1]],
        ["a/1", "a/1", r[3]],
        ["a/3", "a/3", r[4]],
        ["a/2", null, r[5]],
      ]);
      equal(told(await kv.changes("s", "a/", 0, 2)), [["a/1", "a/1", r[3]], ["a/3", "a/3", r[4]]]);
      equal(told(await kv.changes("s", "a/", r[4], 9)), [["a/2", null, r[5]]]);
      equal(told(await kv.changes("s", "", r[5], 9)), []);
      equal(told(await kv.changes("s", "", 0, 0)), []);
      equal(told(await kv.changes("nowhere", "", 0, 9)), []);
    },
  },
  {
    name: "removals are forgotten by age, as many as are wanted, and that is known",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      for (const key of ["a", "b", "c", "d"]) await put(kv, "s", key);
      const removed = [await kv.delete("s", "a", 10), await kv.delete("s", "b", 20), await kv.delete("s", "c", 30)];
      equal(await kv.forgotten("s"), 0);
      equal(kv.forget(10, 9), 0);
      equal(kv.forget(30, 1), 1);
      equal(await kv.forgotten("s"), removed[0]);
      // One that is written again is no removal any more.
      await put(kv, "s", "b", "again", 25);
      equal(kv.forget(100, 9), 1);
      equal([await kv.forgotten("s"), await kv.forgotten("t")], [removed[2], 0]);
      equal(keys(await kv.changes("s", "", 0, 9)), ["d", "b"]);
      equal(kv.forget(100, 9), 0);
    },
  },
  {
    name: "a purge leaves no trace",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      await kv.put("s", "k", bytes("v"), { now: 1, expiresAt: 10 });
      await put(kv, "s", "other");
      await kv.purge("s", "k");
      await kv.purge("s", "k");
      await kv.purge("nowhere", "k");
      equal([await kv.get("s", "k", 1), await kv.count("s"), kv.nextExpiry()], [undefined, 1, Infinity]);
      equal(keys(await kv.changes("s", "", 0, 9)), ["other"]);
      equal([kv.expire(99, 9), kv.forget(99, 9), await kv.forgotten("s")], [[], 0, 0]);
      equal(await kv.put("s", "k", bytes("w"), { now: 1, expected: 0 }) > 0, true);
    },
  },
  {
    name: "a lone surrogate is a key like any other to who writes it",
    async run(shelf) {
      await using store = shelf.open();
      const { kv } = store;
      await put(kv, "s\ud800", "k\udfff", "v");
      equal(text((await kv.get("s\ud800", "k\udfff", 1))!.value), "v");
      equal([await kv.count("s\ud800"), (await kv.list("s\ud800", "", undefined, 9, 1)).length], [1, 1]);
      equal(await kv.delete("s\ud800", "k\udfff", 1) > 0, true);
      await store.flush();
    },
  },
  {
    name: "all of it is there after the store was closed and opened",
    async run(shelf) {
      let removed: number;
      {
        await using store = shelf.open();
        await store.kv.put("a\0b", "k\0", bytes("v"), { now: 1, expiresAt: 100, kind: 3 });
        await put(store.kv, "a\0b", "gone");
        removed = await store.kv.delete("a\0b", "gone", 5);
        await store.flush();
      }
      await using store = shelf.open();
      const record = (await store.kv.get("a\0b", "k\0", 1))!;
      equal([text(record.value), record.expiresAt, record.kind], ["v", 100, 3]);
      equal([await store.kv.count("a\0b"), store.kv.nextExpiry()], [1, 100]);
      equal(told(await store.kv.changes("a\0b", "", record.revision, 9)), [["gone", null, removed]]);
      equal(store.kv.expire(100, 9).map(({ space, key }) => [space, key]), [["a\0b", "k\0"]]);
      equal(store.kv.forget(101, 9), 2);
    },
  },
];
