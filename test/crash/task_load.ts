import { AetherError, AgentClient, type TaskHandle, type TaskInfo } from "../../mod.ts";
import type { Random } from "../../src/base/ids.ts";
import type { TaskStatus } from "../../src/protocol/task_states.ts";
import type { TaskEvent } from "../../src/protocol/tasks.ts";
import type { Made, Seen } from "../simulation/task_invariants.ts";
import { type Brought, type Job, job } from "./fire_tasks.ts";

const CREATORS = 2;
/** Tasks of one creator that are not over: more than there are slots, so that some always wait. */
const OPEN = 16;
const KEYS = ["red", "green", "blue", "white", "black"];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A task that was asked for, what it is to bring, and what it has brought. */
export interface Asked extends Made {
  input: Job;
  brought?: Brought;
}

/** Creators that make tasks, some of which depend on others, and wait for what they bring. */
export class TaskLoad {
  readonly #creators: AgentClient[];
  readonly #chance: Random;
  readonly #handles = new Map<string, TaskHandle<Brought>>();
  #asked: Asked[] = [];
  #isOver = true;
  #making: Promise<unknown> = Promise.resolve();
  #settling: Promise<unknown>[] = [];
  #count = 0;
  /** What should never have happened, in words. */
  readonly faults: string[] = [];

  constructor(url: string, chance: Random) {
    this.#chance = chance;
    this.#creators = Array.from({ length: CREATORS }, (_, at) =>
      new AgentClient({
        address: url,
        reconnectDelay: 50,
        maxReconnectDelay: 200,
        workspace: "fire",
        implementation: "creator",
        specifier: String(at),
      }));
  }

  async connect(): Promise<void> {
    await Promise.all(this.#creators.map((creator) => creator.connect()));
  }

  async disconnect(): Promise<void> {
    await Promise.all(this.#creators.map((creator) => creator.disconnect()));
  }

  /** Begins to make tasks. */
  begin(): void {
    this.#isOver = false;
    this.#asked = [];
    this.#settling = [];
    this.#making = Promise.all(this.#creators.map((creator) => this.#make(creator)));
  }

  /** Makes no more; what was made since it began, when all of it is settled or so many ms have passed. */
  async end(withinMs: number): Promise<Asked[]> {
    this.#isOver = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    await Promise.race([this.#making.then(() => Promise.all(this.#settling)), late]);
    clearTimeout(timer);
    for (const { name, taskId, result } of this.#asked) {
      if (!result) this.faults.push(`${name} (${taskId ?? "not confirmed"}) did not settle within ${withinMs} ms`);
    }
    return this.#asked;
  }

  async #make(creator: AgentClient): Promise<void> {
    const open = new Set<Promise<void>>();
    while (!this.#isOver) {
      if (open.size >= OPEN) {
        await Promise.race(open);
        continue;
      }
      const asked = this.#next();
      this.#asked.push(asked);
      const handle = await this.#insist(creator, asked);
      if (!handle) continue;
      asked.taskId = handle.taskId;
      this.#handles.set(handle.taskId, handle);
      const settled = this.#settle(asked, handle).finally(() => open.delete(settled));
      open.add(settled);
      this.#settling.push(settled);
    }
  }

  #next(): Asked {
    const chance = this.#chance;
    const n = this.#count++;
    // Not of those that end badly, for then it would, too.
    const before = this.#asked.filter(({ taskId, input }) => taskId !== undefined && input.how !== "fails").slice(-8);
    const others = chance.next() < 0.3 ? before.filter(() => chance.next() < 0.3) : [];
    const dice = chance.next();
    const key = KEYS[Math.floor(chance.next() * KEYS.length)];
    const input: Job = {
      n,
      key,
      ms: 5 + Math.floor(chance.next() ** 2 * 120),
      how: dice < 0.85 ? "well" : dice < 0.95 ? "stumbles" : "fails",
    };
    const dependsOn = others.map(({ taskId }) => taskId!);
    return { name: `job ${n}`, key, dependsOn, input, taskId: undefined, result: undefined };
  }

  /** Asks until the gateway has said that there is the task, always by the same name. */
  async #insist(creator: AgentClient, { name, dependsOn, input }: Asked): Promise<TaskHandle<Brought> | undefined> {
    for (;;) {
      try {
        return await creator.createTask({ task: job, input, dependsOn, idempotencyKey: name, timeout: 5_000 });
      } catch (error) {
        const mayHeal = error instanceof AetherError && (error.retryable || error.name === "TimeoutError");
        if (!mayHeal) {
          this.faults.push(`${name} could not be made: ${error}`);
          return undefined;
        }
        await sleep(20);
      }
    }
  }

  async #settle(asked: Asked, handle: TaskHandle<Brought>): Promise<void> {
    const { name, input: { n, how } } = asked;
    try {
      const brought = await handle.result();
      asked.brought = brought;
      asked.result = { status: "completed", token: brought.token };
      if (how === "fails" || brought.square !== n * n) this.faults.push(`${name} brought ${JSON.stringify(brought)}`);
    } catch (error) {
      const { status } = (error as { details?: { status?: TaskStatus } }).details ?? {};
      if (status) asked.result = { status, token: undefined };
      if (how !== "fails" || status !== "failed") this.faults.push(`${name} ended with ${error}`);
    }
  }

  /** Tasks as they are now, and their stories. */
  seen(asked: readonly Asked[]): Promise<Seen[]> {
    const known = asked.filter(({ taskId }) => taskId !== undefined);
    return Promise.all(known.map(async ({ taskId, result }) => {
      const handle = this.#handles.get(taskId!)!;
      const events: TaskEvent[] = [];
      const task = await handle.info();
      // The story of one that is not over has no end to wait for.
      if (result) { for await (const event of handle.events()) events.push(event as TaskEvent); }
      return { task, events };
    }));
  }

  /** All tasks there are. */
  async all(): Promise<TaskInfo[]> {
    const found: TaskInfo[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.#creators[0].queryTasks({ limit: 500, cursor });
      found.push(...page.tasks);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }
}
