import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Packr } from "msgpackr/pack";
import { decodeStructured, encodeStructured } from "./structured.ts";

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 63n - 1n }),
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.date({ noInvalidDate: true }),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 12 }).filter((key) => key !== "__proto__"), tie("value"), { maxKeys: 20 }),
  ),
})).value;

const strip = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, item) =>
      typeof item === "bigint" ? `${item}n` : item instanceof Uint8Array ? [...item] : item) ?? "null",
  );

test("what is encoded is decoded again, and any MessagePack decoder reads it", () => {
  const peer = new Packr({ useRecords: false });
  fc.assert(fc.property(plain, (value) => {
    const bytes = encodeStructured(value);
    assert.deepEqual(strip(decodeStructured(bytes)), strip(value));
    assert.deepEqual(strip(peer.unpack(bytes)), strip(value));
  }));
});

test("what another encoder wrote is decoded", () => {
  const peer = new Packr({ useRecords: false });
  fc.assert(
    fc.property(
      plain,
      (value) => assert.deepEqual(strip(decodeStructured(new Uint8Array(peer.pack(value)))), strip(value)),
    ),
  );
});

test("bytes of a stranger are decoded or refused with our error, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeStructured(bytes);
      } catch (error) {
        assert.equal((error as Error).name, "InvalidArgumentError");
      }
    }),
    { numRuns: 2000 },
  );
});

test("a moment is decoded from all three forms, and no other extension is", () => {
  const decode = (...bytes: number[]): unknown => decodeStructured(Uint8Array.from(bytes));
  assert.deepEqual(decode(0xd6, 0xff, 0, 0, 0, 1), new Date(1000));
  assert.deepEqual(decode(0xd7, 0xff, 0x77, 0x35, 0x94, 0x00, 0, 0, 0, 1), new Date(1500));
  const negative = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  assert.deepEqual(decode(0xc7, 12, 0xff, 0x1d, 0xcd, 0x65, 0x00, ...negative), new Date(-500));
  assert.throws(() => decode(0xd6, 1, 0, 0, 0, 1), { name: "InvalidArgumentError" });
  assert.throws(() => decode(0xc7, 3, 0xff, 0, 0, 1), { name: "InvalidArgumentError" });
  assert.throws(() => encodeStructured(new Date(NaN)), { name: "InvalidArgumentError" });
});

test("a circle, a function and too wide an integer are refused", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const value of [circle, () => 1, 2n ** 64n]) {
    assert.throws(() => encodeStructured(value), { name: "InvalidArgumentError" });
  }
});
