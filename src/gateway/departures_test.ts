import assert from "node:assert/strict";
import { test } from "node:test";
import { eachFrame, FrameKind, FrameWriter, readU32 } from "../protocol/frames.ts";
import { makeRoom } from "../protocol/spares.ts";
import { chunkFrame } from "../protocol/stream_frames.ts";
import { StreamQueue } from "../session/stream_queue.ts";
import type { Transport } from "../transport/transport.ts";
import { Departures } from "./departures.ts";

/** A numbered frame that says a number. */
function frame(number: number): Uint8Array {
  const writer = new FrameWriter(0);
  writer.cancel(number);
  return writer.take();
}

/** What leaves, message by message: numbers of frames, and kinds of those that have none. */
function wire() {
  const sent: Uint8Array[] = [];
  const transport = { isCopying: true, send: (bytes: Uint8Array) => void sent.push(bytes) } as unknown as Transport;
  const said = (): (number | string)[][] =>
    sent.map((bytes) => {
      const found: (number | string)[] = [];
      eachFrame(bytes, (kind, all, start) => found.push(kind === FrameKind.Cancel ? readU32(all, start + 6) : "chunk"));
      return found;
    });
  return { sent, transport, said };
}

test("those who hear the same in a turn are sent the same bytes, others their own in the same order", () => {
  const frames = [frame(1), frame(2), frame(3)];
  const all = Array.from({ length: 3 }, () => {
    const departures = new Departures();
    departures.hasSocket = true;
    return { departures, ...wire() };
  });
  for (const one of frames) for (const { departures } of all) departures.message(one, true);
  all[2].departures.message(frame(4), false);
  for (const { departures, transport } of all) {
    departures.seal(undefined);
    departures.send(transport);
  }
  assert.deepEqual(all.map(({ said }) => said()), [[[1, 2, 3]], [[1, 2, 3]], [[1, 2, 3, 4]]]);
  assert.equal(all[0].sent[0], all[1].sent[0]);
  for (const { departures } of all) assert.ok(departures.holds(0));
  assert.ok(all[0].departures.acknowledge(3));
  assert.equal(all[0].departures.kept, 0);
  assert.equal(all[0].departures.holds(2), false);
});

test("data of streams is not kept with what others hear as well", () => {
  const departures = new Departures();
  departures.hasSocket = true;
  const { transport, said } = wire();
  const queue = new StreamQueue();
  departures.message(frame(1), true);
  for (let n = 0; n < 3; n++) queue.push(1, chunkFrame(1, 0, new Uint8Array(1000)));
  departures.seal(queue);
  departures.send(transport);
  assert.deepEqual(said(), [[1], ["chunk", "chunk", "chunk"]]);
  assert.equal(departures.kept, frame(1).length);
});

test("without a socket what is laid waits for the next one, large and common frames too", () => {
  const departures = new Departures();
  const { transport, said } = wire();
  const large = new Uint8Array(20_000);
  new DataView(large.buffer).setUint32(0, large.length - 4);
  large[4] = FrameKind.Cancel;
  large[9] = 2;
  departures.message(frame(1), true);
  departures.message(large, false);
  departures.message(frame(3), true);
  departures.message(frame(4), false);
  departures.seal(undefined);
  departures.send(undefined);
  assert.ok(departures.holds(0));
  departures.replay(0, transport);
  assert.deepEqual(said().flat(), [1, 2, 3, 4]);
});

test("the memory of a large piece goes when it was copied out, that of a message stays until the client has it", () => {
  for (const isCopying of [true, false]) {
    const departures = new Departures();
    departures.hasSocket = true;
    const sent: number[] = [];
    const transport = { isCopying, send: (bytes: Uint8Array) => void sent.push(bytes.length) } as unknown as Transport;
    const queue = new StreamQueue();
    const piece = chunkFrame(1, 0, new Uint8Array(60_000));
    const two = new Uint8Array(2 * piece.length);
    for (const at of [0, piece.length]) two.set(chunkFrame(3, 0, new Uint8Array(60_000)), at);
    const writer = new FrameWriter(0);
    writer.send(1, 0, 0, new Uint8Array(), new Uint8Array(), new Uint8Array(), new Uint8Array(60_000));
    const message = writer.take().slice();
    departures.message(message, true);
    queue.push(1, piece);
    queue.push(3, two.subarray(0, piece.length));
    departures.seal(queue);
    departures.send(transport);
    assert.deepEqual(sent, [message.length, piece.length || sent[1], two.length / 2]);
    assert.deepEqual([piece.length > 0, message.length > 0, two.length > 0], [!isCopying, true, true]);
  }
});

test("the memory of small pieces is used again when they were copied out, and never that of messages", () => {
  for (const isCopying of [true, false]) {
    // What others have given back is out of the way.
    for (let n = 0; n < 20; n++) makeRoom(8192);
    const departures = new Departures();
    departures.hasSocket = true;
    const sent: Uint8Array[] = [];
    const transport = { isCopying, send: (bytes: Uint8Array) => void sent.push(bytes) } as unknown as Transport;
    const queue = new StreamQueue();
    for (let stream = 1; stream < 40; stream += 2) {
      queue.push(stream, chunkFrame(stream, 0, new Uint8Array(1000).fill(stream)));
    }
    departures.message(frame(1), false);
    departures.seal(queue);
    assert.equal(sent.length, 0);
    departures.send(transport);
    const [message, pieces] = sent;
    let count = 0;
    eachFrame(pieces, (kind) => void (count += kind === FrameKind.Chunk ? 1 : 0));
    assert.equal(count, 20);
    const room = makeRoom(pieces.length);
    assert.equal(room.buffer === pieces.buffer, isCopying);
    assert.notEqual(makeRoom(8192).buffer, message.buffer);
    assert.ok(departures.holds(0), "the message can be sent again");
  }
});

test("what leaves for a client is given back by its session's queue as well", () => {
  for (let n = 0; n < 20; n++) makeRoom(8192);
  const queue = new StreamQueue();
  const writer = new FrameWriter();
  const sent: Uint8Array[] = [];
  for (let n = 0; n < 20; n++) queue.push(1, chunkFrame(1, 0, new Uint8Array(1000)));
  queue.flush(writer, (bytes) => (sent.push(bytes), true));
  assert.deepEqual([sent.length, writer.size], [1, 0]);
  assert.equal(makeRoom(sent[0].length).buffer, sent[0].buffer);
  queue.push(1, chunkFrame(1, 0, new Uint8Array(60_000)));
  queue.flush(writer, (bytes) => (sent.push(bytes), true));
  assert.deepEqual(sent.map(({ length }) => length > 0), [true, false]);
  // Without anything of a stream what was laid stays: acknowledgements go with it.
  writer.cancel(1);
  queue.flush(writer, () => assert.fail("sent"));
  assert.ok(writer.size > 0);
});
