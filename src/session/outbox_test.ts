import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eachFrame, FrameKind, FrameWriter, readU32 } from "../protocol/frames.ts";
import { makeRoom } from "../protocol/spares.ts";
import { Outbox } from "./outbox.ts";

/** Numbers of the cancel frames in messages, in order. */
function numbers(messages: Uint8Array[]): number[] {
  const found: number[] = [];
  for (const message of messages) {
    eachFrame(
      message,
      (kind, bytes, start) => void (kind === FrameKind.Cancel && found.push(readU32(bytes, start + 6))),
    );
  }
  return found;
}

test("it replays exactly what the peer does not have, whatever the batches and the acks in them", () => {
  const turns = fc.array(fc.array(fc.constantFrom("frame", "ack"), { minLength: 1, maxLength: 6 }), { maxLength: 20 });
  fc.assert(
    fc.property(turns, fc.nat(100), fc.nat(100), fc.integer({ min: 1, max: 80 }), (batches, acked, has, batchBytes) => {
      const outbox = new Outbox();
      const writer = new FrameWriter();
      let count = 0;
      for (const batch of batches) {
        for (const kind of batch) kind === "ack" ? writer.ack(1, 1) : writer.cancel(++count);
        const numbered = writer.numbered;
        outbox.push(writer.take(), numbered);
      }
      acked = Math.min(acked, count);
      has = Math.max(acked, Math.min(has, count));
      assert.ok(outbox.acknowledge(acked));
      let held = 0;
      outbox.each(has, () => held++);
      assert.equal(held, count - has);
      const expected = Array.from({ length: count - has }, (_, at) => has + at + 1);
      assert.deepEqual(numbers(outbox.replay(has, batchBytes)), expected);
      assert.equal(outbox.acknowledge(count + 1), false, "a count from the future");
      assert.ok(outbox.acknowledge(count));
      assert.equal(outbox.bytes, 0);
    }),
  );
});

test("a buffer is used again when the peer has it and nobody sends it any more, and not before", () => {
  const outbox = new Outbox();
  const buffer = (): Uint8Array => {
    const writer = new FrameWriter(16_384);
    writer.cancel(1);
    const bytes = writer.take();
    outbox.push(bytes, 1);
    return bytes;
  };
  const isUsedAgain = ({ buffer }: Uint8Array): boolean => {
    const room = makeRoom(16_384);
    return room.buffer === buffer;
  };
  const [first, second, third] = [buffer(), buffer(), buffer()];
  outbox.left(true, 2);
  outbox.acknowledge(1);
  assert.equal(isUsedAgain(first), true);
  assert.equal(isUsedAgain(second), false, "the peer does not have it");
  // A peer may say that it has what has not left: it will be sent as it is all the same.
  outbox.acknowledge(3);
  assert.equal(isUsedAgain(second), true);
  assert.equal(isUsedAgain(third), false, "it has not left");
});

test("what has left once without being copied is never used again, whatever comes later", () => {
  const outbox = new Outbox();
  const writer = new FrameWriter(20_000);
  writer.cancel(1);
  const bytes = writer.take();
  outbox.push(bytes, 1);
  outbox.left(false);
  outbox.left(true);
  outbox.acknowledge(1);
  assert.notEqual(makeRoom(20_000).buffer, bytes.buffer);
});

test("what somebody else has as well is never used again", () => {
  const outbox = new Outbox();
  const bytes = new Uint8Array(24_000);
  outbox.push(bytes, 1, true);
  outbox.left(true);
  outbox.acknowledge(1);
  assert.notEqual(makeRoom(24_000).buffer, bytes.buffer);
});
