import { type AetherClient, KVScope } from "../../mod.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, outcome, text } from "./state_kit.ts";

const { Global, Workspace, User, UserWorkspace, GlobalExclusive, WorkspaceExclusive, UserShared, UserWorkspaceShared } =
  KVScope;

/** Who finds what agent `a1` of workspace "test" has written for user "ada"; `-` may not even ask. */
const SHARING: [scope: KVScope, found: string, denied: string][] = [
  [Global, "a1 a2 b1 ada1 ada2 bob pool1 pool2 service", ""],
  [Workspace, "a1 a2 ada1 ada2 bob pool1 pool2 service", "b1"],
  [User, "a1 b1", "bob"],
  [UserWorkspace, "a1", "b1 bob"],
  [GlobalExclusive, "a1 b1", ""],
  [WorkspaceExclusive, "a1", "b1"],
  [UserShared, "a1 a2 b1 ada1 ada2 pool1 pool2 service", "bob"],
  [UserWorkspaceShared, "a1 a2 ada1 ada2 pool1 pool2 service", "b1 bob"],
];

/** The fourteen operations of the key-value store in its eight scopes. */
export const cases: Case[] = [
  {
    name: "kv: each of the eight scopes is shared with those it is for, and with nobody else",
    async run() {
      await using fabric = await testFabric({ seed: 1 });
      const people: Record<string, AetherClient> = {
        a1: fabric.agent({ implementation: "x", specifier: "1" }),
        a2: fabric.agent({ implementation: "x", specifier: "2" }),
        b1: fabric.agent({ implementation: "x", specifier: "1", workspace: "other" }),
        ada1: fabric.user({ userId: "ada", windowId: "1" }),
        ada2: fabric.user({ userId: "ada", windowId: "2" }),
        bob: fabric.user({ userId: "bob" }),
        pool1: fabric.task(),
        pool2: fabric.task(),
        service: fabric.service(),
      };
      await connected(...Object.values(people));
      for (const [scope, found, denied] of SHARING) {
        const place = { scope, userId: "ada", workspace: "test", key: `scope ${scope}` };
        await people.a1.kv().put({ ...place, value: bytes("here") });
        const seen: string[] = [];
        const refused: string[] = [];
        for (const [name, client] of Object.entries(people)) {
          const got = await outcome(client.kv().get(place));
          if (got === "PermissionDeniedError") refused.push(name);
          else if (typeof got === "object" && got.found && text(got.value) === "here") seen.push(name);
        }
        equal(seen.join(" "), found, `scope ${scope} is found by`);
        equal(refused.join(" "), denied, `scope ${scope} is refused to`);
      }
    },
  },
  {
    name: "kv: a pool's workers share what is exclusive to the pool, a user's windows what is exclusive to the user",
    async run() {
      await using fabric = await testFabric({ seed: 2 });
      const [w1, w2, other] = [fabric.task(), fabric.task(), fabric.task({ implementation: "pool2" })];
      const [tab1, tab2] = [
        fabric.user({ userId: "ada", windowId: "1" }),
        fabric.user({ userId: "ada", windowId: "2" }),
      ];
      await connected(w1, w2, other, tab1, tab2);
      for (const scope of [GlobalExclusive, WorkspaceExclusive]) {
        await w1.kv().put({ key: "k", value: bytes("pool"), scope });
        await tab1.kv().put({ key: "k", value: bytes("user"), scope });
        equal(text((await w2.kv().get({ key: "k", scope })).value), "pool");
        equal((await other.kv().get({ key: "k", scope })).found, false);
        equal(text((await tab2.kv().get({ key: "k", scope })).value), "user");
      }
    },
  },
  {
    name: "kv: places whose names run into each other are different places",
    async run() {
      await using fabric = await testFabric({ seed: 3 });
      const names = [["x", "y:z"], ["x:y", "z"], ["x|y", "z"], ["x", "y|z"], ["x_y", "z"], ["x", "y_z"], ["x.y", "z"]];
      const agents = names.map(([implementation, specifier]) => fabric.agent({ implementation, specifier }));
      const unique = fabric.task({ implementation: "x", uniqueSpecifier: "y:z" });
      const service = fabric.service({ implementation: "x", specifier: "y:z" });
      const bridge = fabric.bridge({ implementation: "x", specifier: "y:z" });
      const all = await connected(...agents, unique, service, bridge);
      for (const [at, one] of all.entries()) {
        const place = { key: "k", scope: GlobalExclusive };
        equal((await one.kv().get(place)).found, false, `${one.topic} before`);
        await one.kv().put({ ...place, value: bytes(String(at)) });
      }
      const users = [["a", "b:c"], ["a:b", "c"], ["a|b", "c"], ["us", "a"], ["a", "us"]];
      for (const [userId, workspace] of users) {
        for (const scope of [UserWorkspaceShared, UserWorkspace]) {
          const place = { key: "k", scope, userId, workspace };
          equal(
            (await service.kv().setIfAbsent({ ...place, value: bytes("x") })).applied,
            true,
            `${userId} ${workspace}`,
          );
        }
      }
      // Keys of any characters are as different as they look.
      const keys = ["a", "a:", "a:b", "a\0b", "a\n", "A", "ä", "a\u0308", "\ue000", "\u{1f600}", "__proto__", "1:a:"];
      for (const key of keys) equal((await agents[0].kv().increment({ key })).counterValue, 1, JSON.stringify(key));
      equal((await agents[0].kv().list({ limit: 100 })).keys.length, keys.length);
    },
  },
  {
    name: "kv: services name the workspace they mean; without one they are told",
    async run() {
      await using fabric = await testFabric({ seed: 4 });
      const [service, lone] = await connected(fabric.service(), fabric.user({ workspace: undefined }));
      const error = await rejects(service.kv().get({ key: "k" }), "InvalidArgumentError");
      equal(error.argument, "workspace");
      await service.kv().put({ key: "k", value: bytes("v"), workspace: "anywhere" });
      equal((await service.kv().get({ key: "k", workspace: "anywhere" })).found, true);
      equal((await rejects(service.kv().get({ key: "k", scope: User }), "InvalidArgumentError")).argument, "userId");
      await rejects(lone.kv().get({ key: "k" }), "InvalidArgumentError");
      await rejects(lone.kv().get({ key: "k", workspace: "test" }), "PermissionDeniedError");
      await lone.kv().put({ key: "k", value: bytes("own"), scope: UserShared });
      equal((await lone.kv().get({ key: "k", scope: UserShared })).found, true);
    },
  },
  {
    name: "kv: get, put and delete say what is there, and revisions only grow",
    async run() {
      await using fabric = await testFabric({ seed: 5 });
      const kv = (await connected(fabric.agent()))[0].kv();
      equal((await kv.get({ key: "k" })).found, false);
      equal((await kv.get({ key: "k" })).revision, 0);
      const first = await kv.put({ key: "k", value: new Uint8Array(0) });
      const empty = await kv.get({ key: "k" });
      equal([empty.found, empty.value?.length, empty.revision], [true, 0, first.revision]);
      const second = await kv.put({ key: "k", value: bytes("v") });
      equal(second.revision > first.revision, true);
      const gone = await kv.delete({ key: "k" });
      equal([gone.found, gone.revision > second.revision], [true, true]);
      equal((await kv.delete({ key: "k" })).found, false);
      await kv.putGlobal("g", bytes("1"), 10);
      equal([text((await kv.getGlobal("g")).value), (await kv.listGlobal()).keys], ["1", ["g"]]);
      await fabric.advance("10s");
      equal((await kv.deleteGlobal("g")).found, false);
    },
  },
  {
    name: "kv: conditional writes compare by value or by revision, and answer with what is there instead",
    async run() {
      await using fabric = await testFabric({ seed: 6 });
      const kv = (await connected(fabric.agent()))[0].kv();
      const key = "k";
      equal((await kv.compareAndSet({ key, value: bytes("1"), expected: bytes("0") })).found, false);
      const made = await kv.compareAndSet({ key, value: bytes("1"), ifRevision: 0 });
      equal(made.applied, true);
      const lost = await kv.setIfAbsent({ key, value: bytes("2") });
      equal([lost.applied, text(lost.value), lost.revision], [false, "1", made.revision]);
      const wrong = await kv.compareAndSet({ key, value: bytes("2"), expected: bytes("x") });
      equal([wrong.applied, text(wrong.value)], [false, "1"]);
      const next = await kv.compareAndSet({ key, value: bytes("2"), expected: bytes("1") });
      equal([next.applied, next.revision > made.revision], [true, true]);
      equal((await kv.compareAndSet({ key, value: bytes("3"), ifRevision: made.revision })).applied, false);
      equal((await kv.compareAndDelete({ key, ifRevision: made.revision })).applied, false);
      equal((await kv.compareAndDelete({ key, expected: bytes("1") })).applied, false);
      equal((await kv.compareAndDelete({ key, ifRevision: next.revision })).applied, true);
      equal((await kv.compareAndDelete({ key, ifRevision: 0 })).applied, false);
      equal((await kv.get({ key })).found, false);
      await rejects(kv.compareAndSet({ key, value: bytes("1") }), "InvalidArgumentError");
      await rejects(kv.compareAndDelete({ key, expected: bytes("1"), ifRevision: 1 }), "InvalidArgumentError");
    },
  },
  {
    name: "kv: of many who set a key at once one wins, and of many who compare and set none is lost",
    async run() {
      await using fabric = await testFabric({ seed: 7 });
      const agents = await connected(...Array.from({ length: 5 }, () => fabric.agent()));
      const won = await Promise.all(
        agents.map((agent, at) => agent.kv().setIfAbsent({ key: "one", value: bytes(String(at)) })),
      );
      equal(won.filter(({ applied }) => applied).length, 1);
      const add = async (agent: AetherClient): Promise<void> => {
        for (let tries = 0; tries < 200; tries++) {
          const now = await agent.kv().get({ key: "sum" });
          const value = bytes(String(Number(text(now.value) ?? 0) + 1));
          if ((await agent.kv().compareAndSet({ key: "sum", value, ifRevision: now.revision })).applied) return;
        }
        throw new Error("never won");
      };
      await Promise.all(agents.flatMap((agent) => [add(agent), add(agent), add(agent)]));
      equal(text((await agents[0].kv().get({ key: "sum" })).value), "15");
    },
  },
  {
    name: "kv: lists come in the order of code points, a page at a time, or entry by entry",
    async run() {
      await using fabric = await testFabric({ seed: 16 });
      const kv = (await connected(fabric.agent()))[0].kv();
      const keys = ["b/1", "b/10", "b/2", "b/\ue000", "b/\u{10000}"];
      for (const key of [...keys, "a", "c"].reverse()) await kv.put({ key, value: bytes(key) });
      const page = await kv.list({ keyPrefix: "b/", limit: 2 });
      equal([page.keys, page.hasMore, page.found], [["b/1", "b/10"], true, true]);
      equal(text(page.kvMap["b/10"]), "b/10");
      const rest = await kv.list({ keyPrefix: "b/", limit: 3, cursor: page.nextCursor });
      equal([rest.keys, rest.hasMore, rest.nextCursor], [keys.slice(2), false, undefined]);
      const all: string[] = [];
      for await (const { key, revision } of kv.list({ key: "b/", limit: 2 })) all.push(revision > 0 ? key : "");
      equal(all, keys);
      equal((await kv.list({ keyPrefix: "nothing" })).found, false);
      equal((await kv.list()).keys, ["a", ...keys, "c"]);
      // Large values make pages shorter than they were asked for, never empty.
      for (let n = 0; n < 5; n++) await kv.put({ key: `large${n}`, value: new Uint8Array(300_000) });
      const large = await kv.list({ keyPrefix: "large" });
      equal([large.keys, large.hasMore], [["large0"], true]);
      let count = 0;
      for await (const { value } of kv.list({ keyPrefix: "large" })) count += value.length;
      equal(count, 1_500_000);
      for (let n = 0; n < 300; n++) await kv.put({ key: `many${String(n).padStart(3, "0")}`, value: bytes("v") });
      equal((await kv.list({ keyPrefix: "many", limit: 1000 })).keys.length, 300);
      equal((await kv.list({ keyPrefix: "many", limit: 64 })).nextCursor, "many063");
    },
  },
];
