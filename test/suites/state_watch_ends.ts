import { ConnectionError, KVScope } from "../../mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { KvStore } from "../../src/store/store.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bare, bytes, collect, connected, lateStore, told } from "./state_kit.ts";

/** A method that still belongs to its object. */
function method(of: KvStore, name: string | symbol): unknown {
  const value = of[name as keyof KvStore];
  return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(of) : value;
}

/** How watches end, and what they leave behind. */
export const cases: Case[] = [
  {
    name: "watch: it ends with its signal's reason, whatever that is, or by return, or with its client",
    async run() {
      await using fabric = await testFabric({ seed: 12 });
      const [agent, leaving] = await connected(fabric.agent(), fabric.agent());
      for (const reason of [new Error("enough"), new ConnectionError("looks like a lost wire"), "a text"]) {
        const controller = new AbortController();
        const seen = collect(agent.kv().watch({ key: "a", signal: controller.signal }), told);
        await fabric.advance(10);
        controller.abort(reason);
        await fabric.advance(10);
        equal([seen.isOver, seen.error === reason], [true, true], String(reason));
      }
      const aborted = agent.kv().watch({ key: "a", signal: AbortSignal.abort(new Error("before")) });
      equal(String(await aborted.next().catch((error) => error)), "Error: before");
      equal((await aborted.next()).done, true);
      const returned = agent.kv().watch({ key: "a" });
      const waiting = returned.next();
      await returned.return!();
      equal([(await waiting).done, (await returned.next()).done], [true, true]);
      const waits = collect(leaving.kv().watch({ key: "a" }), told);
      const idle = leaving.kv().watch({ key: "a" });
      await fabric.advance(10);
      await leaving.disconnect();
      await fabric.advance(10);
      equal([waits.isOver, waits.error, (await idle.next()).done], [true, undefined, true]);
    },
  },
  {
    name: "watch: asked for twice at once, it gives two events and none twice",
    async run() {
      await using fabric = await testFabric({ seed: 13 });
      const [agent] = await connected(fabric.agent());
      const watch = agent.kv().watch({ keyPrefix: "" });
      const both = [watch.next(), watch.next(), watch.next()];
      for (const key of ["a", "b", "c"]) await agent.kv().put({ key, value: bytes("v") });
      equal((await Promise.all(both)).map(({ value }) => value.key), ["a", "b", "c"]);
    },
  },
  {
    // A cancelled call stayed open at the gateway: a thousand watches later a client could do nothing any more.
    name: "watch: those that have ended leave nothing behind",
    async run() {
      await using fabric = await testFabric({ seed: 14, limits: { pendingRequests: 3 } });
      const [agent] = await connected(fabric.agent());
      for (let n = 0; n < 10; n++) {
        const controller = new AbortController();
        const seen = collect(agent.kv().watch({ key: "a", signal: controller.signal }), told);
        await fabric.advance(10);
        controller.abort();
        await fabric.advance(10);
        equal(seen.isOver, true);
      }
      // Nor do those that wait for days.
      const seen = collect(agent.kv().watch({ key: "a" }), told);
      await fabric.advance("2d");
      await agent.kv().put({ key: "a", value: bytes("v") });
      await fabric.advance(10);
      equal(seen.items, ["a=v"]);
      const waits = Array.from({ length: 5 }, () => collect(agent.kv().watch({ key: "b" }), told));
      await fabric.advance("1s");
      equal(waits.map(({ error }) => error), [undefined, undefined, undefined, undefined, undefined]);
    },
  },
  {
    // The gateway's answer says when to come again; it was asked again at once, as fast as the wire would go.
    name: "watch: a store that fails for a while is asked again when it says, and nothing is missed",
    async run() {
      const store = memoryStore();
      const { kv } = store;
      const broken = { is: false, asked: 0 };
      const changes: KvStore["changes"] = (...args) => {
        broken.asked++;
        if (broken.is) throw new ConnectionError("the disk is full", { retryAfterMs: 1000 });
        return kv.changes(...args);
      };
      await using fabric = await testFabric({
        seed: 18,
        store: { ...store, kv: new Proxy(kv, { get: (_, name) => name === "changes" ? changes : method(kv, name) }) },
      });
      const [agent] = await connected(fabric.agent());
      broken.is = true;
      const seen = collect(agent.kv().watch({ key: "a" }), told);
      await fabric.advance("10s");
      await agent.kv().put({ key: "a", value: bytes("v") });
      broken.is = false;
      await fabric.advance("2s");
      equal([seen.items, seen.error, broken.asked < 20], [["a=v"], undefined, true], `asked ${broken.asked} times`);
    },
  },
  {
    name: "watch: one of a workspace's keys ends when its client moves away, and hears nothing of it any more",
    async run() {
      await using fabric = await testFabric({ seed: 15 });
      const [writer, mover, user] = await connected(fabric.agent(), fabric.agent(), fabric.user());
      const mine = collect(mover.kv().watch({ keyPrefix: "" }), told);
      const users = collect(user.kv().watch({ keyPrefix: "" }), told);
      const global = collect(mover.kv().watch({ keyPrefix: "", scope: KVScope.Global }), told);
      const own = collect(mover.kv().watch({ keyPrefix: "", scope: KVScope.GlobalExclusive }), told);
      await fabric.advance(10);
      await Promise.all([mover.switchWorkspace("other"), user.switchWorkspace("other")]);
      await fabric.advance(10);
      equal([String(mine.error).slice(0, 21), users.isOver], ["PermissionDeniedError", true]);
      await writer.kv().put({ key: "secret", value: bytes("v") });
      await writer.kv().put({ key: "open", value: bytes("v"), scope: KVScope.Global });
      await mover.kv().put({ key: "own", value: bytes("v"), scope: KVScope.GlobalExclusive });
      await fabric.advance(10);
      equal([mine.items, users.items, global.items, own.items], [[], [], ["open=v"], ["own=v"]]);
    },
  },
  {
    name: "watch: a bare client that names no workspace is stopped at its move as well",
    async run() {
      await using fabric = await testFabric({ seed: 16 });
      const [writer] = await connected(fabric.agent());
      const client = await bare(fabric.gateway);
      const waiting = client.call("kv.changes", { prefix: "" });
      equal((await client.call("workspace.switch", { workspace: "other" })).output.topic, "ag::other::bare::1");
      await writer.kv().put({ key: "secret", value: bytes("v") });
      equal((await waiting).error.code, "PERMISSION_DENIED");
      equal((await client.call("kv.changes", { cursor: "nonsense" })).error.details.argument, "cursor");
    },
  },
  {
    name: "watch: with a store that answers later no change is missed between a look and the wait",
    async run() {
      await using fabric = await testFabric({ seed: 17, store: lateStore() });
      const [writer, reader] = await connected(fabric.agent(), fabric.agent());
      for (let n = 0; n < 30; n++) {
        const watch = reader.kv().watch({ key: `k${n}` });
        const next = watch.next();
        for (let round = 0; round < n; round++) await undefined;
        await writer.kv().put({ key: `k${n}`, value: bytes("v") });
        await fabric.advance(10);
        const event = await Promise.race([
          next,
          new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 100)),
        ]);
        equal(event?.value?.key, `k${n}`);
        await watch.return!();
      }
    },
  },
];
