import { type AetherClient, KVScope } from "../../mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { type TestFabric, testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bare, bytes, connected, crowd, lateStore, outcome, text, within } from "./state_kit.ts";

const KIB = 1024;
const MIB = KIB * KIB;
const PART = 512 * KIB;
const OWNER = "ag::test::agent::one";

/** Bytes that differ from place to place. */
function blob(size: number, seed = 1): Uint8Array {
  const data = new Uint8Array(size);
  for (let at = 0; at < size; at += 997) data[at] = (at * 31 + seed) & 255;
  if (size > 0) data[size - 1] = seed;
  return data;
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a?.length !== b.length) return false;
  for (let at = 0; at < b.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

async function one(fabric: TestFabric): Promise<AetherClient> {
  return (await connected(fabric.agent({ specifier: "one", reconnectDelay: 100, maxReconnectDelay: 100 })))[0];
}

/** Large states of one identity. */
export const cases: Case[] = [
  {
    name: "checkpoint: nothing, a byte, one part, a part and a byte, and 16 MiB come back as they were",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 1, store });
      const checkpoint = (await one(fabric)).checkpoint();
      let revision = 0;
      for (const size of [0, 1, PART - 1, PART, PART + 1, 16 * MIB]) {
        const data = blob(size, size & 127);
        const saved = await checkpoint.save({ data });
        equal([saved.size, saved.savedAt, saved.revision > revision], [size, fabric.clock.now(), true]);
        revision = saved.revision;
        const loaded = await checkpoint.load();
        equal([loaded.found, loaded.size, loaded.revision, loaded.savedAt], [true, size, revision, saved.savedAt]);
        equal(same(loaded.data, data), true, `${size} bytes`);
        equal(store.kv.count(`cp\0${OWNER}`), Math.max(1, Math.ceil(size / PART)), "parts in the store");
      }
      const error = await rejects(checkpoint.save({ data: new Uint8Array(16 * MIB + 1) }), "InvalidArgumentError");
      equal(error.argument, "data");
      equal((await checkpoint.load()).revision, revision, "the former one stays");
    },
  },
  {
    name: "checkpoint: nothing saved is no failure, and each key is one of its own",
    async run() {
      await using fabric = await testFabric({ seed: 2 });
      const checkpoint = (await one(fabric)).checkpoint();
      const none = await checkpoint.load();
      equal([none.success, none.found, none.data, none.size], [true, false, undefined, 0]);
      equal((await checkpoint.delete()).found, false);
      equal((await checkpoint.list()).found, false);
      const keys = ["default", "a", "1:a:", "a:b", "a\0b", "__proto__", "ä".repeat(256)];
      for (const key of keys) await checkpoint.save({ key, data: bytes(key) });
      for (const key of keys) equal(text((await checkpoint.load({ key })).data), key);
      equal((await checkpoint.list()).keys.sort(), [...keys].sort());
      equal((await checkpoint.list()).entries[0].size > 0, true);
      equal((await checkpoint.delete({ key: "a" })).found, true);
      equal((await checkpoint.load({ key: "a" })).found, false);
      equal((await checkpoint.load({ key: "a:b" })).found, true);
      for (let n = 0; n < 250; n++) await checkpoint.save({ key: `many ${n}`, data: bytes("x") });
      equal((await checkpoint.list()).keys.length, 250 + keys.length - 1);
      await rejects(checkpoint.save({ key: "", data: bytes("x") }), "InvalidArgumentError");
      await rejects(checkpoint.load({ key: "k".repeat(513) }), "InvalidArgumentError");
      await rejects(checkpoint.save({ data: "text" as never }), "InvalidArgumentError");
    },
  },
  {
    name: "checkpoint: they belong to the full identity; a pool's workers share the pool's",
    async run() {
      await using fabric = await testFabric({ seed: 3 });
      const identity = { implementation: "x", specifier: "1" };
      const [agent, elsewhere, other, unique, tab1, tab2, service] = await connected(
        fabric.agent(identity),
        fabric.agent({ ...identity, workspace: "other" }),
        fabric.agent({ implementation: "x", specifier: "2" }),
        fabric.task({ implementation: "x", uniqueSpecifier: "1" }),
        fabric.user({ userId: "ada", windowId: "1" }),
        fabric.user({ userId: "ada", windowId: "2" }),
        fabric.service(identity),
      );
      await agent.checkpoint().save({ data: bytes("mine") });
      for (const stranger of [elsewhere, other, unique, tab1, tab2, service]) {
        equal((await stranger.checkpoint().load()).found, false, stranger.topic);
      }
      await tab1.checkpoint().save({ data: bytes("tab") });
      equal((await tab2.checkpoint().load()).found, false, "a window's own");
      const [w1, w2, w3] = await connected(
        fabric.task(),
        fabric.task(),
        fabric.task({ workspace: "other" }),
      );
      await w1.checkpoint().save({ data: bytes("pool") });
      await w1.disconnect();
      equal(text((await w2.checkpoint().load()).data), "pool");
      equal((await w3.checkpoint().load()).found, false, "the pool of another workspace");
      // They are no keys: nobody finds them in the key-value store.
      for (const scope of [KVScope.WorkspaceExclusive, KVScope.GlobalExclusive, KVScope.Workspace]) {
        equal((await agent.kv().list({ scope })).keys, []);
      }
    },
  },
  {
    name: "checkpoint: ifRevision saves, loads and deletes only what it was",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 4, store });
      const checkpoint = (await one(fabric)).checkpoint();
      const first = await checkpoint.save({ data: blob(PART + 1), ifRevision: 0 });
      const error = await rejects(checkpoint.save({ data: blob(2 * PART), ifRevision: 0 }), "ConflictError");
      equal(error.details, { revision: first.revision });
      const second = await checkpoint.save({ data: bytes("2"), ifRevision: first.revision });
      await rejects(checkpoint.load({ ifRevision: first.revision }), "ConflictError");
      await rejects(checkpoint.delete({ ifRevision: first.revision }), "ConflictError");
      equal(text((await checkpoint.load({ ifRevision: second.revision })).data), "2");
      equal(store.kv.count(`cp\0${OWNER}`), 1, "what was refused is not kept");
      equal((await checkpoint.delete({ ifRevision: second.revision })).found, true);
      equal(store.kv.count(`cp\0${OWNER}`), 0);
      // Of two who save at once on the same footing one wins.
      const two = await Promise.all(
        [1, 2].map((n) => outcome(checkpoint.save({ data: blob(PART + n), ifRevision: 0 }))),
      );
      equal(two.filter((one) => one === "ConflictError").length, 1);
      equal(store.kv.count(`cp\0${OWNER}`), 2);
    },
  },
  {
    name: "checkpoint: its time is over to the millisecond, and its parts go with it",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 5, store });
      const checkpoint = (await one(fabric)).checkpoint();
      await checkpoint.save({ data: blob(3 * PART), ttl: 10 });
      await fabric.advance(9_999);
      equal((await checkpoint.load()).found, true);
      await fabric.advance(1);
      equal([(await checkpoint.load()).found, (await checkpoint.list()).keys], [false, []]);
      equal(store.kv.count(`cp\0${OWNER}`), 0);
      await checkpoint.save({ data: bytes("x"), ttl: 1 });
      await checkpoint.save({ data: bytes("y"), ttl: 0 });
      await fabric.advance("1d");
      equal(text((await checkpoint.load()).data), "y");
    },
  },
  {
    // The end of the old one took the parts of the upload that was to replace it.
    name: "checkpoint: one that ends while its successor is uploaded does not harm it",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 6, store });
      const agent = await one(fabric);
      await agent.checkpoint().save({ data: blob(2 * PART), ttl: 10 });
      fabric.faults.delay(agent, 3_000);
      const saving = agent.checkpoint().save({ data: blob(4 * PART, 9), timeout: 60_000 });
      await within(fabric, saving);
      fabric.faults.delay(agent, 0);
      equal(same((await agent.checkpoint().load()).data, blob(4 * PART, 9)), true);
      equal(store.kv.count(`cp\0${OWNER}`), 4);
    },
  },
  {
    name: "checkpoint: one that has ended and was not swept yet leaves no parts when it is saved anew",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 7, store });
      const agent = await one(fabric);
      await crowd(agent, 10_000);
      await agent.checkpoint().save({ data: blob(3 * PART), ttl: 10 });
      await fabric.advance(10_000);
      equal((await agent.checkpoint().load()).found, false);
      await agent.checkpoint().save({ data: bytes("new") });
      await fabric.advance("1s");
      equal([store.kv.count(`cp\0${OWNER}`), text((await agent.checkpoint().load()).data)], [1, "new"]);
    },
  },
  {
    name: "checkpoint: a load during which it is saved anew gives one of the two, whole",
    async run() {
      for (const store of [memoryStore(), lateStore()]) {
        await using fabric = await testFabric({ seed: 8, store });
        const [reader, writer] = await connected(fabric.task(), fabric.task());
        const [old, fresh] = [blob(6 * PART, 1), blob(5 * PART + 7, 2)];
        await writer.checkpoint().save({ data: old });
        fabric.faults.delay(reader, 10);
        const loading = reader.checkpoint().load();
        await fabric.advance(50);
        await writer.checkpoint().save({ data: fresh });
        const { data } = await within(fabric, loading);
        equal(same(data, fresh), true, "the new one");
        const again = reader.checkpoint().load();
        await fabric.advance(50);
        await writer.checkpoint().delete();
        equal((await within(fabric, again)).found, false);
      }
    },
  },
  {
    name: "checkpoint: an upload that is never finished is swept, and the former one stays",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 9, store });
      const agent = await one(fabric);
      await agent.checkpoint().save({ data: bytes("old") });
      fabric.faults.delay(agent, 10);
      const controller = new AbortController();
      const saving = agent.checkpoint().save({ data: blob(8 * PART), signal: controller.signal });
      await fabric.advance(70);
      controller.abort(new Error("enough"));
      equal(String(await saving.catch((error) => error)), "Error: enough");
      fabric.faults.delay(agent, 0);
      await fabric.advance("5m");
      const kept = Number(store.kv.count(`cp\0${OWNER}`));
      equal(kept > 2, true, `${kept} parts are there`);
      await fabric.advance("6m");
      equal([store.kv.count(`cp\0${OWNER}`), store.kv.count(`cu\0${OWNER}`)], [1, 0]);
      equal(text((await agent.checkpoint().load()).data), "old");
    },
  },
  {
    name: "checkpoint: a save goes on over cuts, and fails with a reason when the gateway is killed under it",
    async run() {
      await using fabric = await testFabric({ seed: 10 });
      const agent = await one(fabric);
      fabric.faults.delay(agent, 5);
      const saving = agent.checkpoint().save({ data: blob(4 * PART), timeout: 60_000 });
      for (let n = 0; n < 6; n++) {
        await fabric.advance(9);
        fabric.faults.cut(agent);
      }
      await within(fabric, saving, "1m");
      const killed = agent.checkpoint().save({ data: blob(4 * PART, 2), timeout: 60_000 });
      await fabric.advance(22);
      fabric.faults.killGateway();
      await fabric.faults.restartGateway();
      fabric.faults.delay(agent, 0);
      await fabric.advance("5s");
      equal(await outcome(killed), "ConnectionClosedError");
      equal(same((await agent.checkpoint().load()).data, blob(4 * PART)), true, "the former one");
      fabric.faults.halfOpen(agent);
      const silent = outcome(agent.checkpoint().load({ timeout: 5_000 }));
      await fabric.advance("6s");
      equal(await silent, "TimeoutError");
    },
  },
  {
    name: "checkpoint: parts out of order, of the wrong size or of a finished upload are refused",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 11, store });
      const client = await bare(fabric.gateway);
      const owner = "ag::test::bare::1";
      const full = new Uint8Array(PART);
      const save = (upload: string, part: number, data: Uint8Array, isLast: boolean) =>
        client.call("checkpoint.save", { key: "k", upload: upload.repeat(12), part, data, isLast });
      equal((await save("a", 1, full, false)).error.message.includes("save again"), true);
      equal((await save("a", 0, full.subarray(1), false)).error.code, "INVALID_ARGUMENT");
      equal((await save("a", 32, full, false)).error.code, "INVALID_ARGUMENT");
      equal((await save("a", 0, new Uint8Array(PART + 1), true)).error.code, "INVALID_ARGUMENT");
      equal((await save("a", 0, full, false)).output, {});
      equal((await save("a", 1, bytes("end"), true)).output.size, PART + 3);
      equal((await save("a", 0, full, false)).error.details.argument, "upload");
      await fabric.advance("20m");
      equal(store.kv.count(`cp\0${owner}`), 2);
      const { output } = await client.call("checkpoint.load", { key: "k", part: 1 });
      equal([output.parts, text(output.data)], [2, "end"]);
      equal((await client.call("checkpoint.load", { key: "k", part: 2 })).error.details.argument, "part");
    },
  },
  {
    name: "checkpoint: so many and no more, which is said before anything large is sent",
    async run() {
      const store = memoryStore();
      await using fabric = await testFabric({ seed: 12, store, limits: { kvKeys: 3 } });
      const checkpoint = (await one(fabric)).checkpoint();
      for (const key of ["a", "b", "c"]) await checkpoint.save({ key, data: bytes(key), ttl: 10 });
      const error = await rejects(checkpoint.save({ key: "d", data: blob(8 * PART) }), "QuotaError");
      equal(error.details, { limit: 3, current: 3 });
      equal(store.kv.count(`cp\0${OWNER}`), 3);
      await checkpoint.save({ key: "a", data: bytes("again") });
      await fabric.advance("10s");
      await checkpoint.save({ key: "d", data: bytes("d") });
      equal((await checkpoint.list()).keys, ["a", "d"]);
    },
  },
];
