import { KVScope } from "../../mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { type TestFabric, testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, collect, connected, take, told } from "./state_kit.ts";

/** Long enough for everything that takes no time, on a runtime that hands over little at once. */
async function long(fabric: TestFabric): Promise<void> {
  for (let n = 0; n < 100; n++) await fabric.advance(1);
}

/** A store whose contents can be thrown away, as those of a process that ended are. */
function replaceable(): { store: Store; replace(): void } {
  let now = memoryStore();
  const store: Store = {
    log: now.log,
    dedupe: now.dedupe,
    get kv() {
      return now.kv;
    },
    get tasks() {
      return now.tasks;
    },
    isVolatile: true,
    flush: () => undefined,
    fault: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { store, replace: () => void (now = memoryStore()) };
}

/** Watching keys. */
export const cases: Case[] = [
  {
    name: "watch: what is there comes first, then every change, with revisions that grow",
    async run() {
      await using fabric = await testFabric({ seed: 1 });
      const [writer, reader] = await connected(fabric.agent(), fabric.agent());
      const kv = writer.kv();
      await kv.put({ key: "a/1", value: bytes("1") });
      await kv.put({ key: "a/2", value: bytes("2") });
      await kv.put({ key: "b", value: bytes("x") });
      await kv.delete({ key: "a/2" });
      const revisions: number[] = [];
      const many = collect(reader.kv().watch({ keyPrefix: "a/" }), (event) => {
        revisions.push(event.revision);
        return told(event);
      });
      const one = collect(reader.kv().watch({ key: "a/1" }), told);
      await fabric.advance(10);
      await kv.put({ key: "a/10", value: bytes("") });
      await fabric.advance(10);
      await kv.increment({ key: "a/n", delta: 5 });
      await kv.delete({ key: "a/1" });
      await fabric.advance(10);
      await kv.setAdd({ key: "a/s", value: bytes("m") });
      await kv.put({ key: "c", value: bytes("x") });
      await fabric.advance(10);
      equal(many.items, ["a/1=1", "a/10=", "a/n=5", "a/1=-", "a/s=1"]);
      equal(one.items, ["a/1=1", "a/1=-"]);
      equal(revisions, [...new Set(revisions)].sort((a, b) => a - b));
      await rejects(Promise.resolve().then(() => reader.kv().watch({})), "InvalidArgumentError");
      await rejects(
        Promise.resolve().then(() => reader.kv().watch({ key: "a", keyPrefix: "a" })),
        "InvalidArgumentError",
      );
    },
  },
  {
    name: "watch: where nothing is, the first word is the first change; a key that has come and gone never was",
    async run() {
      await using fabric = await testFabric({ seed: 2 });
      const [agent] = await connected(fabric.agent());
      for (let n = 0; n < 300; n++) {
        await agent.kv().put({ key: `k${n}`, value: bytes("v") });
        await agent.kv().delete({ key: `k${n}` });
      }
      const seen = collect(agent.kv().watch({ keyPrefix: "" }), told);
      const other = collect(agent.kv().watch({ keyPrefix: "", scope: KVScope.UserShared, userId: "nobody" }), told);
      await fabric.advance("1h");
      equal([seen.items, other.items], [[], []]);
      await agent.kv().put({ key: "k7", value: bytes("new") });
      await fabric.advance(10);
      equal([seen.items, other.items], [["k7=new"], []]);
    },
  },
  {
    name: "watch: fromRevision leaves out what is known, and tells of removals since",
    async run() {
      await using fabric = await testFabric({ seed: 3 });
      const [agent] = await connected(fabric.agent());
      const kv = agent.kv();
      await kv.put({ key: "a", value: bytes("1") });
      const { revision } = await kv.put({ key: "b", value: bytes("1") });
      await kv.put({ key: "a", value: bytes("2") });
      await kv.delete({ key: "b" });
      const events = await take(kv.watch({ keyPrefix: "", fromRevision: revision }), 2);
      equal(events.map(told), ["a=2", "b=-"]);
    },
  },
  {
    name: "watch: one who takes slowly gets the latest of each key, and holds nobody back",
    async run() {
      await using fabric = await testFabric({ seed: 4 });
      const [agent] = await connected(fabric.agent());
      const watch = agent.kv().watch({ keyPrefix: "" });
      await agent.kv().put({ key: "a", value: bytes("0") });
      equal((await take(watch, 1)).map(told), ["a=0"]);
      for (let n = 1; n < 500; n++) await agent.kv().put({ key: n % 2 ? "a" : "b", value: bytes(String(n)) });
      equal((await take(watch, 2)).map(told), ["b=498", "a=499"]);
    },
  },
  {
    name: "watch: values of any size come page after page, each key once",
    async run() {
      await using fabric = await testFabric({ seed: 5 });
      const [agent] = await connected(fabric.agent());
      for (let n = 0; n < 5; n++) await agent.kv().put({ key: `large${n}`, value: new Uint8Array(1024 * 1024) });
      for (let n = 0; n < 700; n++) await agent.kv().put({ key: `small${n}`, value: bytes("v") });
      const seen = collect(agent.kv().watch({ keyPrefix: "" }), ({ key }) => key);
      await long(fabric);
      equal([seen.items.length, new Set(seen.items).size], [705, 705]);
      const one = collect(agent.kv().watch({ key: "small69" }), ({ key }) => key);
      await fabric.advance(100);
      equal(one.items, ["small69"], "and not those that begin with it");
    },
  },
  {
    name: "watch: it goes on after cuts, silence, restarts and kills: nothing is missed and nothing comes twice",
    async run() {
      await using fabric = await testFabric({ seed: 6 });
      const [writer, reader] = await connected(
        fabric.agent(),
        fabric.agent({ reconnectDelay: 100, maxReconnectDelay: 100 }),
      );
      const gaps: unknown[] = [];
      reader.onGap((gap) => void (gap.reason === "session_lost" || gaps.push(gap)));
      const seen = collect(reader.kv().watch({ keyPrefix: "" }), told);
      const expected: string[] = [];
      const faults: (() => unknown)[] = [
        () => fabric.faults.cut(reader),
        () => fabric.faults.halfOpen(reader),
        () => fabric.faults.restartGateway(),
        () => (fabric.faults.killGateway(), fabric.faults.restartGateway()),
        () => fabric.faults.drop(reader, 1),
      ];
      for (let n = 0; n < 15; n++) {
        await faults[n % faults.length]();
        if (n % 3 === 0) await fabric.advance("1m");
        while (writer.state !== "ready") await fabric.advance("1s");
        await writer.kv().put({ key: `k${n % 4}`, value: bytes(String(n)) });
        await fabric.advance("90s");
        expected.push(`k${n % 4}=${n}`);
      }
      equal(seen.items, expected);
      equal([gaps, seen.error], [[], undefined]);
    },
  },
  {
    name: "watch: one that was away while removals were forgotten is told of a gap and begins anew",
    async run() {
      await using fabric = await testFabric({
        seed: 7,
        limits: { retentionMs: 1000, resumeMs: 1000, redeliverAfterMs: 500 },
      });
      const [writer, reader] = await connected(
        fabric.agent(),
        fabric.agent({ reconnectDelay: 300_000, maxReconnectDelay: 300_000 }),
      );
      const gaps: unknown[] = [];
      reader.onGap(({ reason, topic }) => void gaps.push([reason, topic]));
      await writer.kv().put({ key: "stays", value: bytes("1") });
      await writer.kv().put({ key: "goes", value: bytes("1") });
      const seen = collect(reader.kv().watch({ keyPrefix: "" }), told);
      await fabric.advance(10);
      fabric.faults.cut(reader);
      await writer.kv().delete({ key: "goes" });
      await fabric.advance("3m");
      await writer.kv().put({ key: "new", value: bytes("1") });
      equal(seen.items, ["stays=1", "goes=1"]);
      await fabric.advance("5m");
      equal(seen.items.slice(2), ["stays=1", "new=1"]);
      equal(gaps, [["session_lost", undefined], ["trimmed", "kv "]]);
      await writer.kv().put({ key: "new", value: bytes("2") });
      await fabric.advance(10);
      equal(seen.items.slice(4), ["new=2"], "and goes on");
      // Asking for what is older than is remembered says the same.
      const late = collect(reader.kv().watch({ keyPrefix: "", fromRevision: 1 }), told);
      await fabric.advance(10);
      equal([gaps.length, late.items], [3, ["stays=1", "new=2"]]);
    },
  },
  {
    // A page of what is there ended before a removal that was forgotten: the next one was taken for lost, over and over.
    name: "watch: what is there comes to an end, however many removals before it are forgotten",
    async run() {
      await using fabric = await testFabric({ seed: 8, limits: { retentionMs: 1000 } });
      const [agent] = await connected(fabric.agent());
      const gaps: unknown[] = [];
      agent.onGap((gap) => void gaps.push(gap));
      for (let n = 0; n < 600; n++) await agent.kv().put({ key: `k${n}`, value: bytes("v") });
      await agent.kv().put({ key: "gone", value: bytes("v") });
      await agent.kv().delete({ key: "gone" });
      await fabric.advance("3m");
      const seen = collect(agent.kv().watch({ keyPrefix: "" }), ({ key }) => key);
      await long(fabric);
      equal([seen.items.length, gaps], [600, []]);
      await agent.kv().delete({ key: "k0" });
      await fabric.advance("3m");
      await agent.kv().put({ key: "k1", value: bytes("w") });
      await fabric.advance(100);
      equal([seen.items.slice(600), gaps], [["k0", "k1"], []]);
    },
  },
  {
    name: "watch: where the store has lost everything, revisions begin again and the watcher is told",
    async run() {
      const { store, replace } = replaceable();
      await using fabric = await testFabric({ seed: 9, store });
      const [agent] = await connected(fabric.agent({ reconnectDelay: 100, maxReconnectDelay: 100 }));
      const gaps: unknown[] = [];
      agent.onGap(({ reason }) => void gaps.push(reason));
      for (let n = 0; n < 20; n++) await agent.kv().put({ key: "old", value: bytes("v") });
      const seen = collect(agent.kv().watch({ keyPrefix: "" }), told);
      await fabric.advance(10);
      fabric.faults.killGateway();
      replace();
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      await agent.kv().put({ key: "new", value: bytes("1") });
      await fabric.advance(10);
      equal([seen.items, gaps], [["old=v", "new=1"], ["session_lost", "trimmed"]]);
    },
  },
  {
    name: "watch: the end of a key's time is heard at that moment, though nobody looks",
    async run() {
      await using fabric = await testFabric({ seed: 10 });
      const [writer, reader] = await connected(fabric.agent(), fabric.agent());
      const begun = fabric.clock.now();
      const seen = collect(reader.kv().watch({ keyPrefix: "" }), (event) => [told(event), fabric.clock.now() - begun]);
      await writer.kv().put({ key: "a", value: bytes("v"), ttl: 30 });
      await writer.kv().increment({ key: "n", ttl: 7.5 });
      await writer.kv().setAdd({ key: "s", value: bytes("m"), ttl: 90 });
      await writer.kv().put({ key: "a2", value: bytes("v"), ttl: 29.998 });
      await fabric.advance("2m");
      equal(seen.items.slice(4), [["n=-", 7500], ["a2=-", 29_998], ["a=-", 30_000], ["s=-", 90_000]]);
    },
  },
  {
    name: "watch: ends come at their time after a restart too",
    async run() {
      await using fabric = await testFabric({ seed: 11 });
      const [agent] = await connected(fabric.agent({ reconnectDelay: 100 }));
      await agent.kv().put({ key: "a", value: bytes("v"), ttl: 30 });
      const end = fabric.clock.now() + 30_000;
      const seen = collect(agent.kv().watch({ key: "a" }), (event) => [told(event), fabric.clock.now()]);
      await fabric.advance("1s");
      await fabric.faults.restartGateway();
      await fabric.advance("1m");
      equal(seen.items.at(-1), ["a=-", end]);
    },
  },
];
