import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AetherError,
  AgentClient,
  agentTopic,
  AuthenticationError,
  BridgeClient,
  bridgeTopic,
  ConnectionError,
  DuplicateIdentityError,
  eventTopic,
  globalAgentsTopic,
  isConnectionError,
  isRecoverable,
  MessageType,
  MetricsBridgeClient,
  OrchestratorClient,
  taskBroadcastTopic,
  TaskClient,
  TimeoutError,
  uniqueTaskTopic,
  UserClient,
  userTopic,
  withAPIKey,
  withTenant,
  withToken,
  WorkflowEngineClient,
} from "@aether-edge/sdk";
import { allowAll, createGateway } from "@aether-edge/sdk/gateway";
import { serve } from "@aether-edge/sdk/serve";
import { memoryStore } from "@aether-edge/sdk/store/memory";

// Every messaging call that users of the older SDK have written, with its names and option names, must run here. KV,
// checkpoints, tasks, progress, admin and the proxy come with their own parts.

const encoder = new TextEncoder();

async function withGateway(run: (address: string) => Promise<void>): Promise<void> {
  const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
  const server = await serve(gateway);
  try {
    await run(`127.0.0.1:${server.port}`);
  } finally {
    await gateway.close();
    await server.close();
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(holds());
}

test("agents, users and their handlers", () =>
  withGateway(async (address) => {
    const agent = new AgentClient({
      address,
      workspace: "production",
      implementation: "data-processor",
      specifier: "instance-1",
    });
    const other = new AgentClient({
      address,
      workspace: "production",
      implementation: "other-agent",
      specifier: "instance-2",
    });
    const user = new UserClient({ address, userId: "alice", windowId: "tab-1", workspace: "production" });
    const heard: string[] = [];
    agent.onMessage((msg) => void heard.push(`${msg.sourceTopic}: ${new TextDecoder().decode(msg.payload)}`));
    other.onMessage((msg) => void heard.push(`other ${new TextDecoder().decode(msg.payload)}`));
    user.onIncomingMessage((msg) => void heard.push(`alice ${new TextDecoder().decode(msg.payload)}`));
    agent.onConnect((ack) => void heard.push(`connected ${ack.sessionId.length > 0} ${ack.resumed}`));
    agent.onDisconnect((reason) => void heard.push(`bye ${typeof reason}`));
    await agent.connect();
    await other.connect();
    await user.connect();
    agent.sendToAgent("production", "other-agent", "instance-2", encoder.encode("Hello!"));
    agent.sendToUser("alice", "tab-1", encoder.encode(JSON.stringify({ status: "complete" })));
    agent.broadcastToAgents("production", encoder.encode("announcement"));
    user.sendToAgent(
      "production",
      "data-processor",
      "instance-1",
      encoder.encode(JSON.stringify({ action: "process", data: [1, 2, 3] })),
    );
    await until(() => heard.length === 5);
    await Promise.all([agent.disconnect(), other.disconnect(), user.disconnect()]);
    assert.deepEqual(
      heard.sort(),
      [
        'alice {"status":"complete"}',
        "bye string",
        "connected true false",
        "other Hello!",
        "other announcement",
        'us::alice::tab-1: {"action":"process","data":[1,2,3]}',
      ].sort(),
    );
  }));

test("unique and pool tasks, the workflow engine, the metrics bridge, bridges, orchestrators", () =>
  withGateway(async (address) => {
    const unique = new TaskClient({
      address,
      workspace: "prod",
      implementation: "report-gen",
      uniqueSpecifier: "daily-report",
    });
    const worker = new TaskClient({ address, workspace: "prod", implementation: "data-processor" });
    const engine = new WorkflowEngineClient({ address });
    const metrics = new MetricsBridgeClient({ address });
    const bridge = new BridgeClient({ address, implementation: "example-bridge", specifier: "instance-1" });
    const orch = new OrchestratorClient({
      address,
      implementation: "k8s-orchestrator",
      supportedProfiles: ["kubernetes", "docker"],
      specifier: "instance-1",
    });
    const alice = new UserClient({ address, userId: "alice", windowId: "tab-1", workspace: "prod" });
    const clients = [unique, worker, engine, metrics, bridge, orch, alice];
    const heard: string[] = [];
    engine.onMessage((msg) => {
      heard.push(`event ${JSON.parse(new TextDecoder().decode(msg.payload)).type}`);
      engine.sendCommandToTask("prod", "report-gen", "daily-report", encoder.encode("go"));
    });
    metrics.onMessage((msg) => void heard.push(`metric ${JSON.parse(new TextDecoder().decode(msg.payload)).cpu}`));
    unique.onMessage((msg) => void heard.push(`unique ${msg.text()}`));
    alice.onMessage((msg) => void heard.push(`alice ${msg.text()} ${msg.messageType}`));
    await Promise.all(clients.map((client) => client.connect()));
    worker.sendEvent(encoder.encode(JSON.stringify({ type: "task.started" })));
    worker.sendMetric(encoder.encode(JSON.stringify({ cpu: 0.4 })));
    bridge.sendToUser("alice", "tab-1", encoder.encode("Notification from Discord"));
    bridge.broadcastToUsers("prod", encoder.encode("System announcement"), MessageType.Control);
    orch.sendStatusToTask("prod", "report-gen", "daily-report", encoder.encode("launched"));
    await until(() => heard.length === 6);
    assert.deepEqual(heard.sort(), [
      "alice Notification from Discord 6",
      "alice System announcement 2",
      "event task.started",
      "metric 0.4",
      "unique go",
      "unique launched",
    ]);
    await Promise.all(clients.map((client) => client.disconnect()));
  }));

test("credentials merge, options carry their names, errors are told apart", () =>
  withGateway(async (address) => {
    assert.deepEqual({ ...withAPIKey("k"), ...withTenant("t") }, { "x-api-key": "k", "x-tenant-id": "t" });
    const options = { address, workspace: "production", implementation: "worker", specifier: "1" };
    const agent = new AgentClient({
      ...options,
      credentials: withToken("jwt"),
      reconnect: true,
      reconnectDelay: 1000,
      maxReconnectDelay: 30000,
      connection: { maxRetries: 10, backoffMultiplier: 2.0, retryOnDuplicateMaxAttempts: 5 },
      retryOnDuplicateDelay: 5000,
    });
    agent.onReconnecting((attempt) => console.log(`Reconnection attempt ${attempt}...`));
    await agent.connect();
    try {
      await new AgentClient(options).connect();
      assert.fail("the identity is taken");
    } catch (err) {
      assert.ok(err instanceof DuplicateIdentityError && err instanceof AetherError);
      assert.ok(
        !(err instanceof AuthenticationError) && !(err instanceof ConnectionError) && !(err instanceof TimeoutError),
      );
      assert.equal(err.identity, "ag::production::worker::1");
      assert.equal(isRecoverable(err), false);
      assert.equal(isConnectionError(err), false);
    }
    await agent.disconnect();
  }));

test("topics have the older system's names and today's separator", () => {
  assert.equal(agentTopic("prod", "worker", "inst-1"), "ag::prod::worker::inst-1");
  assert.equal(userTopic("alice", "tab-1"), "us::alice::tab-1");
  assert.equal(uniqueTaskTopic("prod", "report", "daily"), "tu::prod::report::daily");
  assert.equal(taskBroadcastTopic("prod", "worker"), "tb::prod::worker");
  assert.equal(globalAgentsTopic("prod"), "ga::prod");
  assert.equal(eventTopic("task.completed"), "event::task.completed");
  assert.equal(bridgeTopic("example-bridge", "instance-1"), "br::example-bridge::instance-1");
});
