/** Codecs and queues of the wire. */
import { utf8 } from "../../src/base/bytes.ts";
import { sendFault, type Subject } from "../../src/gateway/access.ts";
import { eachFrame, FrameKind, FrameWriter, MessageView, readSend } from "../../src/protocol/frames.ts";
import { decodeStructured, encodeStructured } from "../../src/protocol/structured.ts";
import { parseTopic } from "../../src/protocol/topics.ts";
import { Outbox } from "../../src/session/outbox.ts";
import { StreamQueue } from "../../src/session/stream_queue.ts";
import { payload } from "../lib/scenario.ts";
import type { MicroCase } from "./loop.ts";

/** Frames of one turn. */
const TURN = 16;
const bytes = payload();
const none = new Uint8Array(0);
const topic = utf8("ag::prod::worker::inst-1");

/** A message of a turn of sends. */
export function turnOfSends(first = 1): Uint8Array {
  const writer = new FrameWriter();
  for (let at = 0; at < TURN; at++) writer.send(0, first + at, 0, topic, none, none, bytes);
  return writer.take();
}

/** All of them. */
export function wireCases(): MicroCase[] {
  const writer = new FrameWriter();
  const turn = turnOfSends();
  const view = new MessageView();
  const body = { op: "kv.put", in: { workspace: "prod", key: "some/key/12345", value: bytes, ttl: 60 } };
  const encoded = encodeStructured(body);
  const outbox = new Outbox();
  const texts = Array.from({ length: TURN }, (_, at) => `ag::prod::worker::inst-${at}`);
  const topics = texts.map(parseTopic);
  const subject: Subject = {
    identity: { type: "agent", workspace: "prod", implementation: "worker", specifier: "inst-1" },
    workspace: "prod",
  };
  const streams = new StreamQueue();
  const frame = new FrameWriter(0);
  frame.open(FrameKind.Chunk, 0, 10 + 1024);
  const chunk = frame.take();
  return [
    {
      name: "frame_write",
      run: (times) => {
        for (let at = 1; at <= times; at++) {
          writer.send(0, at, 0, topic, none, none, bytes);
          if (at % TURN === 0) writer.take();
        }
        writer.take();
      },
    },
    {
      name: "frame_read",
      run: (times) => {
        for (let at = 0; at < times; at += TURN) {
          eachFrame(turn, (_, all, start, end) => readSend(all, start, end, view));
        }
      },
    },
    { name: "structured_encode", run: (times) => repeat(times, () => encodeStructured(body)) },
    { name: "structured_decode", run: (times) => repeat(times, () => decodeStructured(encoded)) },
    {
      name: "outbox",
      run: (times) => {
        for (let at = 0; at < times; at++) {
          outbox.push(turn, TURN);
          // The peer's word comes a few turns later.
          if (at % 4 === 3) outbox.acknowledge(outbox.written - TURN);
        }
      },
    },
    { name: "topic_parse", run: (times) => repeat(times, (at) => parseTopic(texts[at % TURN])) },
    { name: "access_check", run: (times) => repeat(times, (at) => sendFault(subject, topics[at % TURN])) },
    {
      name: "stream_queue",
      run: (times) => {
        for (let at = 1; at <= times; at++) {
          streams.push(at % 8, chunk);
          if (at % 8 !== 0) continue;
          while (streams.bytes > 0) {
            streams.flush(writer, copied);
            streams.credited(8 * 1024);
          }
        }
      },
    },
  ];
}

let last: unknown;
/** A transport that is done with the bytes when it has sent them. */
function copied(): boolean {
  return true;
}

/** What comes out is kept, so that it is not left out. */
function repeat(times: number, run: (at: number) => unknown): void {
  for (let at = 0; at < times; at++) last = run(at);
  if (last === repeat) throw new Error("never");
}
