import { AgentClient } from "../../mod.ts";
import { allowAll, createGateway } from "../../src/gateway/mod.ts";
import {
  eachFrame,
  FLAG_END,
  FLAG_ERROR,
  FLAG_PRODUCER_ID,
  FLAG_QUEUE,
  FLAG_REFUSED,
  FLAG_TRAILERS,
  FrameKind,
  FrameWriter,
  MessageView,
  readDeliver,
  readRequest,
  readSend,
  readU32,
  readU48,
  RECEIPT_BYTES,
  RECEIPT_DUPLICATE,
} from "../../src/protocol/frames.ts";
import { writeDeliver, writeReceipts, writeReject } from "../../src/protocol/frames_down.ts";
import { chunkFrame, readOpen, streamOf, writeCredit, writeOpen } from "../../src/protocol/stream_frames.ts";
import { decodeStructured, encodeStructured } from "../../src/protocol/structured.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Transport } from "../../src/transport/transport.ts";
import type { Case } from "../harness.ts";
import bad from "../vectors/bad.json" with { type: "json" };
import vectors from "../vectors/frames.json" with { type: "json" };

type Meaning = Record<string, unknown>;

const text = (value: unknown): Uint8Array => new TextEncoder().encode(String(value ?? ""));
const NONE = new Uint8Array(0);

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => parseInt(hex.slice(at * 2, at * 2 + 2), 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Compares plain data; the order of an object's names does not count. */
function canonical(value: unknown): string {
  const sort = (_: string, inner: unknown): unknown =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  return JSON.stringify(value, sort);
}

function expect(what: string, actual: unknown, expected: unknown): void {
  const [is, should] = [canonical(actual), canonical(expected)];
  if (is !== should) throw new Error(`${what}: ${is} is not ${should}`);
}

/** Reads one frame into the names that frames.json uses. */
function decode(message: Uint8Array, isOfCall = false): Meaning {
  const meanings: Meaning[] = [];
  eachFrame(
    message,
    (kind, bytes, start, end) => meanings.push({ kind, ...decodeFrame(kind, bytes, start, end, isOfCall) }),
  );
  if (meanings.length !== 1) throw new Error(`${meanings.length} frames where one is expected`);
  return meanings[0];
}

/** @param isOfCall whether a reply is one to a call: only whoever has called knows */
function decodeFrame(kind: number, bytes: Uint8Array, start: number, end: number, isOfCall: boolean): Meaning {
  const view = new MessageView();
  const part = (from: number, to: number): string => new TextDecoder().decode(bytes.subarray(from, to));
  const rest = (): Meaning => {
    const { metaStart, payloadStart, payloadEnd } = view;
    const payload = part(payloadStart, payloadEnd);
    return metaStart === payloadStart
      ? { payload }
      : { metadata: decodeStructured(bytes.subarray(metaStart, payloadStart)), payload };
  };
  switch (kind) {
    case FrameKind.Ack:
      return { received: readU48(bytes, start + 6), handled: readU48(bytes, start + 12) };
    case FrameKind.Send: {
      readSend(bytes, start, end, view);
      const topic = part(view.targetStart, view.targetEnd);
      const id = part(view.idStart, view.metaStart);
      return { messageType: view.messageType, number: view.number, ttlMs: view.time, topic, id, ...rest() };
    }
    case FrameKind.Deliver: {
      readDeliver(bytes, start, end, view);
      const name = view.flags & FLAG_PRODUCER_ID
        ? { producer: part(view.idStart, view.metaStart - 6), number: readU48(bytes, view.metaStart - 6) }
        : { id: part(view.idStart, view.metaStart) };
      return {
        messageType: view.messageType,
        sequence: view.number,
        at: view.time,
        source: part(view.sourceStart, view.sourceEnd),
        target: part(view.targetStart, view.targetEnd),
        workspace: part(view.workspaceStart, view.idStart),
        queue: (view.flags & FLAG_QUEUE) !== 0,
        ...name,
        ...rest(),
      };
    }
    case FrameKind.Receipts: {
      const entries: Meaning[] = [];
      for (let at = start + 6; at < end; at += RECEIPT_BYTES) {
        const duplicate = (bytes[at] & RECEIPT_DUPLICATE) !== 0;
        entries.push({ duplicate, number: readU48(bytes, at + 1), sequence: readU48(bytes, at + 7) });
      }
      return { entries };
    }
    case FrameKind.Reject:
      return { number: readU48(bytes, start + 6), error: decodeStructured(bytes.subarray(start + 12, end)) };
    case FrameKind.Request: {
      readRequest(bytes, start, end, view);
      return {
        messageType: view.messageType,
        callId: view.number,
        timeoutMs: view.time,
        topic: part(view.targetStart, view.targetEnd),
        workspace: part(view.workspaceStart, view.idStart),
        ...rest(),
      };
    }
    case FrameKind.Reply: {
      const head = { callId: readU32(bytes, start + 8), messageType: bytes[start + 6] };
      const body = bytes.subarray(start + 12, end);
      if (isOfCall) return { ...head, body: decodeStructured(body) };
      return bytes[start + 5] & FLAG_ERROR
        ? { ...head, error: decodeStructured(body) }
        : { ...head, payload: new TextDecoder().decode(body) };
    }
    case FrameKind.Open: {
      const { kind: streamKind, head, ...open } = readOpen(bytes, start, end);
      return { ...open, streamKind, head: decodeStructured(head) };
    }
    case FrameKind.Head: {
      const isEnd = (bytes[start + 5] & FLAG_END) !== 0;
      return { stream: streamOf(bytes, start), isEnd, body: decodeStructured(bytes.subarray(start + 10, end)) };
    }
    case FrameKind.Chunk: {
      const flags = bytes[start + 5];
      const stream = { stream: streamOf(bytes, start), isEnd: (flags & FLAG_END) !== 0 };
      const payload = bytes.subarray(start + 10, end);
      return flags & FLAG_TRAILERS
        ? { ...stream, trailers: decodeStructured(payload) }
        : { ...stream, payload: new TextDecoder().decode(payload) };
    }
    case FrameKind.Credit:
      return { stream: streamOf(bytes, start), bytes: readU32(bytes, start + 10) };
    case FrameKind.Reset: {
      const isRefused = (bytes[start + 5] & FLAG_REFUSED) !== 0;
      return { stream: streamOf(bytes, start), isRefused, error: decodeStructured(bytes.subarray(start + 10, end)) };
    }
    case FrameKind.Cancel:
      return { callId: readU32(bytes, start + 6) };
    case FrameKind.Call:
      return { callId: readU32(bytes, start + 6), body: decodeStructured(bytes.subarray(start + 10, end)) };
    default:
      return { body: decodeStructured(bytes.subarray(start + 6, end)) };
  }
}

// deno-lint-ignore no-explicit-any
function encode(meaning: any): Uint8Array {
  const writer = new FrameWriter(0);
  const meta = meaning.metadata ? encodeStructured(meaning.metadata) : NONE;
  const payload = text(meaning.payload);
  switch (meaning.kind) {
    case FrameKind.Open: {
      const { stream, streamKind, isEnd, topic, workspace, head } = meaning;
      writeOpen(writer, stream, streamKind, isEnd, text(topic), text(workspace), encodeStructured(head));
      break;
    }
    case FrameKind.Head:
      writer.structured(meaning.kind, encodeStructured(meaning.body), meaning.stream, meaning.isEnd ? FLAG_END : 0);
      break;
    case FrameKind.Chunk:
      return meaning.trailers
        ? chunkFrame(meaning.stream, FLAG_END | FLAG_TRAILERS, encodeStructured(meaning.trailers))
        : chunkFrame(meaning.stream, meaning.isEnd ? FLAG_END : 0, payload);
    case FrameKind.Credit:
      writeCredit(writer, meaning.stream, meaning.bytes);
      break;
    case FrameKind.Reset: {
      const { stream, isRefused, error } = meaning;
      writer.structured(meaning.kind, encodeStructured(error), stream, isRefused ? FLAG_REFUSED : 0);
      break;
    }
    case FrameKind.Ack:
      writer.ack(meaning.received, meaning.handled);
      break;
    case FrameKind.Send:
      writer.send(
        meaning.messageType,
        meaning.number,
        meaning.ttlMs,
        text(meaning.topic),
        text(meaning.id),
        meta,
        payload,
      );
      break;
    case FrameKind.Deliver: {
      // The gateway makes a delivery of the send it got; so does this.
      const sent = new FrameWriter(0);
      sent.send(meaning.messageType, meaning.number ?? 1, 0, text(meaning.target), text(meaning.id), meta, payload);
      const bytes = sent.take();
      const view = new MessageView();
      readSend(bytes, 0, bytes.length, view);
      const { sequence, at, source, target, workspace, producer } = meaning;
      writeDeliver(writer, view, {
        sequence,
        at,
        source: text(source),
        target: text(target),
        workspace: text(workspace),
        producer: text(producer),
      });
      const frame = writer.take();
      if (meaning.queue) frame[5] |= FLAG_QUEUE;
      return frame;
    }
    case FrameKind.Receipts: {
      const entries = meaning.entries as { duplicate: boolean; number: number; sequence: number }[];
      writeReceipts(
        writer,
        entries.flatMap((entry) => [entry.duplicate ? RECEIPT_DUPLICATE : 0, entry.number, entry.sequence]),
      );
      break;
    }
    case FrameKind.Reject:
      writeReject(writer, meaning.number, encodeStructured(meaning.error));
      break;
    case FrameKind.Request: {
      const { messageType, callId, timeoutMs, topic, workspace } = meaning;
      writer.request(messageType, callId, timeoutMs, text(topic), text(workspace), meta, payload);
      break;
    }
    case FrameKind.Reply:
      if ("body" in meaning) writer.reply(meaning.callId, 0, meaning.messageType, encodeStructured(meaning.body));
      else if (meaning.error) {
        writer.reply(meaning.callId, FLAG_ERROR, meaning.messageType, encodeStructured(meaning.error));
      } else writer.reply(meaning.callId, 0, meaning.messageType, payload);
      break;
    case FrameKind.Cancel:
      writer.cancel(meaning.callId);
      break;
    default:
      writer.structured(meaning.kind, encodeStructured(meaning.body), meaning.callId);
  }
  return writer.take();
}

/** A bare pipe to a gateway: what comes back, and with which code it ends. */
async function wire(dial: ReturnType<Awaited<ReturnType<typeof createGateway>>["dial"]>) {
  const closed = Promise.withResolvers<number>();
  const first = Promise.withResolvers<Uint8Array>();
  const transport: Transport = await dial(new URL("ws://in-process/"), {
    received: (bytes) => first.resolve(bytes),
    alive: () => {},
    closed: ({ code }) => closed.resolve(code),
  }, { signal: new AbortController().signal });
  return { transport, first: first.promise, closed: closed.promise };
}

function helloFrame(specifier: string): Uint8Array {
  const writer = new FrameWriter(0);
  const identity = { type: "agent", workspace: "prod", implementation: "raw", specifier };
  writer.structured(FrameKind.Hello, encodeStructured({ identity, producer: "Abcdefgh-_01" }));
  return writer.take();
}

async function refuses({ hex, when }: (typeof bad)[number]): Promise<void> {
  const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
  const agent = (specifier: string): AgentClient =>
    new AgentClient({ dial: gateway.dial(), workspace: "prod", implementation: "other", specifier });
  const witness = agent("1");
  const late = agent("2");
  witness.onRequest((message) => message.text());
  try {
    await witness.connect();
    const { transport, first, closed } = await wire(gateway.dial());
    if (when !== "first") {
      transport.send(helloFrame("1"));
      expect("answer to the hello", decode(await first).kind, FrameKind.Welcome);
    }
    transport.send(fromHex(hex));
    const timeout = Promise.withResolvers<number>();
    const timer = setTimeout(() => timeout.reject(new Error("the connection is still open after 5 s")), 5000);
    expect("close code", await Promise.race([closed, timeout.promise]).finally(() => clearTimeout(timer)), 4400);
    expect("clients that are left", gateway.sessions().map(({ topic }) => topic), ["ag::prod::other::1"]);
    await late.connect();
    expect("answer to another client", (await late.request(witness.topic, text("still here"))).text(), "still here");
  } finally {
    await Promise.all([witness.disconnect(), late.disconnect()]);
    await gateway.close();
  }
}

/** The bytes in test/vectors/ and what they mean, for this implementation and every other one. */
export const cases: Case[] = [
  ...vectors.map(({ name, hex, meaning }): Case => ({
    name: `vector: ${name}: is read as it should be and written to the same bytes`,
    run: () => {
      expect("decoded", decode(fromHex(hex), "body" in meaning), meaning);
      expect("encoded", toHex(encode(meaning)), hex);
    },
  })),
  {
    name: "vectors: every kind of frame has one",
    run: () => {
      const kinds = new Set<number>(vectors.map(({ meaning }) => meaning.kind));
      expect("kinds without", Object.values(FrameKind).filter((kind) => !kinds.has(kind)), []);
    },
  },
  {
    name: "vectors: frames laid one after the other are read one after the other",
    run: () => {
      const all = fromHex(vectors.map(({ hex }) => hex).join(""));
      const kinds: number[] = [];
      eachFrame(all, (kind) => kinds.push(kind));
      expect("kinds", kinds, vectors.map(({ meaning }) => meaning.kind));
    },
  },
  ...bad.map((vector): Case => ({
    name: `malformed: ${vector.name}: ends its connection with 4400 and harms nobody else`,
    run: () => refuses(vector),
  })),
];
