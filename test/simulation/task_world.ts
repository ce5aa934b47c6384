import { seededRandom } from "../../src/base/ids.ts";
import type { AetherClient } from "../../src/client/aether_client.ts";
import type { OpInput, OpName, OpOutput } from "../../src/protocol/ops.ts";
import { isTerminal } from "../../src/protocol/task_states.ts";
import type { NewTask } from "../../src/protocol/tasks.ts";
import type { Session } from "../../src/session/session.ts";
import { type TestFabric, testFabric } from "../../src/testing/mod.ts";
import { type Accepted, faultsOf, type Made, type Seen } from "./task_invariants.ts";
import { SimWorker } from "./task_worker.ts";

/** What a seeded run has seen; `faults` lists every broken promise in words. */
export interface TaskOutcome {
  faults: string[];
  created: number;
  completed: number;
  attempts: number;
  lost: number;
}

const KEYS = ["red", "green", "blue"];
const PER_KEY = 2;
const TOTAL = 4;

/** Says it again until there is an answer: what a client's verbs do when a session is lost. */
export async function insist<Op extends OpName>(
  fabric: TestFabric,
  client: AetherClient,
  op: Op,
  input: OpInput<Op>,
): Promise<OpOutput<Op>> {
  const { session } = client as unknown as {
    session: { call(op: Op, input: OpInput<Op>, options: { timeoutMs: number }): Promise<OpOutput<Op>> };
  };
  for (;;) {
    try {
      return await session.call(op, input, { timeoutMs: 60_000 });
    } catch (error) {
      if (!["ConnectionClosedError", "TimeoutError", "ConnectionError"].includes((error as Error).name)) throw error;
      await new Promise<void>((resolve) => fabric.clock.timer(100, resolve));
    }
  }
}

/**
 * One seeded run: tasks are made, worked on, failed, cancelled, waited for, while wires break, clocks jump, workers drain and
 * die, and the gateway restarts. Then everything heals, and what happened is held against the promises.
 */
