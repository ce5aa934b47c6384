// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { KV_VALUE_BYTES } from "../../protocol/limits.ts";
import { ALIVE, ENDED } from "../../protocol/task_states.ts";
import { count, segment } from "../schemas.ts";
import { checked } from "./kv_schemas.ts";
import { isPlainCreate, isPlainSettle } from "./task_checks.ts";

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const short = v.pipe(v.string(), v.maxLength(256));
const words = v.pipe(v.string(), v.maxLength(4096));
/** Thirty years: what lasts longer is a mistake in the unit. */
const LONGEST_MS = 1e12;
/** Last moment a Date can say. */
const LAST_MOMENT = 8.64e15;
/** Bytes a resume may bring: it is kept in the record. */
const INPUT_BYTES = 64 * 1024;

const ms = v.pipe(v.number(), v.minValue(0), v.maxValue(LONGEST_MS));
const moreMs = v.pipe(v.number(), v.minValue(1), v.maxValue(LONGEST_MS));
const whole = v.pipe(v.number(), v.integer(), v.minValue(1));
const moment = v.pipe(v.number(), v.minValue(0), v.maxValue(LAST_MOMENT));
const bytesUpTo = (most: number): v.GenericSchema<Uint8Array> =>
  v.pipe(
    v.instance(Uint8Array, "must be bytes"),
    v.check((value) => value.length <= most, `must not be longer than ${most} bytes`),
  );
const bytes = bytesUpTo(KV_VALUE_BYTES);
const texts = v.pipe(
  v.record(short, words),
  v.check((map) => Object.keys(map).length <= 64, "more than 64 entries"),
);
const status = v.picklist([...ALIVE, "completed", ...ENDED]);
const statuses = v.optional(v.union([status, v.array(status)]));
const taskClass = v.optional(v.picklist(["interactive", "background", "batch"]));
const keyed = v.object({ key: short, ms: moreMs });
const optional = v.optional;

const retry = v.object({
  maxAttempts: optional(v.pipe(whole, v.maxValue(1000))),
  backoff: optional(v.picklist(["fixed", "exponential"])),
  initialDelayMs: optional(ms),
  maxDelayMs: optional(ms),
  jitter: optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  scheduleMs: optional(v.pipe(v.array(ms), v.maxLength(1000))),
});
const error = v.object({
  name: short,
  message: words,
  code: optional(short),
  details: optional(v.record(v.string(), v.unknown())),
});
const wait = v.pipe(
  v.object({
    for: v.picklist(["input", "authority", "dependency", "hibernation"]),
    reason: optional(words),
    dependsOn: optional(v.pipe(v.array(id), v.minLength(1), v.maxLength(1000))),
    wakeAt: optional(moment),
    wakeOnEvents: optional(v.pipe(v.array(short), v.minLength(1), v.maxLength(100))),
    timeoutMs: optional(moreMs),
    onTimeout: optional(v.picklist(["fail", "retry", "resume"])),
  }),
  v.check(
    (wait) => (wait.for === "dependency") === (wait.dependsOn !== undefined),
    "dependsOn is for dependency alone",
  ),
  v.check((wait) => wait.for === "hibernation" || !wait.wakeOnEvents, "wakeOnEvents is for hibernation alone"),
);
const outcome = v.variant("kind", [
  v.object({ kind: v.literal("completed"), result: optional(bytes), isStructured: optional(v.boolean()) }),
  v.object({
    kind: v.literal("failed"),
    error,
    isRetryable: optional(v.boolean()),
    retryAfterMs: optional(ms),
  }),
  v.object({ kind: v.literal("released"), reason: optional(words) }),
  v.object({ kind: v.literal("waiting"), wait }),
  v.object({ kind: v.literal("rejected"), reason: optional(words) }),
]);
const filter = v.object({
  status: statuses,
  excludeStatus: statuses,
  workspace: optional(segment),
  taskType: optional(short),
  implementation: optional(short),
  creator: optional(words),
  assignedTo: optional(words),
  parentTaskId: optional(id),
  rootTaskId: optional(id),
  correlationId: optional(short),
  taskClass,
  minPriority: optional(v.number()),
  createdAfter: optional(moment),
  createdBefore: optional(moment),
});
const attempt = optional(count);
const running = v.object({ taskId: id, attempt: count });

