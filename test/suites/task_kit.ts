import type { AetherClient } from "../../src/client/aether_client.ts";
import type { OpInput, OpName, OpOutput } from "../../src/protocol/ops.ts";
import { assignmentOf, type TaskAssignment } from "../../src/protocol/task_assignment.ts";
import type { NewTask, TaskEvent, TaskInfo, TaskOutcome, TaskRevocation } from "../../src/protocol/tasks.ts";
import type { Session } from "../../src/session/session.ts";
import { type FabricOptions, type TestFabric, testFabric } from "../../src/testing/mod.ts";
import { bytes, connected } from "./state_kit.ts";

/** A client's session: what the public verbs stand on. */
export function sessionOf(client: AetherClient): Session {
  return (client as unknown as { session: Session }).session;
}

/** Has the gateway do an operation, as any client could. */
export function call<Op extends OpName>(client: AetherClient, op: Op, input: OpInput<Op>): Promise<OpOutput<Op>> {
  return sessionOf(client).call(op, input, { timeoutMs: 30 * 24 * 3600_000 });
}

/** Makes a task of type "t" for the pool "pool", and says which. */
export async function make(client: AetherClient, input: Partial<NewTask> = {}): Promise<string> {
  return (await create(client, input)).taskId;
}

/** The same with the whole answer. */
export function create(client: AetherClient, input: Partial<NewTask> = {}): Promise<OpOutput<"task.create">> {
  return call(client, "task.create", { type: "t", implementation: "pool", payload: bytes("p"), ...input });
}

/** A task as it is. */
export async function infoOf(client: AetherClient, taskId: string): Promise<TaskInfo> {
  const { task } = await call(client, "task.get", { taskId });
  if (!task) throw new Error(`there is no task ${taskId}`);
  return task;
}

/** Where tasks are in their lives. */
export async function statusOf(client: AetherClient, ...ids: string[]): Promise<string[]> {
  return await Promise.all(ids.map(async (id) => (await infoOf(client, id)).status));
}

/** Everything that has happened to a task and is kept. */
export async function eventsOf(client: AetherClient, taskId: string, after = 0): Promise<TaskEvent[]> {
  return (await call(client, "task.events", { taskId, after, limit: 1000 })).events;
}

/** Its changes of status, in words. */
export async function storyOf(client: AetherClient, taskId: string): Promise<string[]> {
  const events = await eventsOf(client, taskId);
  return events.map((event) => (event.type === "status" ? event.status : event.type));
}

/** Acts on a task. */
export async function act(
  client: AetherClient,
  taskId: string,
  action: OpInput<"task.act">["action"],
  more: Partial<OpInput<"task.act">> = {},
): Promise<TaskInfo> {
  return (await call(client, "task.act", { taskId, action, ...more })).task;
}

/** What is offered. */
export type Offer = OpInput<"task.serve">;

/** Somebody who works, with everything that was given and taken; nothing is done by itself. */
export class Hands {
  readonly client: AetherClient;
  readonly given: TaskAssignment[] = [];
  readonly revoked: TaskRevocation[] = [];
  /** What it was told that it has lost, when it came back. */
  readonly lost: { taskId: string; attempt: number }[] = [];
  /** What it is working on. */
  readonly running: TaskAssignment[] = [];
  #offer: Offer;

  constructor(client: AetherClient, offer: Offer) {
    this.client = client;
    this.#offer = offer;
    const session = sessionOf(client);
    session.onNotice.add(({ name, body }) => {
      if (name === "assignment") {
        const assignment = assignmentOf(body);
        this.given.push(assignment);
        this.running.push(assignment);
      } else if (name === "revoke") this.revoked.push(body);
    });
    session.onConnect.add(({ resumed }) => void (resumed || this.announce({}, true)));
  }

  /** Says what it takes, with changes; a new session also says what it has. */
  async announce(change: Partial<Offer> = {}, isAnew = false): Promise<void> {
    this.#offer = { ...this.#offer, ...change };
    const running = isAnew ? this.running.map(({ taskId, attempt }) => ({ taskId, attempt })) : undefined;
    this.lost.push(...(await call(this.client, "task.serve", { ...this.#offer, running })).lost);
  }

  /** What it was given last. */
  get last(): TaskAssignment {
    const last = this.given.at(-1);
    if (!last) throw new Error("nothing was given");
    return last;
  }

  /** Payloads of what it was given, in order. */
  get texts(): string[] {
    return this.given.map(({ payload }) => new TextDecoder().decode(payload));
  }

  /** Says how an attempt ended; until the gateway has heard it, it is one that runs. */
  async settle(outcome: TaskOutcome, { taskId, attempt } = this.last): Promise<OpOutput<"task.settle">> {
    const output = await call(this.client, "task.settle", { taskId, attempt, outcome });
    const at = this.running.findIndex((one) => one.taskId === taskId && one.attempt === attempt);
    if (at >= 0) this.running.splice(at, 1);
    return output;
  }

  /** It is done. */
  complete(assignment = this.last, result = "done"): Promise<OpOutput<"task.settle">> {
    return this.settle({ kind: "completed", result: bytes(result) }, assignment);
  }

  /** It failed. */
  fail(
    assignment = this.last,
    more: { isRetryable?: boolean; retryAfterMs?: number; message?: string } = {},
  ): Promise<OpOutput<"task.settle">> {
    const { message = "no", ...rest } = more;
    return this.settle({ kind: "failed", error: { name: "Error", message }, ...rest }, assignment);
  }

  /** Does everything it has, until nothing more comes. */
  async drain(): Promise<void> {
    for (let one = this.running[0]; one; one = this.running[0]) await this.complete(one);
  }
}

/** Somebody who works from now on. */
export async function hands(client: AetherClient, offer: Partial<Offer> = {}): Promise<Hands> {
  const worker = new Hands(client, { slots: 1, isAutoStart: true, ...offer });
  if (client.state === "ready") await worker.announce({}, true);
  else await client.connect();
  return worker;
}

/** A fabric, somebody who makes tasks, and somebody who works on them. */
export interface TaskWorld extends AsyncDisposable {
  fabric: TestFabric;
  desk: ReturnType<TestFabric["agent"]>;
  worker: Hands;
}

/** Makes one; `slots: 0` for a worker that takes nothing yet. */
export async function taskWorld(offer: Partial<Offer> = {}, options: FabricOptions = {}): Promise<TaskWorld> {
  const fabric = await testFabric({ seed: 1, ...options });
  const soon = { reconnectDelay: 200, maxReconnectDelay: 1000 };
  const [desk, client] = await connected(fabric.agent({ specifier: "desk", ...soon }), fabric.task(soon));
  return {
    fabric,
    desk,
    worker: await hands(client, offer),
    [Symbol.asyncDispose]: () => fabric[Symbol.asyncDispose](),
  };
}
