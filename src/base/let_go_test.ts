import assert from "node:assert/strict";
import { test } from "node:test";
import { letGo } from "./let_go.ts";

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
