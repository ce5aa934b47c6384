import assert from "node:assert/strict";
import { test } from "node:test";
import { clipped, decodeTask, encodeChanges, encodeTask, type TaskState } from "./record.ts";

const made = (bytes: Uint8Array) => ({ made: bytes, payload: undefined, state: undefined });

const full: Required<TaskState> = {
  id: "ubo19ko2oaglpulrko9",
  type: "t",
  workspace: "w",
  implementation: "i",
  mode: 2,
  target: "ag::w::i::s",
  creator: "ag::w::i::c",
  createdAt: 1,
  priority: 30,
  weight: 2,
  retry: { maxAttempts: 3, scheduleMs: [1, 2] },
  root: "r",
  parent: "p",
  timeoutMs: 3,
  concurrency: { key: "k", perKey: 1, total: 2 },
  rateLimit: { key: "k", perSecond: 0.5, burst: 2 },
  idempotencyKey: "ik",
  correlationId: "c",
  taskClass: "batch",
  onDependencyFailure: "continue",
  completionEvent: { name: "n", onStatuses: ["failed"] },
  launchParams: { a: "b" },
  cron: { expression: "* * * * *", timeZone: "Europe/Berlin" },
  names: ["a\0b"],
  deadlineAt: 4,
  metadata: { m: "" },
  status: "waiting_input",
  attempt: 5,
  failures: 6,
  losses: 7,
  dependsOn: ["d"],
  runAt: 8,
  startedAt: 9,
  completedAt: 10,
  assignedTo: "ag::w::i::s",
  producer: "abcdefghijkl",
  error: { name: "E", message: "m", code: "C", details: { nothing: null, deep: { list: [1, null] } } },
  reason: "",
  progress: { completion: 0, summary: "s" },
  wait: { for: "dependency", since: 11, open: ["d"], dependsOn: ["d"], timeoutMs: 12 },
  input: new Uint8Array([1]),
  payload: new Uint8Array(0),
  isPayloadApart: true,
  isStructured: false,
  result: new Uint8Array([2]),
  isResultStructured: true,
  events: 13,
  history: [[14, "pending", 0], [15, "failed", 1, null, { name: "E", message: "m" }], [16, "pending", 1, "retried"]],
};

test("a record comes back as it was kept, with every field it may have", () => {
  assert.deepEqual(decodeTask({ made: encodeTask(full), payload: full.payload, state: undefined }), full);
});

test("what has changed since takes the place of what was, also where there is nothing now", () => {
  const { id, type, metadata } = full;
  const first = { id, type, metadata, status: "pending", attempt: 0, reason: "none yet", wait: full.wait } as TaskState;
  const now = { ...full, reason: undefined, wait: undefined } as unknown as TaskState;
  const found = decodeTask({ made: encodeTask(first).slice(), payload: undefined, state: encodeChanges(now) });
  assert.deepEqual([found.status, found.attempt, found.reason, found.wait], ["waiting_input", 5, undefined, undefined]);
  assert.deepEqual(
    decodeTask({ made: encodeTask(full).slice(), payload: full.payload, state: encodeChanges(full) }),
    full,
  );
});

test("what a record does not have it does not have afterwards, and what was kept before there were more fields can be read", () => {
  const { id, type, metadata } = full;
  const few = { id, type, metadata, error: undefined } as TaskState;
  assert.deepEqual(decodeTask(made(encodeTask(few))), { id, type, metadata });
  // Two values, as if only two fields had been known.
  const old = Uint8Array.of(0x92, 0xa1, 0x69, 0xa1, 0x74);
  assert.deepEqual(decodeTask(made(old)), { id: "i", type: "t" });
});

test("details of an error are kept up to some size", () => {
  const error = { name: "E", message: "m", details: { text: "x".repeat(8000) } };
  assert.equal(clipped(error), error);
  assert.deepEqual(clipped({ ...error, details: { text: "x".repeat(9000) } }), { name: "E", message: "m" });
});
