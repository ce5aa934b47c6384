import { KVScope } from "../../mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, collect, connected, crowd, lateStore, outcome, text } from "./state_kit.ts";

/** Limits of the key-value store, and what becomes of its operations when something breaks. */
export const cases: Case[] = [
  {
    name: "kv: a full namespace refuses another key with the limit, and what is over takes nobody's place",
    async run() {
      await using fabric = await testFabric({ seed: 17, limits: { kvKeys: 700 } });
      const [agent] = await connected(fabric.agent());
      const kv = agent.kv();
      await crowd(agent, 10_000);
      for (let n = 0; n < 700; n++) await kv.put({ key: `k${n}`, value: bytes("v"), ttl: 10 });
      const error = await rejects(kv.put({ key: "more", value: bytes("v") }), "QuotaError");
      equal(error.details, { limit: 700, current: 700 });
      equal(error.retryable, false);
      for (const refused of [kv.increment({ key: "more" }), kv.setAdd({ key: "more", value: bytes("v") })]) {
        await rejects(refused, "QuotaError");
      }
      await rejects(kv.setIfAbsent({ key: "more", value: bytes("v") }), "QuotaError");
      equal((await kv.get({ key: "more" })).found, false);
      await kv.put({ key: "k0", value: bytes("w"), ttl: 10 });
      await kv.put({ key: "more", value: bytes("v"), scope: KVScope.Global });
      // Not all are swept yet at this moment; none of them counts.
      await fabric.advance(10_000);
      await kv.put({ key: "more", value: bytes("v") });
      equal((await kv.list()).keys, ["more"]);
    },
  },
  {
    name: "kv: keys of 512 bytes and values of 1 MiB are taken, one byte more is refused and harms nothing",
    async run() {
      await using fabric = await testFabric({ seed: 19 });
      const agent = (await connected(fabric.agent()))[0];
      const kv = agent.kv();
      const session = agent.sessionId;
      for (const key of ["k".repeat(512), "ä".repeat(256), "\u{1f600}".repeat(128)]) {
        await kv.put({ key, value: bytes("v") });
        await rejects(kv.put({ key: `${key}x`, value: bytes("v") }), "InvalidArgumentError");
      }
      await rejects(kv.put({ key: "", value: bytes("v") }), "InvalidArgumentError");
      await rejects(kv.put({ key: "half \ud800", value: bytes("v") }), "InvalidArgumentError");
      const mib = new Uint8Array(1024 * 1024).fill(7);
      await kv.put({ key: "large", value: mib });
      equal((await kv.get({ key: "large" })).value?.length, mib.length);
      for (const size of [mib.length + 1, mib.length + 100_000, 2 * mib.length, 5 * mib.length]) {
        await rejects(kv.put({ key: "large", value: new Uint8Array(size) }), "InvalidArgumentError");
      }
      // Two values of the largest size are more than one call may hold: by revision it can be done.
      await rejects(kv.compareAndSet({ key: "large", value: mib, expected: mib }), "InvalidArgumentError");
      const { revision } = await kv.get({ key: "large" });
      equal((await kv.compareAndSet({ key: "large", value: mib, ifRevision: revision })).applied, true);
      equal([agent.state, agent.sessionId], ["ready", session], "the connection is the same");
    },
  },
  {
    name: "kv: an ignored failure reaches onError and is no unhandled rejection; an abort is the caller's own",
    async run() {
      await using fabric = await testFabric({ seed: 20 });
      const agent = (await connected(fabric.agent()))[0];
      const errors: string[] = [];
      agent.onError((error) => void errors.push(error.name));
      agent.kv().put({ key: "k", value: bytes("v"), workspace: "elsewhere" });
      await fabric.advance(10);
      equal(errors, ["PermissionDeniedError"]);
      fabric.faults.halfOpen(agent);
      const controller = new AbortController();
      const reading = agent.kv().get({ key: "k", signal: controller.signal });
      await fabric.advance(10);
      controller.abort(new Error("enough"));
      equal(String(await reading.catch((error) => error)), "Error: enough");
      equal(errors, ["PermissionDeniedError"]);
      await rejects(
        Promise.all([agent.kv().get({ key: "k", timeout: 100 }), fabric.advance(200)]),
        "TimeoutError",
      );
      equal(errors, ["PermissionDeniedError", "TimeoutError"]);
    },
  },
  {
    name: "kv: an operation whose wire is cut is done once, and answered after the wire is whole again",
    async run() {
      await using fabric = await testFabric({ seed: 21 });
      const [agent, other] = await connected(fabric.agent({ reconnectDelay: 100 }), fabric.agent());
      for (const when of ["before", "after"] as const) {
        fabric.faults.delay(agent, 50);
        const counting = agent.kv().increment({ key: "n" });
        await fabric.advance(when === "before" ? 20 : 80);
        fabric.faults.cut(agent);
        fabric.faults.delay(agent, 0);
        await fabric.advance("2s");
        await counting;
      }
      equal((await other.kv().get({ key: "n" })).value?.[0], 50, "2");
    },
  },
  {
    name: "kv: a killed gateway's operations fail with a reason or are done, and are never done twice",
    async run() {
      await using fabric = await testFabric({ seed: 22 });
      const agent = (await connected(fabric.agent({ reconnectDelay: 100, maxReconnectDelay: 100 })))[0];
      let done = 0;
      for (let at = 0; at < 20; at++) {
        fabric.faults.delay(agent, 8);
        const counting = agent.kv().increment({ key: "n", timeout: 60_000 });
        counting.then(() => done++, () => {});
        await fabric.advance(at);
        fabric.faults.killGateway();
        fabric.faults.delay(agent, 0);
        await fabric.faults.restartGateway();
        await fabric.advance("2s");
        const result = await outcome(counting);
        equal(typeof result === "object" || result === "ConnectionClosedError", true, String(result));
      }
      const counted = Number(text((await agent.kv().get({ key: "n" })).value) ?? 0);
      equal(counted >= done && counted <= 20, true, `${done} confirmed, ${counted} counted`);
      equal(done > 0 && done < 20, true, `${done} of 20 were confirmed`);
    },
  },
  {
    // A call that had timed out while there was no connection was sent when there was one, however much later.
    name: "kv: what was given up before it could be sent is not done later",
    async run() {
      await using fabric = await testFabric({ seed: 23 });
      const agent = (await connected(fabric.agent({ reconnectDelay: 100 })))[0];
      fabric.faults.killGateway();
      await fabric.advance(10);
      const late = agent.kv().put({ key: "k", value: bytes("late") });
      const stays = agent.kv().put({ key: "kept", value: bytes("v"), timeout: 60_000 });
      await fabric.advance("6s");
      equal(await outcome(late), "TimeoutError");
      await fabric.faults.restartGateway();
      await fabric.advance("40s");
      await stays;
      equal((await agent.kv().list()).keys, ["kept"]);
    },
  },
  {
    name: "kv: what a failing store could not keep is answered by nobody, and the next try is",
    async run() {
      const store = memoryStore();
      const fault = { on: false };
      await using fabric = await testFabric({
        seed: 24,
        store: {
          log: store.log,
          dedupe: store.dedupe,
          kv: store.kv,
          tasks: store.tasks,
          isVolatile: true,
          flush: () => (fault.on ? Promise.reject(new Error("disk full")) : undefined),
          fault: () => undefined,
          [Symbol.asyncDispose]: () => Promise.resolve(),
        },
      });
      const agent = (await connected(fabric.agent({ reconnectDelay: 100 })))[0];
      const watched = collect(agent.kv().watch({ key: "k" }), ({ value }) => text(value));
      await fabric.advance(10);
      fault.on = true;
      const lost = agent.kv().put({ key: "k", value: bytes("v") });
      await fabric.advance(50);
      fault.on = false;
      await fabric.advance("5s");
      equal(await outcome(lost), "ConnectionClosedError");
      equal(agent.state, "ready");
      await agent.kv().put({ key: "k", value: bytes("w") });
      await fabric.advance(10);
      equal(watched.items.at(-1), "w");
      equal(watched.error, undefined);
    },
  },
  {
    name: "kv: with a store that answers later every operation is still one step",
    async run() {
      await using fabric = await testFabric({ seed: 25, store: lateStore() });
      const agents = await connected(...Array.from({ length: 4 }, () => fabric.agent()));
      const kv = agents[0].kv();
      const watched = collect(agents[1].kv().watch({ keyPrefix: "" }), ({ key, value }) => `${key} ${text(value)}`);
      const all = agents.map((agent) => agent.kv());
      const counted = await Promise.all(
        all.flatMap((one) => [one.increment({ key: "n" }), one.increment({ key: "n" })]),
      );
      equal(counted.map(({ counterValue }) => Number(counterValue)).sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8]);
      const added = await Promise.all(
        all.flatMap((one) => ["a", "b", "a"].map((member) => one.setAdd({ key: "s", value: bytes(member) }))),
      );
      equal(added.filter(({ applied }) => applied).length, 2);
      equal((await kv.setCard({ key: "s" })).counterValue, 2);
      const won = await Promise.all(all.map((one) => one.setIfAbsent({ key: "w", value: bytes("x") })));
      equal(won.filter(({ applied }) => applied).length, 1);
      // A set is removed while members are added to it: what is there afterwards is counted right.
      await Promise.all([
        kv.delete({ key: "s" }),
        ...all.map((one, at) => one.setAdd({ key: "s", value: bytes(`${at}`) })),
      ]);
      const { counterValue } = await kv.setCard({ key: "s" });
      const again = await Promise.all(all.map((one, at) => one.setAdd({ key: "s", value: bytes(`${at}`) })));
      equal(Number(counterValue) + again.filter(({ applied }) => applied).length, 4);
      await fabric.advance(100);
      equal(watched.items.filter((item) => item.startsWith("n")).at(-1), "n 8");
    },
  },
];
