import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameKind, FrameWriter, MessageView, readSend } from "./frames.ts";
import { writeDeliver, writeReceipts, writeReject } from "./frames_down.ts";
import { giveBack, makeRoom } from "./spares.ts";
import { writeCredit, writeOpen } from "./stream_frames.ts";

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at * 7);

/** Every kind of frame that is laid into a writer, often enough for a large buffer. */
function everything(): Uint8Array {
  const writer = new FrameWriter(32_768);
  const send = new FrameWriter(0);
  send.send(1, 2, 3, bytes(4), bytes(5), bytes(6), bytes(7));
  const sent = send.take();
  const view = new MessageView();
  readSend(sent, 0, sent.length, view);
  const stamp = { sequence: 1, at: 2, source: bytes(3), target: bytes(4), workspace: bytes(5), producer: bytes(12) };
  for (let round = 0; round < 50; round++) {
    writer.structured(FrameKind.Notify, bytes(round));
    writer.structured(FrameKind.Call, bytes(round), round);
    writer.copy(sent, 0, sent.length);
    writer.ack(round, 2 ** 40 + round);
    writer.send(0, round, 0, bytes(9), bytes(0), bytes(0), bytes(round));
    writer.request(6, round, 1000, bytes(3), bytes(round), bytes(1), bytes(2));
    writer.reply(round, 1, 6, bytes(round));
    writer.cancel(round);
    writeDeliver(writer, view, stamp);
    writeReceipts(writer, [0, 1, 2, 1, 2 ** 40, 4]);
    writeReject(writer, round, bytes(round));
    writeOpen(writer, round, 1, round % 2 === 0, bytes(3), bytes(4), bytes(round));
    writeCredit(writer, round, round);
  }
  return writer.take();
}

test("a buffer that was used before shows nothing of what was in it", () => {
  const fresh = everything().slice();
  giveBack(new Uint8Array(65_536).fill(0xaa));
  const again = everything();
  assert.equal(again.buffer.byteLength, 65_536, "it was used");
  assert.deepEqual(again, fresh);
});

test("a buffer is given out to one at a time, and only where it is large enough", () => {
  const one = new Uint8Array(10_000);
  giveBack(one.subarray(0, 3));
  assert.notEqual(makeRoom(10_001).buffer, one.buffer);
  assert.notEqual(makeRoom(100).buffer, one.buffer, "little room is not worth it");
  assert.equal(makeRoom(9000).buffer, one.buffer);
  assert.notEqual(makeRoom(9000).buffer, one.buffer);
});

test("no more than a few are kept, and none that is very large or small", () => {
  for (let n = 0; n < 20; n++) giveBack(new Uint8Array(20_000).fill(1));
  giveBack(new Uint8Array(1_000_000).fill(1));
  giveBack(new Uint8Array(100).fill(1));
  const isUsed = (room: Uint8Array): boolean => room[0] === 1;
  assert.equal(isUsed(makeRoom(100)), false);
  assert.equal(isUsed(makeRoom(500_000)), false);
  let kept = 0;
  while (isUsed(makeRoom(20_000))) kept++;
  assert.equal(kept, 8);
});