/** See the operation's entry in the table; one check for each. */
export const create = checked(
  "task.create",
  v.object({
    type: segment,
    watch: optional(v.pipe(count, v.maxValue(2 ** 32 - 1))),
    workspace: optional(segment),
    implementation: optional(segment),
    mode: optional(v.picklist([0, 1, 2])),
    target: optional(v.pipe(v.string(), v.minLength(1), v.maxLength(512))),
    payload: bytes,
    isStructured: optional(v.boolean()),
    priority: optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100))),
    idempotencyKey: optional(v.pipe(short, v.minLength(1))),
    idempotencyTtlMs: optional(moreMs),
    dedupe: optional(v.pipe(short, v.minLength(1))),
    singleton: optional(v.pipe(short, v.minLength(1))),
    debounce: optional(keyed),
    throttle: optional(keyed),
    runAt: optional(moment),
    cron: optional(v.object({ expression: short, timeZone: optional(short) })),
    dependsOn: optional(v.pipe(v.array(id), v.maxLength(1000))),
    onDependencyFailure: optional(v.picklist(["fail", "cancel", "continue"])),
    metadata: optional(texts),
    retry: optional(retry),
    timeoutMs: optional(moreMs),
    deadlineMs: optional(moreMs),
    concurrency: optional(v.object({ key: optional(short), perKey: optional(whole), total: optional(whole) })),
    rateLimit: optional(
      v.object({
        key: optional(short),
        perSecond: v.pipe(v.number(), v.finite(), v.gtValue(0, "must be above 0")),
        burst: optional(v.pipe(v.number(), v.finite(), v.minValue(1))),
      }),
    ),
    parentTaskId: optional(id),
    correlationId: optional(short),
    taskClass,
    weight: optional(v.pipe(whole, v.maxValue(1000))),
    completionEvent: optional(v.object({ name: optional(short), onStatuses: optional(v.array(status)) })),
    launchParams: optional(texts),
  }),
  isPlainCreate,
);
export const serve = checked(
  "task.serve",
  v.object({
    implementation: optional(segment),
    workspace: optional(segment),
    types: optional(v.pipe(v.array(segment), v.maxLength(1000))),
    slots: v.pipe(count, v.maxValue(10_000)),
    isAutoStart: optional(v.boolean()),
    graceMs: optional(v.pipe(ms, v.maxValue(600_000))),
    running: optional(v.pipe(v.array(running), v.maxLength(10_000))),
  }),
);
export const settle = checked("task.settle", v.object({ taskId: id, attempt, outcome }), isPlainSettle);
export const emit = checked(
  "task.emit",
  v.object({
    taskId: id,
    attempt,
    events: v.pipe(
      v.array(v.variant("type", [
        v.object({
          type: v.literal("log"),
          level: v.picklist(["debug", "info", "warn", "error"]),
          message: words,
          fields: optional(v.record(v.string(), v.unknown())),
        }),
        v.object({ type: v.literal("chunk"), data: bytes, isStructured: optional(v.boolean()) }),
      ])),
      v.maxLength(1000),
    ),
  }),
);
export const act = checked(
  "task.act",
  v.object({
    taskId: id,
    action: v.picklist(["cancel", "retry", "pause", "resume", "reject", "start"]),
    reason: optional(words),
    wait: optional(wait),
    input: optional(bytesUpTo(INPUT_BYTES)),
    payload: optional(bytes),
    isStructured: optional(v.boolean()),
    metadata: optional(texts),
  }),
);
export const get = checked("task.get", v.object({ taskId: id, withPayload: optional(v.boolean()) }));
export const result = checked("task.result", v.object({ taskId: id }));
export const query = checked(
  "task.query",
  v.object({
    filter: optional(filter),
    limit: optional(v.pipe(whole, v.maxValue(1000))),
    cursor: optional(short),
  }),
);
export const events = checked(
  "task.events",
  v.object({ taskId: id, after: count, limit: optional(v.pipe(whole, v.maxValue(1000))) }),
);
export const bulk = checked(
  "task.bulk",
  v.object({ filter, action: v.picklist(["cancel", "retry"]), reason: optional(words) }),
);
export const pool = checked(
  "task.pool",
  v.object({ implementation: segment, workspace: optional(segment), action: v.picklist(["get", "pause", "resume"]) }),
);
