import type { Gateway } from "../../src/gateway/gateway.ts";
import {
  eachFrame,
  FLAG_END,
  FLAG_ERROR,
  FRAME_HEAD,
  FrameKind,
  FrameWriter,
  readU32,
} from "../../src/protocol/frames.ts";
import {
  chunkFrame,
  chunkStart,
  readOpen,
  streamOf,
  writeCredit,
  writeOpen,
} from "../../src/protocol/stream_frames.ts";
import { decodeStructured, encodeStructured } from "../../src/protocol/structured.ts";
import { settle } from "../../src/testing/virtual_clock.ts";
import { bytes } from "./state_kit.ts";

/** What a raw client was told of a stream. */
export interface RawEvent {
  kind: "open" | "head" | "chunk" | "credit" | "reset";
  stream: number;
  // deno-lint-ignore no-explicit-any -- whatever was said
  body?: any;
  bytes?: number;
  isEnd?: boolean;
}

/** A client without the client library: it says exactly what it is told to. */
export interface RawClient {
  events: RawEvent[];
  open(stream: number, target: string, head: unknown, isEnd?: boolean, kind?: number): void;
  chunk(stream: number, payload: Uint8Array, flags?: number): void;
  head(stream: number, head: unknown, isEnd?: boolean): void;
  credit(stream: number, count: number): void;
  reset(stream: number, error: unknown, flags?: number): void;
  /** Answers a request with an error, as bytes. */
  answer(id: number, error: Uint8Array): void;
  /** Sends a message as it is. */
  say(message: Uint8Array): void;
  /** Ends a stream with bytes that are no reason. */
  garbage(stream: number, bytes: Uint8Array): void;
  /** The next event of a kind; those before it are dropped. */
  next(kind: RawEvent["kind"]): Promise<RawEvent>;
  /** Close code, when the connection has ended. */
  readonly closed: Promise<number>;
  isClosed: boolean;
  leave(): void;
}

/** Connects one. */
export async function raw(
  gateway: Gateway,
  identity: Record<string, unknown> = { type: "agent", workspace: "test", implementation: "raw", specifier: "1" },
): Promise<RawClient> {
  const welcome = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  const events: RawEvent[] = [];
  const transport = await gateway.dial()(new URL("ws://in-process/"), {
    received(message) {
      eachFrame(message, (kind, frame, start, end) => {
        if (kind === FrameKind.Welcome) return welcome.resolve();
        const told = read(kind, frame, start, end);
        if (told) events.push(told);
      });
    },
    alive: () => {},
    closed({ code }) {
      client.isClosed = true;
      closed.resolve(code);
    },
  }, { signal: new AbortController().signal });
  const frames = (lay: (writer: FrameWriter) => void): void => {
    const writer = new FrameWriter(0);
    lay(writer);
    transport.send(writer.take());
  };
  const client: RawClient = {
    events,
    isClosed: false,
    closed: closed.promise,
    open: (stream, target, head, isEnd = true, kind = 1) =>
      frames((writer) =>
        writeOpen(writer, stream, kind, isEnd, bytes(target), new Uint8Array(), encodeStructured(head))
      ),
    chunk: (stream, payload, flags = 0) => transport.send(chunkFrame(stream, flags, payload)),
    head: (stream, head, isEnd = false) =>
      frames((writer) => writer.structured(FrameKind.Head, encodeStructured(head), stream, isEnd ? FLAG_END : 0)),
    credit: (stream, count) => frames((writer) => writeCredit(writer, stream, count)),
    reset: (stream, error, flags = 0) =>
      frames((writer) => writer.structured(FrameKind.Reset, encodeStructured(error), stream, flags)),
    answer: (id, error) => frames((writer) => writer.reply(id, FLAG_ERROR, 0, error)),
    say: (message) => transport.send(message),
    garbage: (stream, bytes) => frames((writer) => writer.structured(FrameKind.Reset, bytes, stream)),
    async next(kind) {
      for (let round = 0; round < 200; round++) {
        const at = events.findIndex((event) => event.kind === kind);
        if (at >= 0) return events.splice(0, at + 1)[at];
        // In memory it is a matter of turns, over a socket one of time.
        await (round < 100 ? settle() : new Promise((go) => setTimeout(go, 10)));
      }
      throw new Error(`no ${kind} came, but ${JSON.stringify(events)}`);
    },
    leave: () => transport.close(),
  };
  frames((writer) => writer.structured(FrameKind.Hello, encodeStructured({ identity, producer: "Abcdefgh-_02" })));
  await Promise.race([welcome.promise, closed.promise]);
  return client;
}

function read(kind: number, frame: Uint8Array, start: number, end: number): RawEvent | undefined {
  const stream = end - start >= FRAME_HEAD + 4 ? streamOf(frame, start) : 0;
  const isEnd = (frame[start + 5] & FLAG_END) !== 0;
  const body = (): unknown => decodeStructured(frame.slice(start + FRAME_HEAD + 4, end));
  if (kind === FrameKind.Open) {
    const open = readOpen(frame, start, end);
    return { kind: "open", stream, isEnd, body: { ...open, head: decodeStructured(open.head.slice()) } };
  }
  if (kind === FrameKind.Head) return { kind: "head", stream, isEnd, body: body() };
  if (kind === FrameKind.Chunk) return { kind: "chunk", stream, isEnd, bytes: end - chunkStart(start) };
  if (kind === FrameKind.Credit) return { kind: "credit", stream, bytes: readU32(frame, start + FRAME_HEAD + 4) };
  return kind === FrameKind.Reset ? { kind: "reset", stream, body: body() } : undefined;
}
