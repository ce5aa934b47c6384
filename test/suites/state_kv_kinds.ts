import { memoryStore } from "../../src/store/memory.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, crowd, text } from "./state_kit.ts";

/** Counters, sets, and keys with an end. */
export const cases: Case[] = [
  {
    name: "kv: many writers of one counter are all counted, each sees another value",
    async run() {
      await using fabric = await testFabric({ seed: 8 });
      const agents = await connected(...Array.from({ length: 8 }, () => fabric.agent()));
      const answers = await Promise.all(
        agents.flatMap((agent) => Array.from({ length: 25 }, () => agent.kv().increment({ key: "n" }))),
      );
      equal(new Set(answers.map(({ counterValue }) => counterValue)).size, 200);
      equal((await agents[0].kv().decrement({ key: "n", delta: 201 })).counterValue, -1);
    },
  },
  {
    name: "kv: counters are exact to 64 bits, and say so instead of wrapping around",
    async run() {
      await using fabric = await testFabric({ seed: 9 });
      const kv = (await connected(fabric.agent()))[0].kv();
      const key = "n";
      equal((await kv.increment({ key, delta: 2 ** 53 - 1 })).counterValue, 2 ** 53 - 1);
      equal(String((await kv.increment({ key })).counterValue), "9007199254740992");
      equal(String((await kv.increment({ key })).counterValue), "9007199254740993");
      equal(typeof (await kv.increment({ key, delta: 0 })).counterValue, "bigint");
      equal(text((await kv.get({ key })).value), "9007199254740993");
      const most = 2n ** 63n - 1n;
      equal(String((await kv.increment({ key, delta: most - 9007199254740993n })).counterValue), String(most));
      await rejects(kv.increment({ key }), "KVOperationError");
      equal((await kv.incrementIf({ key, guard: most })).applied, false);
      equal(String((await kv.decrement({ key: "low", delta: 2n ** 63n })).counterValue), String(-(2n ** 63n)));
      await rejects(kv.decrement({ key: "low" }), "KVOperationError");
      await rejects(kv.increment({ key, delta: 2n ** 64n }), "InvalidArgumentError");
      await rejects(kv.increment({ key, delta: 1.5 }), "InvalidArgumentError");
      await rejects(kv.increment({ key, delta: -1 }), "InvalidArgumentError");
      equal(text((await kv.get({ key })).value), String(most), "refused counts change nothing");
    },
  },
  {
    name: "kv: guarded counters stop at their guard, whichever way they go and however far",
    async run() {
      await using fabric = await testFabric({ seed: 10 });
      const kv = (await connected(fabric.agent()))[0].kv();
      const key = "n";
      equal((await kv.incrementIf({ key, guard: 0 })).found, false, "not made when not done");
      equal((await kv.get({ key })).found, false);
      equal((await kv.incrementIf({ key, delta: 3, guard: 3 })).applied, true);
      const over = await kv.incrementIf({ key, guard: 3 });
      equal([over.applied, over.counterValue], [false, 3]);
      equal((await kv.decrementIf({ key, delta: 3, guard: 0 })).counterValue, 0);
      equal((await kv.decrementIf({ key, guard: 0 })).applied, false);
      await kv.increment({ key, delta: 10 });
      equal((await kv.decrementIf({ key, delta: 0, guard: 5 })).applied, true, "10 is at least 5");
      equal((await kv.incrementIf({ key, delta: 0, guard: 5 })).applied, false, "10 is not at most 5");
      equal((await kv.decrementIf({ key, delta: 20, guard: -10n })).counterValue, -10);
    },
  },
  {
    name: "kv: what is no number cannot be counted with, a number written as text can",
    async run() {
      await using fabric = await testFabric({ seed: 11 });
      const kv = (await connected(fabric.agent()))[0].kv();
      for (const wrong of ["", "x", "1.5", " 1", "1e3", "--1", "9223372036854775808", "99999999999999999999", "\xff"]) {
        await kv.put({ key: "k", value: bytes(wrong) });
        const error = await rejects(kv.increment({ key: "k" }), "KVOperationError");
        equal(error.message.includes("no number"), true, error.message);
        equal(text((await kv.get({ key: "k" })).value), wrong);
      }
      await kv.put({ key: "k", value: bytes("-41") });
      equal((await kv.increment({ key: "k", delta: 83 })).counterValue, 42);
      await kv.setAdd({ key: "s", value: bytes("m") });
      await rejects(kv.increment({ key: "s" }), "KVOperationError");
      await rejects(kv.setAdd({ key: "k", value: bytes("m") }), "KVOperationError");
      await rejects(kv.setCard({ key: "k" }), "KVOperationError");
    },
  },
  {
    name: "kv: a key ends at its time, to the millisecond, whether anybody looks or not",
    async run() {
      await using fabric = await testFabric({ seed: 12 });
      const kv = (await connected(fabric.agent()))[0].kv();
      await kv.put({ key: "k", value: bytes("v"), ttl: 10 });
      await kv.put({ key: "stays", value: bytes("v"), ttl: 0 });
      await fabric.advance(9_999);
      equal((await kv.get({ key: "k" })).found, true);
      await fabric.advance(1);
      equal([(await kv.get({ key: "k" })).found, (await kv.list()).keys], [false, ["stays"]]);
      // A new write takes the old end away.
      await kv.put({ key: "k", value: bytes("v"), ttl: 1 });
      await kv.put({ key: "k", value: bytes("v") });
      await fabric.advance("1h");
      equal((await kv.get({ key: "k" })).found, true);
      await kv.setIfAbsent({ key: "c", value: bytes("v"), ttl: 1 });
      await fabric.advance("1s");
      equal((await kv.setIfAbsent({ key: "c", value: bytes("w"), ttl: 1 })).applied, true);
      const { revision } = await kv.get({ key: "c" });
      equal((await kv.compareAndSet({ key: "c", value: bytes("x"), ifRevision: revision, ttl: 5 })).applied, true);
      await fabric.advance("4s");
      equal(text((await kv.get({ key: "c" })).value), "x");
      await fabric.advance("1s");
      equal((await kv.compareAndSet({ key: "c", value: bytes("y"), expected: bytes("x") })).applied, false);
    },
  },
  {
    name: "kv: a counter's ttl holds from when it was given last; left out it stays, and 0 takes it away",
    async run() {
      await using fabric = await testFabric({ seed: 13 });
      const kv = (await connected(fabric.agent()))[0].kv();
      await kv.increment({ key: "n", ttl: 10 });
      await fabric.advance("6s");
      await kv.increment({ key: "n" });
      await fabric.advance("4s");
      equal((await kv.increment({ key: "n", ttl: 10 })).counterValue, 1, "it began anew");
      await fabric.advance("6s");
      await kv.increment({ key: "n", ttl: 10 });
      await fabric.advance("6s");
      equal((await kv.decrementIf({ key: "n", guard: 0, ttl: 0 })).counterValue, 1);
      await fabric.advance("1h");
      equal((await kv.increment({ key: "n" })).counterValue, 2);
    },
  },
  {
    name: "kv: sets count their members once, whatever bytes they are, and forget them all at their end",
    async run() {
      await using fabric = await testFabric({ seed: 14 });
      const store = memoryStore();
      await using second = await testFabric({ seed: 14, store });
      void fabric;
      const kv = (await connected(second.agent()))[0].kv();
      const key = "s";
      const members = () => store.kv.count("s\0w\0test");
      equal((await kv.setCard({ key })).counterValue, 0);
      equal((await kv.setAdd({ key, value: bytes("a"), ttl: 10 })).applied, true);
      equal((await kv.setAdd({ key, member: new Uint8Array([0, 255]) })).counterValue, 2);
      const again = await kv.setAdd({ key, value: bytes("a") });
      equal([again.applied, again.counterValue], [false, 2]);
      equal((await kv.setAdd({ key: "1:s", value: bytes("a") })).counterValue, 1, "another set");
      equal((await kv.setCard({ key })).counterValue, 2);
      // Its end, and another begins in the same moment.
      await second.advance(10_000);
      equal((await kv.setAdd({ key, value: bytes("a") })).counterValue, 1);
      // Overwritten, it is no set any more; removed, a new one begins empty.
      await kv.put({ key, value: bytes("plain") });
      await rejects(kv.setCard({ key }), "KVOperationError");
      await kv.delete({ key });
      equal((await kv.setAdd({ key, value: bytes("b") })).counterValue, 1);
      equal((await kv.compareAndDelete({ key, expected: bytes("1") })).applied, true);
      equal((await kv.setCard({ key })).found, false);
      await kv.delete({ key: "1:s" });
      equal(members(), 0, "members left in the store");
    },
  },
  {
    // The set's time was over and it was not swept yet: put found nothing there, and its members stayed for good.
    name: "kv: a set whose time is over leaves nothing, also when its key is written before it is swept",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 15, store });
      const [agent] = await connected(fabric.agent());
      const kv = agent.kv();
      await crowd(agent, 10_000);
      await kv.setAdd({ key: "s", value: bytes("m"), ttl: 10 });
      await fabric.advance(10_000);
      equal((await kv.get({ key: "s" })).found, false);
      await kv.put({ key: "s", value: bytes("plain") });
      await fabric.advance("1s");
      equal([store.kv.count("s\0w\0test"), store.kv.count("w\0test")], [0, 1]);
    },
  },
  {
    name: "kv: a full set refuses another member with the limit",
    async run() {
      await using fabric = await testFabric({ seed: 18, limits: { kvKeys: 3 } });
      const kv = (await connected(fabric.agent()))[0].kv();
      for (const member of ["1", "2", "3"]) await kv.setAdd({ key: "s", value: bytes(member) });
      equal((await rejects(kv.setAdd({ key: "s", value: bytes("4") }), "QuotaError")).details, {
        limit: 3,
        current: 3,
      });
      equal((await kv.setAdd({ key: "s", value: bytes("3") })).applied, false);
      equal((await kv.setCard({ key: "s" })).counterValue, 3);
    },
  },
];
