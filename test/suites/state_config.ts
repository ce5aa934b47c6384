import { type AetherClient, KVScope } from "../../mod.ts";
import type { ConfigSnapshot } from "../../src/protocol/config.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal } from "./assert.ts";
import { bytes, connected, text } from "./state_kit.ts";

const told = (map: Record<string, Uint8Array>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, text(value)]));

function configs(client: AetherClient): ConfigSnapshot[] {
  const seen: ConfigSnapshot[] = [];
  client.onConfig((config) => void seen.push(config));
  return seen;
}

/** What a principal is told when it arrives. */
export const cases: Case[] = [
  {
    name: "config: who connects is told the four maps it may see, as they are",
    async run() {
      await using fabric = await testFabric({ seed: 1 });
      const [writer, service] = await connected(fabric.agent({ specifier: "w" }), fabric.service());
      const { Workspace, Global, WorkspaceExclusive, GlobalExclusive } = KVScope;
      for (const scope of [Workspace, Global, WorkspaceExclusive, GlobalExclusive]) {
        await writer.kv().put({ key: "k", value: bytes(`scope ${scope}`), scope });
        await writer.kv().put({ key: "gone", value: bytes("x"), scope, ttl: 1 });
      }
      await service.kv().put({ key: "else", value: bytes("x"), workspace: "other" });
      await writer.kv().put({ key: "__proto__", value: bytes("odd") });
      await writer.kv().increment({ key: "n" });
      await writer.disconnect();
      await fabric.advance("1s");
      const again = fabric.agent({ specifier: "w" });
      const [own, other] = [configs(again), configs(fabric.agent({ specifier: "o" }))];
      const user = configs(fabric.user());
      const lone = configs(fabric.user({ workspace: undefined }));
      const served = configs(service);
      await fabric.advance(10);
      const [config] = own;
      equal(Object.keys(told(config.kv)).sort(), ["__proto__", "k", "n"]);
      equal(text(config.kv["n"]), "1");
      equal(text(Object.getOwnPropertyDescriptor(config.kv, "__proto__")?.value), "odd");
      equal([told(config.globalKv), told(config.workspaceExclusiveKv), told(config.globalExclusiveKv)], [
        { k: "scope 1" },
        { k: "scope 6" },
        { k: "scope 5" },
      ]);
      equal([config.workspace, config.omitted, config.incomplete], ["test", undefined, undefined]);
      equal([told(other[0].globalKv), told(other[0].globalExclusiveKv)], [{ k: "scope 1" }, {}]);
      equal([text(user[0].kv.k), lone.length, served.length], ["scope 2", 0, 0]);
    },
  },
  {
    name: "config: a resumed session is not told again, a new one is",
    async run() {
      await using fabric = await testFabric({ seed: 2 });
      const agent = fabric.agent({ reconnectDelay: 100 });
      const seen = configs(agent);
      await connected(agent);
      await fabric.advance(10);
      fabric.faults.cut(agent);
      await fabric.advance("1s");
      equal([agent.state, seen.length], ["ready", 1]);
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal(seen.length, 2);
    },
  },
  {
    name: "config: what does not fit is named without its value; what cannot be named is said to be there",
    async run() {
      await using fabric = await testFabric({ seed: 3 });
      const [writer] = await connected(fabric.agent());
      const large = new Uint8Array(100 * 1024);
      for (const key of ["a", "b", "c", "d"]) await writer.kv().put({ key, value: large });
      await writer.kv().put({ key: "small", value: bytes("v") });
      let seen = configs(fabric.agent({ specifier: "1" }));
      await fabric.advance(10);
      equal(Object.keys(seen[0].kv), ["a", "b", "small"]);
      equal([seen[0].omitted, seen[0].incomplete], [{ kv: ["c", "d"] }, undefined]);
      for (let n = 0; n < 1500; n++) {
        await writer.kv().put({ key: `${String(n).padStart(4, "0")} ${"n".repeat(400)}`, value: bytes("v") });
      }
      seen = configs(fabric.agent({ specifier: "2" }));
      await fabric.advance(10);
      equal(seen[0].incomplete, ["kv"]);
      const named = Object.keys(seen[0].kv).length + seen[0].omitted!.kv!.length;
      equal(named > 1200, true, `${named} keys are named`);
      equal(seen[0].globalKv, {});
    },
  },
];
