/** Launchers start real processes and post to a real server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { AgentClient, BaseOrchestrator, type BaseOrchestratorOptions } from "../mod.ts";
import { allowAll, createGateway } from "../src/gateway/mod.ts";
import { execLauncher, type Launcher, type TaskAssignment, webhookLauncher } from "../src/runtime/launch.ts";
import { serve } from "../src/runtime/deno.ts";
import { memoryStore } from "../src/store/memory.ts";

const bun = fileURLToPath(new URL("../node_modules/.bin/bun", import.meta.url));
const sleeper = path.join(fileURLToPath(new URL("fixtures", import.meta.url)), "sleeper.ts");

class Orchestrator extends BaseOrchestrator {
  readonly #launch: Launcher;
  constructor(options: BaseOrchestratorOptions, launch: Launcher) {
    super(options);
    this.#launch = launch;
  }
  override launchTask(assignment: TaskAssignment): Promise<void> {
    return this.#launch(assignment);
  }
}

async function world(launch: (url: string) => Launcher): Promise<AsyncDisposable & { desk: AgentClient }> {
  const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
  const server = await serve(gateway);
  const address = server.url;
  const desk = new AgentClient({ address, workspace: "prod", implementation: "desk", specifier: "1" });
  const orchestrator = new Orchestrator(
    { address, implementation: "local", supportedProfiles: ["local"] },
    launch(address),
  );
  await Promise.all([desk.connect(), orchestrator.connect()]);
  const session = (desk as unknown as { session: { call(op: string, input: unknown): Promise<unknown> } }).session;
  await session.call("agent.register", { implementation: "sleeper", profile: "local", launchParams: { mood: "calm" } });
  return {
    desk,
    async [Symbol.asyncDispose]() {
      await Promise.all([desk.disconnect(), orchestrator.disconnect()]);
      await gateway.close();
      await server.close();
    },
  };
}

test("a message to an agent that is away starts its process, which answers it", async () => {
  using stopped = { run: () => {}, [Symbol.dispose]: () => stopped.run() };
  await using fabric = await world((address) => {
    const launcher = execLauncher({ command: bun, args: ["run", sleeper], address });
    stopped.run = () => launcher.stop();
    return launcher;
  });
  const answers = fabric.desk.messages();
  await fabric.desk.sendToAgent("prod", "sleeper", "7", new TextEncoder().encode("are you there?"));
  const { value } = await answers.next();
  assert.equal(value.text(), "sleeper 7 heard: are you there?");
});

test("a command that cannot be started is the reason that the sender hears", async () => {
  await using fabric = await world(() => execLauncher({ command: "/no/such/program" }));
  const said = Promise.withResolvers<Error>();
  fabric.desk.onError((error) => said.resolve(error));
  await fabric.desk.sendToAgent("prod", "sleeper", "7", new TextEncoder().encode("are you there?"));
  assert.match((await said.promise).message, /Cannot launch "ag::prod::sleeper::7".*no.such.program/);
});

test("a webhook is told whom to launch", async () => {
  const posted = Promise.withResolvers<Record<string, unknown>>();
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => body += text).on("end", () => {
      posted.resolve(JSON.parse(body));
      response.writeHead(202).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await using fabric = await world(() => webhookLauncher({ url: `http://127.0.0.1:${port}/launch` }));
  await fabric.desk.sendToAgent("prod", "sleeper", "7", new TextEncoder().encode("are you there?"));
  const { workspace, implementation, specifier, profile, launchParams } = await posted.promise;
  assert.deepEqual([workspace, implementation, specifier, profile], ["prod", "sleeper", "7", "local"]);
  assert.equal((launchParams as Record<string, string>).mood, "calm");
  server.close();
});
