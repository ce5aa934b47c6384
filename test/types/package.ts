/**
 * A program of somebody who installed the package, by its public names only. `deno check` reads it against the sources;
 * `npm run test:package` compiles it against what `npm pack` makes, and runs it.
 */
import { AgentClient, InvalidArgumentError, TaskClient } from "@aether-edge/sdk";
import { allowAll, createGateway, type Gateway } from "@aether-edge/sdk/gateway";
import { execLauncher } from "@aether-edge/sdk/launch";
import { DEFAULT_LIMITS, type Limits } from "@aether-edge/sdk/protocol";
import { serve, type ServeOptions, type Server } from "@aether-edge/sdk/serve";
import { memoryStore } from "@aether-edge/sdk/store/memory";
import { sqliteStore } from "@aether-edge/sdk/store/sqlite";
import { type TestFabric, testFabric } from "@aether-edge/sdk/testing";
import { createWorker, defineTask, type Worker } from "@aether-edge/sdk/worker";

/** True only when both are the same, and neither is any. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function same<_Holds extends true>(): void {}

const resize = defineTask({
  type: "resize",
  run: (input: { url: string }) => ({ bytes: input.url.length }),
});

async function served(): Promise<void> {
  const gateway: Gateway = await createGateway({ store: sqliteStore(":memory:"), auth: allowAll() });
  const options: ServeOptions = { port: 0 };
  const server: Server = await serve(gateway, options);
  const identity = { address: server.url, workspace: "prod", implementation: "desk" };
  const desk = new AgentClient({ ...identity, specifier: "1" });
  const hand = new TaskClient({ ...identity, implementation: "resize" });
  await Promise.all([desk.connect(), hand.connect()]);
  const worker: Worker = createWorker(hand, { tasks: [resize], slots: 2 });

  const handle = await desk.createTask({ task: resize, input: { url: "/a.png" } });
  const result = await handle.result();
  same<Same<typeof result, { bytes: number }>>();
  if (result.bytes !== 6) throw new Error(`the task said ${JSON.stringify(result)}`);

  await worker.drain();
  await Promise.all([desk.disconnect(), hand.disconnect()]);
  await gateway.close();
  await server.close();
}

async function inOneProcess(): Promise<void> {
  const fabric: TestFabric = await testFabric({ seed: 1, store: memoryStore() });
  const [desk, shelf] = [fabric.agent(), fabric.agent()];
  same<Same<typeof desk, AgentClient>>();
  await Promise.all([desk.connect(), shelf.connect()]);
  shelf.onRequest((question) => `you asked ${question.text()}`);
  const answer = await desk.request(shelf.topic, new TextEncoder().encode("what?"));
  if (answer.text() !== "you asked what?") throw new Error(`the answer was ${answer.text()}`);
  await fabric[Symbol.asyncDispose]();
}

function refused(): void {
  let error: unknown;
  try {
    // @ts-expect-error a specifier is needed
    new AgentClient({ address: 7, workspace: "prod", implementation: "desk" });
  } catch (caught) {
    error = caught;
  }
  if (!(error instanceof InvalidArgumentError)) throw new Error(`refused by ${error}`);
  same<Same<typeof error, InvalidArgumentError>>();
}

const limits: Readonly<Limits> = DEFAULT_LIMITS;
if (!(limits.payloadBytes > 0)) throw new Error("there are no limits");
execLauncher({ command: "true" })[Symbol.dispose]();
refused();
await inOneProcess();
await served();
console.log("the package works");
