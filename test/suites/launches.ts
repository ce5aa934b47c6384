import { BaseOrchestrator, type BaseOrchestratorOptions } from "../../src/client/base_orchestrator.ts";
import { AdminClient } from "../../src/client/admin.ts";
import { AgentClient } from "../../src/client/agent.ts";
import { withTaskToken } from "../../src/client/credentials.ts";
import { sessionOf } from "../../src/client/aether_client.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import type { AgentRegistration } from "../../src/protocol/agents.ts";
import type { TaskAssignment } from "../../src/protocol/task_assignment.ts";
import { tokenAuth } from "../../src/gateway/auth.ts";
import { type TestFabric, testFabric } from "../../src/testing/mod.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An orchestrator whose launches are given as a function. */
class Launcher extends BaseOrchestrator {
  readonly seen: TaskAssignment[] = [];
  readonly #launch: (assignment: TaskAssignment) => unknown;

  constructor(options: Partial<BaseOrchestratorOptions>, launch: (assignment: TaskAssignment) => unknown) {
    super({ implementation: "launcher", supportedProfiles: ["shell"], ...options });
    this.#launch = launch;
  }

  override async launchTask(assignment: TaskAssignment): Promise<void> {
    this.seen.push(assignment);
    await this.#launch(assignment);
  }
}

/** How a client of the fabric would connect, for those that the fabric does not make. */
function base(fabric: TestFabric): { dial: ReturnType<TestFabric["gateway"]["dial"]>; clock: TestFabric["clock"] } {
  return { dial: fabric.gateway.dial(), clock: fabric.clock };
}

async function register(client: AetherClient, agent: AgentRegistration): Promise<void> {
  await sessionOf(client).call("agent.register", agent);
}

const SHELL: AgentRegistration = { implementation: "sleeper", profile: "shell", launchParams: { image: "sleeper:1" } };

