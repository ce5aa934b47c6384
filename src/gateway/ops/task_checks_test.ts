import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlainCreate, isPlainSettle } from "./task_checks.ts";
import * as schemas from "./task_schemas.ts";

const values = [
  ...[0, 1, 2, 30, 100, 101, -1, 0.5, NaN, Infinity, 1e12, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 5n],
  ...["", "a", "a::b", ":a", "a b", "é".repeat(130), "x".repeat(128), "x".repeat(129), "x".repeat(257)],
  ...[true, false, null, undefined, [], {}, { kind: "completed" }, new Date(0)],
  ...[new Uint8Array(0), new Uint8Array(2 ** 20), new Uint8Array(2 ** 20 + 1)],
];

/** What the schema makes of a body: one with a field that nobody knows is never plain, and the schema leaves that out. */
function judged(check: (body: unknown) => unknown, body: object): unknown {
  return check({ ...body, unheardOf: 1 });
}

test("what is plain is what the schema would have let pass, unchanged", () => {
  const create = { type: "t", payload: new Uint8Array(1) };
  const settle = { taskId: "t", attempt: 1, outcome: { kind: "completed", result: new Uint8Array(1) } };
  const optional = ["workspace", "implementation", "isStructured", "watch", "idempotencyKey", "correlationId"];
  const fields = [...optional, "parentTaskId", "priority", "timeoutMs", "deadlineMs", ...Object.keys(create)];
  let plain = 0;
  for (const value of values) {
    for (const field of fields) {
      const body = { ...create, [field]: value };
      if (isPlainCreate(body) && ++plain) assert.deepEqual(judged(schemas.create, body), body, field);
    }
    for (const field of Object.keys(settle)) {
      const body = { ...settle, [field]: value };
      if (isPlainSettle(body) && ++plain) assert.deepEqual(judged(schemas.settle, body), body, field);
    }
    for (const field of ["kind", "result", "isStructured"]) {
      const body = { ...settle, outcome: { ...settle.outcome, [field]: value } };
      if (isPlainSettle(body) && ++plain) assert.deepEqual(judged(schemas.settle, body), body, field);
    }
  }
  assert.ok(plain > 40, String(plain));
});

test("whatever is unusual is for the schema", () => {
  assert.ok(isPlainCreate({ type: "t", payload: new Uint8Array(1) }));
  const odd = [
    null,
    [],
    "text",
    { type: "t" },
    { payload: new Uint8Array(1) },
    { type: "t", payload: new Uint8Array(1), dependsOn: [] },
    { type: "t", payload: new Uint8Array(1), unheardOf: 1 },
  ];
  for (const body of odd) assert.ok(!isPlainCreate(body) && !isPlainSettle(body));
  assert.ok(!isPlainSettle({ taskId: "t", outcome: { kind: "released" } }));
});
