import type { OpInput, OpName } from "../../src/protocol/ops.ts";
import type { Case } from "../harness.ts";
import { equal, rejects } from "./assert.ts";
import { bytes } from "./state_kit.ts";
import { act, call, make, statusOf, taskWorld } from "./task_kit.ts";

const long = "x".repeat(5000);
const nobody = "0".repeat(19);
const plain = { type: "t", payload: bytes("p") };
const offer = { slots: 1 };

/** What is refused, and the field that is said to be at fault; `ID` stands for a task that runs. */
const refused: [op: OpName, input: unknown, field: string][] = [
  ...([
    ["type", { payload: bytes("p") }],
    ["type", { ...plain, type: "" }],
    ["type", { ...plain, type: "a b" }],
    ["type", { ...plain, type: 7 }],
    ["payload", { type: "t" }],
    ["payload", { ...plain, payload: "text" }],
    ["payload", { ...plain, payload: new Uint8Array(1024 * 1024 + 1) }],
    ["workspace", { ...plain, workspace: "a::b" }],
    ["mode", { ...plain, mode: 3 }],
    ["target", { ...plain, mode: 1, target: "" }],
    ["priority", { ...plain, priority: 101 }],
    ["priority", { ...plain, priority: 1.5 }],
    ["priority", { ...plain, priority: NaN }],
    ["weight", { ...plain, weight: 0 }],
    ["idempotencyKey", { ...plain, idempotencyKey: "" }],
    ["idempotencyKey", { ...plain, idempotencyKey: long }],
    ["idempotencyTtlMs", { ...plain, idempotencyTtlMs: Infinity }],
    ["singleton", { ...plain, singleton: 5 }],
    ["dedupe", { ...plain, dedupe: "" }],
    ["debounce.ms", { ...plain, debounce: { key: "k", ms: 0 } }],
    ["throttle.key", { ...plain, throttle: { ms: 5 } }],
    ["runAt", { ...plain, runAt: -1 }],
    ["runAt", { ...plain, runAt: 1e17 }],
    ["runAt", { ...plain, runAt: new Date() }],
    ["cron", { ...plain, cron: "* * * * *" }],
    ["cron", { ...plain, cron: { expression: "* *" } }],
    ["cron", { ...plain, cron: { expression: "0 0 30 2 *" } }],
    ["dependsOn.0", { ...plain, dependsOn: [5] }],
    ["dependsOn", { ...plain, dependsOn: Array(1001).fill(nobody) }],
    ["onDependencyFailure", { ...plain, onDependencyFailure: "panic" }],
    ["metadata.a", { ...plain, metadata: { a: 1 } }],
    ["metadata", { ...plain, metadata: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, ""])) }],
    ["retry.maxAttempts", { ...plain, retry: { maxAttempts: 0 } }],
    ["retry.backoff", { ...plain, retry: { backoff: "wild" } }],
    ["retry.jitter", { ...plain, retry: { jitter: 2 } }],
    ["retry.scheduleMs.1", { ...plain, retry: { scheduleMs: [1, -1] } }],
    ["timeoutMs", { ...plain, timeoutMs: 0 }],
    ["deadlineMs", { ...plain, deadlineMs: -5 }],
    ["concurrency.perKey", { ...plain, concurrency: { perKey: 0 } }],
    ["concurrency.total", { ...plain, concurrency: { total: 1.5 } }],
    ["rateLimit.perSecond", { ...plain, rateLimit: { perSecond: 0 } }],
    ["rateLimit.burst", { ...plain, rateLimit: { perSecond: 1, burst: 0.5 } }],
    ["parentTaskId", { ...plain, parentTaskId: "" }],
    ["taskClass", { ...plain, taskClass: "lazy" }],
    ["completionEvent.onStatuses.0", { ...plain, completionEvent: { onStatuses: ["done"] } }],
    ["launchParams.a", { ...plain, launchParams: { a: long } }],
  ] as [string, unknown][]).map(([field, input]): [OpName, unknown, string] => ["task.create", input, field]),
  ["task.serve", {}, "slots"],
  ["task.serve", { slots: -1 }, "slots"],
  ["task.serve", { slots: 10_001 }, "slots"],
  ["task.serve", { ...offer, graceMs: 600_001 }, "graceMs"],
  ["task.serve", { ...offer, types: [""] }, "types.0"],
  ["task.serve", { ...offer, running: [{ taskId: "", attempt: 1 }] }, "running.0.taskId"],
  ["task.settle", { taskId: "ID" }, "outcome"],
  ["task.settle", { taskId: "ID", outcome: { kind: "fine" } }, "outcome.kind"],
  ["task.settle", { taskId: "ID", attempt: -1, outcome: { kind: "completed" } }, "attempt"],
  ["task.settle", { taskId: "ID", outcome: { kind: "failed", error: { name: "E" } } }, "outcome.error.message"],
  [
    "task.settle",
    { taskId: "ID", outcome: { kind: "failed", error: { name: "E", message: long } } },
    "outcome.error.message",
  ],
  ["task.settle", { taskId: "ID", outcome: { kind: "completed", result: 5 } }, "outcome.result"],
  ["task.settle", { taskId: "ID", outcome: { kind: "waiting", wait: { for: "dependency" } } }, "outcome.wait"],
  [
    "task.settle",
    { taskId: "ID", outcome: { kind: "waiting", wait: { for: "input", wakeOnEvents: ["e"] } } },
    "outcome.wait",
  ],
  ["task.settle", { taskId: "ID", outcome: { kind: "waiting", wait: { for: "rain" } } }, "outcome.wait.for"],
  ["task.emit", { taskId: "ID", events: [{ type: "status", status: "completed", attempt: 1 }] }, "events.0.type"],
  ["task.emit", { taskId: "ID", events: [{ type: "log", level: "loud", message: "m" }] }, "events.0.level"],
  ["task.act", { taskId: "ID", action: "explode" }, "action"],
  ["task.act", { taskId: "ID", action: "resume", input: new Uint8Array(65 * 1024) }, "input"],
  ["task.get", { taskId: long }, "taskId"],
  ["task.query", { limit: 1001 }, "limit"],
  ["task.query", { filter: { status: "done" } }, "filter.status"],
  ["task.events", { taskId: "ID", after: -1 }, "after"],
  ["task.bulk", { action: "cancel" }, "filter"],
  ["task.pool", { implementation: "pool", action: "drop" }, "action"],
  ["task.pool", { implementation: "*", action: "get" }, "implementation"],
];

