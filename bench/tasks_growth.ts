/**
 * What a task costs the gateway, create → assign → settle, and how that grows with the tasks that wait and with the keys
 * they have: the engine with its operations and a store in memory, without sockets and clients. `bun run
 * bench/tasks_growth.ts` or `deno run -A bench/tasks_growth.ts`, half a minute; `LEAST=100` and `MOST=1000000` go further, `OUT=<file>` writes JSON.
 */
import fs from "node:fs";
import process from "node:process";
import { TaskOps } from "../src/gateway/ops/tasks.ts";
import type { Op } from "../src/gateway/ops.ts";
import type { Session } from "../src/gateway/session.ts";
import { TaskCreation } from "../src/gateway/tasks/creation.ts";
import { TaskEngine } from "../src/gateway/tasks/engine.ts";
import type { Notice, OpInput, OpName, OpOutput } from "../src/protocol/ops.ts";
import { encodeStructured } from "../src/protocol/structured.ts";
import { assignmentOf, type TaskAssignment } from "../src/protocol/task_assignment.ts";
import { benchCore } from "./lib/core.ts";
import { median, pause } from "./lib/measure.ts";

const MOST = Number(process.env.MOST ?? 100_000);
const LEAST = Number(process.env.LEAST ?? 1000);
const ROUNDS = Number(process.env.ROUNDS ?? 5);
/** Operations of one turn. */
const TURN = 64;
const SLOTS = 64;
const payload = new Uint8Array(100);
const found: { waiting: number; keys: number; create: number; work: number }[] = [];

/** A gateway's task side, and one principal that makes tasks and works on them. */
function world(): { create(key?: string): void; serve(): void; settle(count: number): number; turn(): void } {
  const { core, next } = benchCore();
  const engine = new TaskEngine(core);
  const ops = new TaskOps(core, engine, new TaskCreation(core, engine)).ops;
  const given: TaskAssignment[] = [];
  const session = {
    identity: { type: "agent", workspace: "w", implementation: "i", specifier: "s" },
    topic: "ag::w::i::s",
    workspace: "w",
    producer: "producer",
    connected: true,
    ended: false,
    notify(notice: Notice) {
      encodeStructured(notice);
      if (notice.name === "assignment") given.push(assignmentOf(notice.body));
    },
  } as unknown as Session;
  const call = <Name extends OpName>(name: Name, input: OpInput<Name>): OpOutput<Name> => {
    const op = ops[name] as unknown as Op<Name>;
    return op.run(session, op.check(input), () => new AbortController().signal) as OpOutput<Name>;
  };
  const turn = (): void => {
    engine.dispatcher.serve();
    next();
  };
  return {
    turn,
    create: (key) =>
      void call("task.create", { type: "i", payload, concurrency: key ? { key, perKey: 8 } : undefined }),
    serve: () => void call("task.serve", { implementation: "i", slots: SLOTS, isAutoStart: true }),
    settle(count) {
      let done = 0;
      while (done < count) {
        const batch = given.splice(0, TURN);
        if (batch.length === 0) throw new Error("nothing was given out");
        for (const { taskId, attempt } of batch) {
          call("task.settle", { taskId, attempt, outcome: { kind: "completed", result: payload } });
        }
        done += batch.length;
        turn();
      }
      return done;
    },
  };
}

/**
 * Has what the round before has left collected: a million tasks are a gigabyte, which is not this round's to clean up. Its
 * microtasks still hold it.
 */
async function collect(): Promise<void> {
  await pause(0);
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isNow: boolean): void } };
  if (Bun) Bun.gc(true);
  else gc?.();
}

/** µs a task: made, and given out and settled, while `waiting` others wait. */
async function measure(waiting: number, keys: number): Promise<{ create: number; work: number }> {
  await collect();
  const { create, serve, settle, turn } = world();
  const make = (count: number): number => {
    const began = performance.now();
    for (let n = 0; n < count; n++) {
      create(keys === 1 ? undefined : `k${n % keys}`);
      if (n % TURN === TURN - 1) turn();
    }
    turn();
    return ((performance.now() - began) * 1000) / count;
  };
  // Measured at the depth that is asked for, not on the way to it.
  make(waiting);
  const sample = 4096;
  const made = make(sample);
  serve();
  turn();
  const began = performance.now();
  const done = settle(sample);
  return { create: made, work: ((performance.now() - began) * 1000) / done };
}

async function row(name: string, waiting: number, keys: number): Promise<void> {
  const samples: { create: number; work: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) samples.push(await measure(waiting, keys));
  const create = median(samples.map((one) => one.create));
  const work = median(samples.map((one) => one.work));
  const cells = [create, work, create + work].map((us) => us.toFixed(1).padStart(9));
  console.log(name.padEnd(34) + cells.join(""));
  found.push({ waiting, keys, create, work });
}

console.log(`${"µs a task, median of rounds".padEnd(34)}   create  assign+settle  sum`);
for (let warm = 0; warm < 3; warm++) await measure(10_000, 1);
for (let waiting = LEAST; waiting <= MOST; waiting *= 10) await row(`${waiting} wait, no keys`, waiting, 1);
for (const keys of [100, 10_000]) await row(`10000 wait, ${keys} keys`, 10_000, keys);
if (process.env.OUT) fs.writeFileSync(process.env.OUT, `${JSON.stringify({ rounds: ROUNDS, rows: found }, null, 1)}\n`);
