import { deepStrictEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChangesWriter, readChanges } from "./changes.ts";

type Change = ["lane" | "cursor" | "producer", ...(number | string | undefined)[]];

const number = fc.oneof(fc.nat(), fc.nat(300), fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 31 - 1, 2 ** 31));
const moment = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 42 }));
const consumer = fc.oneof(fc.constant(undefined), fc.string({ unit: "binary" }));
const place = fc.oneof(fc.constant(-1), fc.nat(), fc.maxSafeNat().map((n) => n - 1));
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.constant("lane" as const), number, number, number, number, number),
  fc.tuple(number, number).map((
    [id, last],
  ): Change => ["lane", id, Math.min(last, 2 ** 52) + 1, Math.min(last, 2 ** 52), 0, 0]),
  fc.tuple(fc.constant("cursor" as const), number, consumer, place, moment),
  fc.tuple(fc.constant("producer" as const), number, number, moment),
);

function read(row: Uint8Array | string): Change[] {
  const found: Change[] = [];
  readChanges(row, {
    lane: (...values) => void found.push(["lane", ...values]),
    cursor: (...values) => void found.push(["cursor", ...values]),
    producer: (...values) => void found.push(["producer", ...values]),
  });
  return found;
}

function write(writer: ChangesWriter, changes: Change[]): Uint8Array {
  // deno-lint-ignore no-explicit-any
  for (const [kind, ...values] of changes) (writer[kind] as any)(...values);
  return writer.take().slice();
}

test("changes are read as they were written, whatever the turn before was", () => {
  const writer = new ChangesWriter();
  fc.assert(fc.property(fc.array(change), (changes) => deepStrictEqual(read(write(writer, changes)), changes)));
});

test("a turn of any size has room", () => {
  const changes = Array.from({ length: 50_000 }, (_, id): Change => ["lane", id, 1, id, id, 2 ** 40]);
  const writer = new ChangesWriter();
  for (let turn = 0; turn < 2; turn++) deepStrictEqual(read(write(writer, changes)), changes);
});

test("a change that is cut short is no change", () => {
  const writer = new ChangesWriter();
  for (const one of [["producer", 300, 300, 300], ["cursor", 1, "consumer", 1, 1]] as Change[]) {
    const whole = write(writer, [one]);
    for (let length = 1; length < whole.length; length++) throws(() => read(whole.subarray(0, length)));
  }
  throws(() => read(Uint8Array.of(0, 1)));
  throws(() => read("{"));
});