/** Principals that are needed and away. */
export const cases: Case[] = [
  {
    name: "a message to an absent agent launches it once, and it gets the messages that woke it",
    async run() {
      await using fabric = await testFabric({ seed: 11 });
      const sender = fabric.agent();
      await sender.connect();
      await register(sender, SHELL);
      const got: string[] = [];
      let woken: AgentClient | undefined;
      await using launcher = new Launcher(
        base(fabric),
        ({ workspace, targetImplementation, specifier, launchParams }) => {
          woken = new AgentClient({
            ...base(fabric),
            workspace,
            implementation: targetImplementation,
            specifier: specifier!,
            credentials: withTaskToken(launchParams.auth_token),
          });
          woken.onMessage((message) => void got.push(message.text()));
          return woken.connect();
        },
      );
      await launcher.connect();
      for (const text of ["one", "two", "three"]) sender.sendToAgent("test", "sleeper", "1", bytes(text));
      await fabric.advance("1s");
      equal(got, ["one", "two", "three"]);
      equal(launcher.seen.length, 1, "launches");
      equal(launcher.seen[0].launchParams.image, "sleeper:1");
      equal(launcher.seen[0].profile, "shell");
      await woken?.disconnect();
      await fabric.advance("2m");
      equal(launcher.seen.length, 1, "launches after it had been here");
    },
  },
  {
    name: "a launched agent is let in by its token where a key is asked for, and nobody else is",
    async run() {
      await using fabric = await testFabric({ seed: 12, auth: tokenAuth({ bootstrapKey: "key" }) });
      const credentials = { "x-api-key": "key" };
      const sender = fabric.agent({ credentials });
      await sender.connect();
      await register(sender, SHELL);
      let token = "";
      await using launcher = new Launcher({ ...base(fabric), credentials }, ({ launchParams }) => {
        token = launchParams.auth_token;
      });
      await launcher.connect();
      sender.sendToAgent("test", "sleeper", "1", bytes("wake up"));
      await fabric.advance("1s");
      const identity = { workspace: "test", implementation: "sleeper", specifier: "1" };
      const thief = new AgentClient({
        ...base(fabric),
        ...identity,
        specifier: "2",
        credentials: withTaskToken(token),
      });
      await rejects(thief.connect(), "AuthenticationError");
      const woken = new AgentClient({ ...base(fabric), ...identity, credentials: withTaskToken(token) });
      await woken.connect();
      equal((await woken.messages().next()).value.text(), "wake up");
      await woken.disconnect();
    },
  },
  {
    name: "a launch that is rejected is tried again, and its dead end reaches who sent",
    async run() {
      await using fabric = await testFabric({ seed: 13 });
      const sender = fabric.agent();
      await sender.connect();
      await register(sender, SHELL);
      const errors: Error[] = [];
      sender.onError((error) => void errors.push(error));
      await using launcher = new Launcher(base(fabric), () => {
        throw new Error("no room");
      });
      await launcher.connect();
      await sender.sendToAgent("test", "sleeper", "1", bytes("wake up"));
      await fabric.advance("2m");
      equal(launcher.seen.length, 3, "attempts");
      equal(errors.map(({ name, message }) => [name, message]), [
        ["NotFoundError", 'Cannot launch "ag::test::sleeper::1": no room'],
      ]);
      // The next message is another chance.
      await sender.sendToAgent("test", "sleeper", "1", bytes("wake up"));
      await fabric.advance("1s");
      equal(launcher.seen.length, 4, "attempts after another message");
    },
  },
  {
    name: "a launched agent that never connects is a dead end too",
    async run() {
      await using fabric = await testFabric({ seed: 14 });
      const sender = fabric.agent();
      await sender.connect();
      await register(sender, SHELL);
      const errors: Error[] = [];
      sender.onError((error) => void errors.push(error));
      await using launcher = new Launcher(base(fabric), () => {});
      await launcher.connect();
      await sender.sendToAgent("test", "sleeper", "1", bytes("wake up"));
      await fabric.advance("2m");
      equal(errors.map(({ message }) => message), [
        'Cannot launch "ag::test::sleeper::1": it was launched and did not connect within 60000 ms',
      ]);
    },
  },
  {
    name: "a task for an absent agent launches it, and is given to it",
    async run() {
      await using fabric = await testFabric({ seed: 15 });
      const creator = fabric.agent();
      await creator.connect();
      await register(creator, SHELL);
      let woken: AgentClient | undefined;
      await using launcher = new Launcher(base(fabric), async ({ workspace, targetImplementation, specifier }) => {
        woken = new AgentClient({
          ...base(fabric),
          workspace,
          implementation: targetImplementation,
          specifier: specifier!,
        });
        woken.onTaskAssignment(({ taskId }) => woken!.completeTask(taskId, { result: "done" }));
        await woken.connect();
      });
      await launcher.connect();
      const handle = await creator.createTask({
        taskType: "nap",
        targetImplementation: "sleeper",
        targetAgentId: "1",
        input: {},
      });
      const result = handle.result();
      await fabric.advance("1s");
      equal(await result, "done");
      equal(launcher.seen.length, 1, "launches");
      await woken?.disconnect();
    },
  },
  {
    name: "an implementation that nobody registered is not launched, and its messages wait",
    async run() {
      await using fabric = await testFabric({ seed: 16 });
      const sender = fabric.agent();
      await sender.connect();
      await using launcher = new Launcher(base(fabric), () => {});
      await launcher.connect();
      equal((await sender.sendToAgent("test", "nobody", "1", bytes("hello"))).sequence, 1);
      await fabric.advance("2m");
      equal(launcher.seen.length, 0);
    },
  },
  {
    name: "registrations are listed, found and removed; users may not make them",
    async run() {
      await using fabric = await testFabric({ seed: 17 });
      const [agent, user] = [fabric.agent(), fabric.user()];
      await Promise.all([agent.connect(), user.connect()]);
      await register(agent, SHELL);
      const session = sessionOf(agent);
      equal((await session.call("agent.list", {})).agents, [SHELL]);
      equal((await session.call("agent.get", { implementation: "sleeper" })).agent, SHELL);
      await rejects(register(user, SHELL), "PermissionDeniedError");
      await rejects(
        session.call("agent.register", { implementation: "a b", profile: "shell" }),
        "InvalidArgumentError",
      );
      equal(await session.call("agent.remove", { implementation: "sleeper" }), { found: true });
      equal(await session.call("agent.get", { implementation: "sleeper" }), {});
    },
  },
  {
    name: "an administrator sees who is connected and how the gateway is, and ends sessions; others are refused",
    async run() {
      const auth = tokenAuth({ bootstrapKey: "root", keys: [{ key: "plain" }] });
      await using fabric = await testFabric({ seed: 18, auth });
      const root = fabric.agent({ credentials: { "x-api-key": "root" } });
      const plain = fabric.agent({ credentials: { "x-api-key": "plain" }, specifier: "plain" });
      await Promise.all([root.connect(), plain.connect()]);
      const admin = new AdminClient(root);
      const { connections } = await admin.getConnections({ workspace: "test" });
      equal(connections.map(({ topic, connected }) => [topic, connected]), [[root.topic, true], [plain.topic, true]]);
      const { status, sessions } = await admin.getHealth();
      equal([status, sessions], ["ok", 2]);
      await rejects(new AdminClient(plain).getConnections(), "PermissionDeniedError");
      const { sessionId } = connections.find(({ topic }) => topic === plain.topic)!;
      equal(await admin.disconnectSession({ sessionId }), true);
      equal(await admin.disconnectSession({ sessionId }), false);
      await fabric.advance("1m");
      equal(plain.state, "closed", "an ended client does not come back");
    },
  },
];
