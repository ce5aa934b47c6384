import { equal } from "./assert.ts";
import type { StoreCase } from "./store_case.ts";

/** What a memory for repeated messages promises. */
export const dedupeCases: StoreCase[] = [
  {
    name: "an id is known with its number, also after the store was closed",
    async run(shelf) {
      {
        await using store = shelf.open();
        equal(store.dedupe.seen("a"), undefined);
        store.dedupe.remember("a", 5, 1);
        store.dedupe.remember("a\0b", 6, 1);
        equal([store.dedupe.seen("a"), store.dedupe.seen("a\0b"), store.dedupe.seen("a\0c")], [5, 6, undefined]);
        await store.flush();
        equal([store.dedupe.seen("a"), store.dedupe.seen("a\0b"), store.dedupe.seen("a\0c")], [5, 6, undefined]);
      }
      await using store = shelf.open();
      equal([store.dedupe.seen("a"), store.dedupe.seen("a\0b"), store.dedupe.seen("b")], [5, 6, undefined]);
    },
  },
  {
    name: "the oldest ids go when there are too many",
    dedupeIds: 3,
    async run(shelf) {
      await using store = shelf.open();
      const { dedupe } = store;
      for (const [at, id] of ["a", "b", "c", "d"].entries()) dedupe.remember(id, at + 1, 1);
      equal(["a", "b", "c", "d"].map((id) => dedupe.seen(id) ?? 0), [0, 2, 3, 4]);
      await store.flush();
      // Taken again, it is the youngest.
      dedupe.remember("b", 5, 1);
      dedupe.remember("e", 6, 1);
      equal(["b", "c", "d", "e"].map((id) => dedupe.seen(id) ?? 0), [5, 0, 4, 6]);
      await store.flush();
      equal(["b", "c", "d", "e"].map((id) => dedupe.seen(id) ?? 0), [5, 0, 4, 6]);
    },
  },
  {
    name: "ids go with age",
    async run(shelf) {
      {
        await using store = shelf.open();
        const { dedupe } = store;
        for (let n = 1; n <= 9; n++) {
          dedupe.remember(`id ${n}`, n, n * 10);
          if (n === 6) await store.flush();
        }
        dedupe.expire(50);
        equal([dedupe.seen("id 4"), dedupe.seen("id 5"), dedupe.seen("id 9")], [undefined, 5, 9]);
        dedupe.remember("id 1", 11, 100);
        await store.flush();
        dedupe.expire(80);
        await store.flush();
      }
      await using store = shelf.open();
      const { dedupe } = store;
      equal([dedupe.seen("id 1"), dedupe.seen("id 7"), dedupe.seen("id 8")], [11, undefined, 8]);
      dedupe.expire(1000);
      equal(dedupe.seen("id 1"), undefined);
      dedupe.remember("id 2", 12, 1000);
      equal(dedupe.seen("id 2"), 12);
    },
  },
  {
    name: "a producer's number never goes back",
    async run(shelf) {
      {
        await using store = shelf.open();
        const { dedupe } = store;
        equal(dedupe.producer("p"), 0);
        dedupe.advance("p", 5, 1);
        dedupe.advance("p", 3, 2);
        dedupe.advance("p\0", 1, 2);
        equal([dedupe.producer("p"), dedupe.producer("p\0"), dedupe.producer("q")], [5, 1, 0]);
        await store.flush();
        dedupe.advance("p", 6, 3);
        await store.flush();
      }
      await using store = shelf.open();
      equal([store.dedupe.producer("p"), store.dedupe.producer("p\0"), store.dedupe.producer("q")], [6, 1, 0]);
    },
  },
  {
    name: "producers go with age, and may come anew",
    async run(shelf) {
      {
        await using store = shelf.open();
        const { dedupe } = store;
        for (let n = 1; n <= 9; n++) {
          dedupe.advance(`p${n}`, n, n * 10);
          if (n % 4 === 0) await store.flush();
        }
        dedupe.advance("p2", 22, 95);
        dedupe.expire(50);
        const numbers = (): number[] => [1, 2, 4, 5, 9].map((n) => dedupe.producer(`p${n}`));
        equal(numbers(), [0, 22, 0, 5, 9]);
        // Forgetting goes on in later turns; nothing of it is seen.
        for (let turn = 0; turn < 8; turn++) {
          dedupe.advance("p9", 10 + turn, 100);
          await store.flush();
        }
        dedupe.advance("p4", 1, 101);
        equal(numbers(), [0, 22, 1, 5, 17]);
        await store.flush();
      }
      await using store = shelf.open();
      equal([1, 2, 4, 5, 9].map((n) => store.dedupe.producer(`p${n}`)), [0, 22, 1, 5, 17]);
    },
  },
];
