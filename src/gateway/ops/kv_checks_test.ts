import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlainKey, isPlainPut } from "./kv_checks.ts";
import * as schemas from "./kv_schemas.ts";

const values = [
  ...[0, 1, 8, 9, -1, 0.5, NaN, Infinity, 2 ** 31, 2 ** 31 + 1, 5n],
  ...["", "a", "a::b", ":a", "a b", "\0", "é".repeat(130), "x".repeat(170), "x".repeat(512), "x".repeat(513), "\ud800"],
  ...[true, false, null, undefined, [], {}, new Date(0)],
  ...[new Uint8Array(0), new Uint8Array(2 ** 20), new Uint8Array(2 ** 20 + 1)],
];

/** What the schema makes of a body: one with a field that nobody knows is never plain, and the schema leaves that out. */
function judged(check: (body: unknown) => unknown, body: object): unknown {
  return check({ ...body, unheardOf: 1 });
}

test("what is plain of keys is what the schema would have let pass, unchanged", () => {
  const put = { key: "k", value: new Uint8Array(1) };
  let plain = 0;
  for (const value of values) {
    for (const field of ["key", "value", "ttl", "scope", "workspace", "userId"]) {
      const body = { ...put, [field]: value };
      if (isPlainPut(body) && ++plain) assert.deepEqual(judged(schemas.put, body), body, field);
      const { value: _, ...key } = body;
      if (isPlainKey(key) && ++plain) assert.deepEqual(judged(schemas.key, key), key, field);
    }
  }
  assert.ok(plain > 30, String(plain));
});

test("whatever is unusual of keys is for the schema", () => {
  assert.ok(isPlainKey({ key: "k" }) && isPlainPut({ key: "k", value: new Uint8Array(1), ttl: 0 }));
  const odd = [null, [], "text", {}, { value: new Uint8Array(1) }, { key: "k", scope: 0 }, { key: "k", unheardOf: 1 }];
  for (const body of odd) assert.ok(!isPlainKey(body) && !isPlainPut(body));
  assert.ok(!isPlainKey({ key: "k", value: new Uint8Array(1) }) && !isPlainPut({ key: "k" }));
});
