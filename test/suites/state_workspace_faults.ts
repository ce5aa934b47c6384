import { encodeStructured } from "../../src/protocol/structured.ts";
import { FrameKind } from "../../src/protocol/frames.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { type FabricOptions, testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bare, bytes, connected, lateStore, outcome, text } from "./state_kit.ts";

/** Decides what a test says it should. */
function switchable(): { deny: Set<string>; wait?: Promise<void>; auth: FabricOptions } {
  const rule: { deny: Set<string>; wait?: Promise<void>; auth: FabricOptions } = {
    deny: new Set(),
    auth: {},
  };
  rule.auth = {
    auth: {
      loopbackOnly: true,
      async authenticate({ identity, workspace }) {
        await rule.wait;
        const wanted = "workspace" in identity ? identity.workspace : workspace;
        return rule.deny.has(wanted ?? "")
          ? { allowed: false, code: "PERMISSION_DENIED", reason: "no" }
          : { allowed: true };
      },
    },
  };
  return rule;
}

/** Moves that are refused, late, broken off, or many at once. */
export const cases: Case[] = [
  {
    name: "switch: of several at once the last counts, and one that fails leaves what the gateway has",
    async run() {
      const rule = switchable();
      await using fabric = await testFabric({ seed: 13, ...rule.auth });
      const [agent] = await connected(fabric.agent({ specifier: "m" }));
      rule.deny.add("no").add("never");
      const results = ["b", "no", "c", "never"].map((workspace) => outcome(agent.switchWorkspace(workspace)));
      equal(agent.workspace, "never");
      const names = (await Promise.all(results)).map((one) => (typeof one === "string" ? one : one.workspace));
      equal(names, ["b", "PermissionDeniedError", "c", "PermissionDeniedError"]);
      equal([agent.workspace, agent.topic], ["c", "ag::c::agent::m"]);
      await Promise.all([agent.switchWorkspace("no").catch(() => {}), agent.switchWorkspace("never").catch(() => {})]);
      equal(agent.workspace, "c");
      await Promise.all([agent.switchWorkspace("no").catch(() => {}), agent.switchWorkspace("c")]);
      equal(agent.workspace, "c");
    },
  },
  {
    name: "switch: what is asked for behind it is judged after it, however long it takes",
    async run() {
      const rule = switchable();
      await using fabric = await testFabric({ seed: 14, ...rule.auth });
      const [agent, there] = await connected(fabric.agent({ specifier: "m" }), fabric.agent({ workspace: "new" }));
      const gate = Promise.withResolvers<void>();
      rule.wait = gate.promise;
      const moved = agent.switchWorkspace("new");
      const put = agent.kv().put({ key: "k", value: bytes("v"), timeout: 60_000 });
      const sent = agent.sendToAgent("new", "agent", there.specifier, bytes("x"));
      const refused = outcome(agent.sendToAgent("test", "agent", "m2", bytes("x")));
      await fabric.advance("20s");
      equal([agent.state, (await there.kv().list()).keys], ["ready", []]);
      gate.resolve();
      rule.wait = undefined;
      await Promise.all([moved, put, sent]);
      equal([(await there.kv().list()).keys, await refused], [["k"], "PermissionDeniedError"]);
      // Where the switch is refused, nothing that was meant for there lands here.
      rule.deny.add("no");
      const no = outcome(agent.switchWorkspace("no"));
      const lost = outcome(agent.kv().put({ key: "meant for no", value: bytes("v") }));
      equal([await no, await lost], ["PermissionDeniedError", "PermissionDeniedError"]);
      equal((await agent.kv().list()).keys, ["k"]);
    },
  },
  {
    name: "switch: cuts and silence on the way are survived, the answer comes with the resumed session",
    async run() {
      for (const fault of ["cut", "halfOpen", "drop"] as const) {
        for (const at of [5, 15, 25]) {
          await using fabric = await testFabric({ seed: 15 });
          const [agent] = await connected(fabric.agent({ specifier: "m", reconnectDelay: 100 }));
          fabric.faults.delay(agent, 10);
          const switching = agent.switchWorkspace("new");
          await fabric.advance(at);
          fault === "drop" ? fabric.faults.drop(agent, 1) : fabric.faults[fault](agent);
          fabric.faults.delay(agent, 0);
          await fabric.advance("2m");
          equal([(await switching).workspace, agent.workspace, agent.topic], ["new", "new", "ag::new::agent::m"]);
          equal(fabric.gateway.sessions().map(({ topic }) => topic), ["ag::new::agent::m"]);
        }
      }
    },
  },
  {
    name: "switch: with the gateway killed under it, it fails or is done, and both ends agree",
    async run() {
      for (let at = 0; at < 30; at += 3) {
        await using fabric = await testFabric({ seed: 16 });
        const [agent] = await connected(fabric.agent({ specifier: "m", reconnectDelay: 100 }));
        fabric.faults.delay(agent, 10);
        const switching = outcome(agent.switchWorkspace("new"));
        await fabric.advance(at);
        fabric.faults.killGateway();
        fabric.faults.delay(agent, 0);
        await fabric.faults.restartGateway();
        await fabric.advance("5s");
        const result = await switching;
        const workspace = typeof result === "string" ? "test" : "new";
        equal(typeof result === "object" || result === "ConnectionClosedError", true, String(result));
        equal([agent.workspace, agent.topic], [workspace, `ag::${workspace}::agent::m`]);
        await agent.kv().put({ key: "k", value: bytes("v") });
        equal(fabric.gateway.sessions().map(({ topic }) => topic), [agent.topic]);
      }
    },
  },
  {
    name: "switch: asked for without a connection it waits for one, however long, or for the end of the client",
    async run() {
      await using fabric = await testFabric({ seed: 17 });
      const [agent, other] = await connected(
        fabric.agent({ specifier: "m", reconnectDelay: 100, maxReconnectDelay: 1000 }),
        fabric.agent({ reconnectDelay: 100, maxReconnectDelay: 1000 }),
      );
      fabric.faults.killGateway();
      await fabric.advance(10);
      const switching = agent.switchWorkspace("new");
      const given = outcome(other.switchWorkspace("new"));
      await fabric.advance("10m");
      equal([agent.workspace, agent.topic], ["new", "ag::test::agent::m"]);
      await other.disconnect();
      equal([await given, other.workspace], ["ConnectionClosedError", "test"]);
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal([(await switching).workspace, agent.topic], ["new", "ag::new::agent::m"]);
    },
  },
  {
    // The move went on without its session: the new topic stayed taken, and requests to it were never answered.
    name: "switch: a session that ends while it moves leaves nothing behind in either place",
    async run() {
      for (const end of ["at the door", "in the lanes"] as const) {
        const store = lateLog();
        const rule = switchable();
        await using fabric = await testFabric({ seed: 18, ...rule.auth, store: store.store });
        const [agent, there] = await connected(fabric.agent({ specifier: "m" }), fabric.agent({ workspace: "new" }));
        const gate = Promise.withResolvers<void>();
        if (end === "at the door") rule.wait = gate.promise;
        else store.wait = gate.promise;
        const switching = outcome(agent.switchWorkspace("new"));
        await fabric.advance(10);
        fabric.gateway.disconnect(agent.sessionId);
        await fabric.advance(10);
        gate.resolve();
        rule.wait = store.wait = undefined;
        await fabric.advance(10);
        equal(typeof await switching, "string");
        equal(fabric.gateway.sessions().map(({ topic }) => topic), [there.topic]);
        equal(await outcome(there.request("ag::new::agent::m", bytes("?"), { timeout: 1000 })), "NotFoundError");
        await connected(fabric.agent({ specifier: "m", workspace: "new" }), fabric.agent({ specifier: "m" }));
      }
    },
  },
  {
    name: "switch: with a store that answers later it is the same",
    async run() {
      await using fabric = await testFabric({ seed: 19, store: lateStore() });
      const [agent, there] = await connected(fabric.agent({ specifier: "m" }), fabric.agent({ workspace: "new" }));
      await there.kv().put({ key: "k", value: bytes("v") });
      const config = await agent.switchWorkspace("new");
      equal([text(config.kv.k), agent.topic], ["v", "ag::new::agent::m"]);
      equal((await agent.switchWorkspace("new")).workspace, "new", "to where it is");
    },
  },
  {
    name: "switch: a bare client may ask for many at once and has one identity at the end",
    async run() {
      await using fabric = await testFabric({ seed: 20 });
      const client = await bare(fabric.gateway);
      const switches: Promise<unknown>[] = [];
      client.frames((writer) => {
        for (const [at, workspace] of ["b", "c", "test", "d"].entries()) {
          writer.structured(FrameKind.Call, encodeStructured({ op: "workspace.switch", in: { workspace } }), 100 + at);
        }
      });
      switches.push(client.call("workspace.switch", { workspace: "e" }));
      await Promise.all(switches);
      equal(fabric.gateway.sessions().map(({ topic }) => topic), ["ag::e::bare::1"]);
      for (const workspace of ["test", "b", "c", "d"]) {
        await connected(fabric.agent({ workspace, implementation: "bare", specifier: "1" }));
      }
      equal((await client.call("workspace.switch", { workspace: "b" })).error.code, "ALREADY_EXISTS");
      const service = await bare(fabric.gateway, { type: "service", implementation: "s", specifier: "1" });
      equal((await service.call("workspace.switch", { workspace: "b" })).error.code, "PERMISSION_DENIED");
    },
  },
];

/** A store whose lanes can be made to answer later. */
function lateLog(): { store: ReturnType<typeof memoryStore>; wait?: Promise<void> } {
  const inner = memoryStore();
  const { log } = inner;
  const held: { store: ReturnType<typeof memoryStore>; wait?: Promise<void> } = {
    store: {
      ...inner,
      log: {
        append: (...args) => log.append(...args),
        read: (...args) => log.read(...args),
        extent: (lane) => log.extent(lane),
        cursor: (
          lane,
          consumer,
        ) => (held.wait ? held.wait.then(() => log.cursor(lane, consumer)) : log.cursor(lane, consumer)),
        commit: (...args) => log.commit(...args),
        lowestCursor: (lane) => log.lowestCursor(lane),
        trim: (...args) => log.trim(...args),
        remove: (...args) => log.remove(...args),
        expire: (...args) => log.expire(...args),
      },
    },
  };
  return held;
}
