import { AgentClient, type ConfigSnapshot, UserClient, withAPIKey } from "../../mod.ts";
import { createGateway, tokenAuth } from "../../src/gateway/mod.ts";
import { memoryStore } from "../../src/store/memory.ts";
import { testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes, connected, text } from "./state_kit.ts";

/** Moving from one workspace to another. */
export const cases: Case[] = [
  {
    name: "switch: an agent's identity, topic, keys and lanes move, and it stays one session",
    async run() {
      await using fabric = await testFabric({ seed: 4 });
      const [mover, here, there] = await connected(
        fabric.agent({ specifier: "m" }),
        fabric.agent(),
        fabric.agent({ workspace: "new" }),
      );
      const seen: ConfigSnapshot[] = [];
      mover.onConfig((config) => void seen.push(config));
      const got: string[] = [];
      mover.onMessage((message) => void got.push(message.text()));
      mover.onRequest(() => "answered");
      // Kept for whoever it will be.
      await there.sendToAgent("new", "agent", "m", bytes("waited"));
      await there.kv().put({ key: "k", value: bytes("theirs") });
      const session = mover.sessionId;
      const switching = mover.switchWorkspace("new");
      equal(mover.workspace, "new", "at once");
      const config = await switching;
      equal([config.workspace, text(config.kv.k), mover.topic], ["new", "theirs", "ag::new::agent::m"]);
      await fabric.advance(50);
      equal([seen.at(-1)?.workspace, mover.sessionId], ["new", session]);
      equal(got, ["waited"]);
      equal(text((await mover.kv().get({ key: "k" })).value), "theirs");
      await there.sendToAgent("new", "agent", "m", bytes("direct"));
      await there.broadcastToAgents("new", bytes("all"));
      await here.broadcastToAgents("test", bytes("not for it"));
      await here.sendToAgent("test", "agent", "m", bytes("for the next"));
      await fabric.advance(50);
      equal(got, ["waited", "direct", "all"]);
      equal((await there.request(mover.topic, bytes("?"))).text(), "answered");
      await rejects(here.request("ag::test::agent::m", bytes("?")), "NotFoundError");
      await mover.sendToAgent("new", "agent", there.specifier, bytes("hello"));
      await rejects(mover.sendToAgent("test", "agent", here.specifier, bytes("x")), "PermissionDeniedError");
      const next = fabric.agent({ specifier: "m" });
      equal((await next.messages().next()).value.text(), "for the next");
    },
  },
  {
    name: "switch: to a taken identity it is refused, and everything is as before",
    async run() {
      await using fabric = await testFabric({ seed: 5 });
      const [mover, holder, friend] = await connected(
        fabric.agent({ specifier: "m" }),
        fabric.agent({ specifier: "m", workspace: "taken", reconnectDelay: 60_000, maxReconnectDelay: 60_000 }),
        fabric.agent(),
      );
      const errors: string[] = [];
      mover.onError((error) => void errors.push(error.name));
      const error = await rejects(mover.switchWorkspace("taken"), "DuplicateIdentityError");
      equal(error.identity, "ag::taken::agent::m");
      equal([mover.workspace, mover.topic, errors], ["test", "ag::test::agent::m", ["DuplicateIdentityError"]]);
      const got: string[] = [];
      mover.onMessage((message) => void got.push(message.text()));
      await friend.sendToAgent("test", "agent", "m", bytes("still here"));
      await friend.broadcastToAgents("test", bytes("all"));
      await mover.kv().put({ key: "k", value: bytes("v") });
      await fabric.advance(50);
      equal(got, ["still here", "all"]);
      equal((await holder.kv().list()).keys, []);
      equal(
        fabric.gateway.sessions().map(({ topic }) => topic).sort(),
        [mover, holder, friend].map((one) => one.topic).sort(),
      );
      await rejects(Promise.resolve().then(() => mover.switchWorkspace("")), "InvalidArgumentError");
      await rejects(Promise.resolve().then(() => mover.switchWorkspace("a::b")), "InvalidArgumentError");
      // A holder without a socket has lost its claim, here as at the door.
      fabric.faults.cut(holder);
      await fabric.advance(10);
      await mover.switchWorkspace("taken");
      await fabric.advance("3m");
      equal([mover.topic, holder.state], ["ag::taken::agent::m", "closed"]);
    },
  },
  {
    name: "switch: keys of a gateway decide who may go where, with what they have shown",
    async run() {
      const auth = tokenAuth({ keys: [{ key: "narrow", workspaces: ["one", "two"] }] });
      await using gateway = await createGateway({ store: memoryStore(), auth });
      const base = { dial: gateway.dial(), credentials: withAPIKey("narrow") };
      const agent = new AgentClient({ ...base, workspace: "one", implementation: "a", specifier: "1" });
      const user = new UserClient({ ...base, userId: "ada", windowId: "1" });
      await connected(agent, user);
      for (const client of [agent, user]) {
        await client.switchWorkspace("two");
        equal(client.workspace, "two");
        await rejects(client.switchWorkspace("three"), "PermissionDeniedError");
        equal(client.workspace, "two");
        await client.kv().put({ key: "k", value: bytes("v") });
        await client.disconnect();
      }
    },
  },
  {
    name: "switch: a user enters, changes and goes back, with its windows' lanes and its rights",
    async run() {
      await using fabric = await testFabric({ seed: 7 });
      const [user, agent, other] = await connected(
        fabric.user({ userId: "ada", workspace: undefined }),
        fabric.agent(),
        fabric.agent({ workspace: "other" }),
      );
      const got: string[] = [];
      user.onMessage((message) => void got.push(message.text()));
      await rejects(user.kv().list(), "InvalidArgumentError");
      const speak = async (words: string): Promise<void> => {
        for (const [one, workspace] of [[agent, "test"], [other, "other"]] as const) {
          await one.broadcastToUsers(workspace, bytes(`${words} in ${workspace}`));
          await one.sendToUserWorkspace("ada", workspace, bytes(`${words} to ada in ${workspace}`));
        }
        await fabric.advance(50);
      };
      await speak("first");
      equal(got, []);
      const topic = user.topic;
      equal((await user.switchWorkspace("test")).workspace, "test");
      await speak("second");
      await user.switchWorkspace("other");
      await speak("third");
      await user.switchWorkspace("test");
      await fabric.advance(50);
      equal(got, [
        "second in test",
        "second to ada in test",
        "third in other",
        "third to ada in other",
        // What it has listened to before waits for it.
        "third in test",
        "third to ada in test",
      ]);
      equal([user.topic, user.workspace], [topic, "test"]);
      await user.sendToAgent("test", "agent", agent.specifier, bytes("hello"));
      // A new session comes back where the last one was.
      fabric.faults.killGateway();
      await fabric.faults.restartGateway();
      await fabric.advance("5s");
      equal((await user.kv().list()).success, true);
    },
  },
  {
    name: "switch: a unique task moves like an agent, a pool worker keeps its id",
    async run() {
      await using fabric = await testFabric({ seed: 8 });
      const [task, worker, sender] = await connected(
        fabric.task({ uniqueSpecifier: "u" }),
        fabric.task(),
        fabric.agent({ workspace: "new" }),
      );
      const [got, id] = [[] as string[], worker.assignedId];
      for (const client of [task, worker]) {
        client.onMessage((message) => void got.push(`${client === task ? "task" : "worker"} ${message.text()}`));
        await (client as ReturnType<typeof fabric.task>).switchWorkspace("new");
      }
      equal([task.topic, worker.topic, worker.assignedId], ["tu::new::pool::u", `ta::new::pool::${id}`, id]);
      for (const targetTopic of [task.topic, worker.topic, "tb::new::pool"]) {
        await sender.send({ targetTopic, payload: bytes(targetTopic.slice(0, 2)) });
      }
      await fabric.advance(50);
      equal(got, ["task tu", "worker ta", "worker tb"]);
      fabric.faults.cut(worker);
      await fabric.advance("5s");
      equal([worker.state, worker.assignedId], ["ready", id]);
    },
  },
  {
    name: "switch: a pool worker finishes what it has of the old queue, and gets nothing more of it",
    async run() {
      await using fabric = await testFabric({ seed: 9 });
      const [worker, sender] = await connected(fabric.task(), fabric.agent());
      const finish: (() => void)[] = [];
      const got: string[] = [];
      worker.onMessage((message) => {
        got.push(message.text());
        return new Promise<void>((resolve) => finish.push(resolve));
      });
      for (const n of [1, 2]) await sender.send({ targetTopic: "tb::test::pool", payload: bytes(`job ${n}`) });
      await fabric.advance(50);
      await worker.switchWorkspace("new");
      await fabric.advance("5m");
      const second = fabric.task();
      const done: string[] = [];
      second.onMessage((message) => void done.push(message.text()));
      await fabric.advance(50);
      equal([got, done], [["job 1"], ["job 2"]], "the first is still worked on");
      finish[0]();
      await fabric.advance(50);
      await sender.send({ targetTopic: "tb::test::pool", payload: bytes("job 3") });
      await fabric.advance(50);
      equal([got, done], [["job 1"], ["job 2", "job 3"]]);
    },
  },
  {
    name: "switch: work of the old queue goes to another five seconds after its worker was lost",
    async run() {
      await using fabric = await testFabric({ seed: 10 });
      const [worker, second, sender] = await connected(
        fabric.task({ reconnectDelay: 20_000, maxReconnectDelay: 20_000 }),
        fabric.task({ implementation: "pool" }),
        fabric.agent(),
      );
      const got: string[] = [];
      worker.onMessage(() => new Promise(() => {}));
      await sender.send({ targetTopic: "tb::test::pool", payload: bytes("a") });
      await sender.send({ targetTopic: "tb::test::pool", payload: bytes("b") });
      await fabric.advance(50);
      second.onMessage((message) => void got.push(message.text()));
      await fabric.advance(50);
      equal(got, ["b"]);
      await worker.switchWorkspace("new");
      fabric.faults.cut(worker);
      await fabric.advance("4s");
      equal(got, ["b"]);
      await fabric.advance("2s");
      equal(got, ["b", "a"]);
      // When it is back it is of the other workspace.
      await fabric.advance("1m");
      await sender.send({ targetTopic: "tb::test::pool", payload: bytes("c") });
      await fabric.advance(50);
      equal(got, ["b", "a", "c"]);
    },
  },
  {
    name: "switch: a message that is unhandled at the move reaches one of the two, requests under way are answered",
    async run() {
      await using fabric = await testFabric({ seed: 11 });
      const [mover, friend] = await connected(fabric.agent({ specifier: "m" }), fabric.agent());
      const handled: string[] = [];
      const finish: (() => void)[] = [];
      mover.onMessage((message) =>
        new Promise<void>((resolve) => finish.push(() => (handled.push(message.text()), resolve())))
      );
      const asked = Promise.withResolvers<string>();
      mover.onRequest(() => asked.promise);
      const answerer = Promise.withResolvers<string>();
      friend.onRequest(() => answerer.promise);
      for (const n of [1, 2]) await friend.sendToAgent("test", "agent", "m", bytes(`message ${n}`));
      const toMover = friend.request(mover.topic, bytes("?"));
      const byMover = mover.request(friend.topic, bytes("?"));
      await fabric.advance(50);
      await mover.switchWorkspace("new");
      asked.resolve("from the new place");
      answerer.resolve("from the old place");
      equal([(await toMover).text(), (await byMover).text()], ["from the new place", "from the old place"]);
      finish[0]();
      await fabric.advance(50);
      const next = fabric.agent({ specifier: "m" });
      next.onMessage((message) => void handled.push(message.text()));
      await fabric.advance(50);
      equal(handled, ["message 1", "message 2"], "the second was not handled, so it is the next holder's");
    },
  },
  {
    name: "switch: messages sent while somebody moves back and forth reach it or wait for it, none is lost",
    async run() {
      await using fabric = await testFabric({ seed: 12 });
      const [mover, a, b] = await connected(
        fabric.agent({ specifier: "m", workspace: "a" }),
        fabric.agent({ workspace: "a" }),
        fabric.agent({ workspace: "b" }),
      );
      const got = new Set<string>();
      mover.onMessage((message) => void got.add(message.text()));
      const session = mover.sessionId;
      const sent: string[] = [];
      for (let n = 0; n < 40; n++) {
        for (const [from, workspace] of [[a, "a"], [b, "b"]] as const) {
          from.sendToAgent(workspace, "agent", "m", bytes(`${workspace}${n}`));
          sent.push(`${workspace}${n}`);
        }
        if (n % 3 === 0) mover.switchWorkspace(n % 2 ? "a" : "b");
        if (n % 5 === 0) await fabric.advance(1);
      }
      await mover.switchWorkspace("a");
      await fabric.advance(50);
      await mover.switchWorkspace("b");
      await fabric.advance(50);
      equal(sent.filter((one) => !got.has(one)), []);
      equal([mover.sessionId, mover.workspace, mover.topic], [session, "b", "ag::b::agent::m"]);
    },
  },
];
