import assert from "node:assert/strict";
import { test } from "node:test";
import { letGo, owned } from "./let_go.ts";

test("bytes that are all of their memory are let go, a part of more is not", () => {
  const whole = new Uint8Array(100);
  letGo(whole);
  assert.equal(whole.length, 0);
  const part = new Uint8Array(100).subarray(10);
  letGo(part);
  letGo(part, 9);
  assert.equal(part.length, 90);
  letGo(part, 10);
  assert.equal(part.length, 0);
  letGo(part);
  // Shared memory is somebody else's as well, and cannot be let go.
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  letGo(shared);
  assert.equal(shared.length, 8);
});

test("bytes that share their memory with others are copied, those that have a head in front are not", () => {
  const memory = Uint8Array.from({ length: 20 }, (_, at) => at);
  const last = memory.subarray(14);
  assert.equal(owned(last, 14), last);
  for (const [part, front] of [[memory.subarray(0, 6), 14], [last, 13], [memory.subarray(14, 19), 14]] as const) {
    const copy = owned(part, front);
    assert.deepEqual([copy.buffer === memory.buffer, [...copy]], [false, [...part]]);
  }
});