export async function simulateTasks(seed: number, steps = 50): Promise<TaskOutcome> {
  const chance = seededRandom(seed * 104_729 + 7);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(chance.next() * items.length)];
  const fabric = await testFabric({ seed });
  const base = { reconnectDelay: 200, maxReconnectDelay: 2000 };
  const creators = [fabric.agent(base), fabric.agent(base)];
  const accepted: Accepted[] = [];
  const workers = Array.from(
    { length: 2 + Math.floor(chance.next() * 3) },
    () =>
      new SimWorker(fabric, fabric.task(base), chance, accepted, {
        slots: 1 + Math.floor(chance.next() * 4),
        graceMs: pick([0, 0, 2_000, 30_000]),
        types: pick([undefined, undefined, ["fast"], ["slow", "fast"]]),
      }),
  );
  // Every type has somebody, or its tasks could never end.
  workers.push(new SimWorker(fabric, fabric.task(base), chance, accepted, { slots: 2, graceMs: 0, types: undefined }));
  const everybody: AetherClient[] = [...creators, ...workers.map(({ client }) => client)];
  await fabric.advance("1s");

  const made: Made[] = [];
  const faults: string[] = [];
  let open = 0;
  const watch = (promise: Promise<unknown>): void => {
    open++;
    promise.catch((error) => faults.push(`unexpected ${error}`)).finally(() => open--);
  };
  const create = async (): Promise<void> => {
    const key = chance.next() < 0.6 ? pick(KEYS) : undefined;
    const name = `task ${made.length}`;
    const done = made.filter(({ taskId }) => taskId !== undefined);
    const dependsOn = chance.next() < 0.2 && done.length > 0 ? [pick(done).taskId!, pick(done).taskId!] : [];
    const one: Made = { name, key, dependsOn, taskId: undefined, result: undefined };
    made.push(one);
    const input: NewTask = {
      type: pick(["fast", "slow"]),
      implementation: "pool",
      payload: new Uint8Array(chance.next() < 0.1 ? 3000 : 10),
      idempotencyKey: name,
      priority: pick([20, 30, 30, 40]),
      retry: { maxAttempts: 3, initialDelayMs: 50, maxDelayMs: 2000 },
      concurrency: key === undefined ? { total: TOTAL } : { key, perKey: PER_KEY, total: TOTAL },
      rateLimit: chance.next() < 0.1 ? { perSecond: 5, burst: 2 } : undefined,
      timeoutMs: chance.next() < 0.5 ? 5_000 : undefined,
      deadlineMs: chance.next() < 0.1 ? 60_000 : undefined,
      runAt: chance.next() < 0.1 ? fabric.clock.now() + Math.floor(chance.next() * 5000) : undefined,
      dependsOn,
    };
    const creator = pick(creators);
    // Half of them are told what comes of it, as long as their session lasts.
    const { session } = creator as unknown as { session: Session };
    const watch = chance.next() < 0.5 ? session.requests.expect() : undefined;
    const told = watch?.reply.catch(() => undefined) as Promise<OpOutput<"task.result"> | undefined> | undefined;
    const { taskId, isWatched } = await session.call("task.create", { ...input, watch: watch?.id })
      .catch(() => insist(fabric, creator, "task.create", input));
    one.taskId = taskId;
    // Said twice, as after an answer that was lost.
    if (chance.next() < 0.2) {
      const again = await insist(fabric, pick(creators), "task.create", input);
      if (again.taskId !== one.taskId) faults.push(`${name} was made twice`);
    }
    const { task, result } = (isWatched ? await told : undefined) ??
      await insist(fabric, creator, "task.result", { taskId });
    one.result = { status: task?.status ?? "completed", token: result && new TextDecoder().decode(result) };
  };
  const cancel = async (): Promise<void> => {
    // Mostly one that is not over yet.
    const { taskId } = chance.next() < 0.8 ? pick(made.slice(-6)) : pick(made);
    if (taskId === undefined) return;
    try {
      await insist(fabric, pick(creators), "task.act", { taskId, action: "cancel" });
    } catch (error) {
      if ((error as Error).name !== "ConflictError") throw error;
    }
  };

  for (let at = 0; at < steps; at++) {
    const dice = chance.next();
    if (dice < 0.45) { for (let burst = 1 + Math.floor(chance.next() * 4); burst > 0; burst--) watch(create()); }
    else if (dice < 0.52 && made.length > 0) watch(cancel());
    else if (dice < 0.62) fabric.faults.cut(pick(everybody));
    else if (dice < 0.66) fabric.faults.halfOpen(pick(everybody));
    else if (dice < 0.7) fabric.faults.delay(pick(everybody), Math.floor(chance.next() * 300));
    else if (dice < 0.75) fabric.faults.drop(pick(everybody), 1 + Math.floor(chance.next() * 3));
    else if (dice < 0.78) await fabric.faults.restartGateway();
    else if (dice < 0.81) {
      fabric.faults.killGateway();
      await fabric.advance(Math.floor(chance.next() * 3000));
      await fabric.faults.restartGateway();
    } else if (dice < 0.86) watch(pick(workers).drain());
    else if (dice < 0.89) watch(pick(workers).restart());
    else if (dice < 0.93) watch(pick(workers).meddle(pick(workers)));
    if (chance.next() < 0.7) await fabric.advance(Math.floor(chance.next() * (chance.next() < 0.1 ? 70_000 : 600)));
  }
  for (const client of everybody) fabric.faults.delay(client, 0);
  for (const worker of workers) worker.behave();
  await fabric.advance("10m");

  if (open !== 0) faults.push(`${open} calls never settled`);
  const seen: Seen[] = [];
  for (const { taskId, name } of made) {
    if (taskId === undefined) continue;
    const { task } = await insist(fabric, creators[0], "task.get", { taskId });
    const { events } = await insist(fabric, creators[0], "task.events", { taskId, after: 0, limit: 1000 });
    if (!task || !isTerminal(task.status)) faults.push(`${name} is ${task?.status ?? "lost"} after everything healed`);
    if (task) seen.push({ task, events });
  }
  faults.push(...faultsOf(made, seen, accepted, { perKey: PER_KEY, total: TOTAL }));
  const { pool } = await insist(fabric, creators[0], "task.pool", { implementation: "pool", action: "get" });
  if (pool.queued !== 0 || pool.busy !== 0) faults.push(`the pool has ${pool.queued} queued and ${pool.busy} busy`);
  await fabric[Symbol.asyncDispose]();
  return {
    faults,
    created: seen.length,
    completed: seen.filter(({ task }) => task.status === "completed").length,
    attempts: seen.reduce((sum, { task }) => sum + task.attempt, 0),
    lost: workers.reduce((sum, { lost }) => sum + lost, 0),
  };
}