/** Bad input: a typed error, and nothing has changed. */
export const cases: Case[] = [
  {
    name: `bad: each of ${refused.length} wrong calls is refused with the field at fault, and changes nothing`,
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      const [taskId, waiting] = [await make(desk), await make(desk)];
      const look = async (): Promise<unknown> => [
        (await call(desk, "task.query", {})).tasks,
        (await call(desk, "task.pool", { implementation: "pool", action: "get" })).pool,
      ];
      const before = await look();
      for (const [op, input, field] of refused) {
        const mended = { ...(input as { taskId?: string }) };
        if (mended.taskId === "ID") mended.taskId = taskId;
        const error = await rejects(call(worker.client, op, mended as OpInput<OpName>), "InvalidArgumentError");
        equal(error.argument, field, `${op} ${JSON.stringify(input).slice(0, 200)}: ${error.message}`);
      }
      equal(await look(), before);
      await worker.complete();
      equal(await statusOf(desk, taskId, waiting), ["completed", "running"]);
    },
  },
  {
    name: "bad: what cannot be done to a task where it is, is a conflict that says where it is",
    async run() {
      await using world = await taskWorld();
      const { desk, worker } = world;
      const running = await make(desk);
      const completed = running;
      for (const action of ["retry", "resume"] as const) {
        const error = await rejects(act(desk, running, action), "ConflictError");
        equal((error.details as { status: string }).status, "running", action);
      }
      await worker.complete();
      for (const action of ["retry", "resume", "pause", "reject", "start", "cancel"] as const) {
        const error = await rejects(act(desk, completed, action), "ConflictError");
        equal((error.details as { status: string }).status, "completed", action);
      }
      // What cannot be an id is one that nobody has.
      for (const id of [nobody, "nonsense", "../../x", "a\0b"]) {
        for (const action of ["retry", "cancel", "resume"] as const) {
          await rejects(act(desk, id, action), "NotFoundError");
        }
        equal(await call(desk, "task.get", { taskId: id }), {});
        await rejects(make(desk, { dependsOn: [id] }), "NotFoundError");
        equal(
          (await call(worker.client, "task.serve", { slots: 1, running: [{ taskId: id, attempt: 1 }] })).lost.length,
          1,
        );
      }
      equal(await statusOf(desk, completed), ["completed"]);
    },
  },
];
