/**
 * Writes test/vectors/*.json: frames as bytes, for those who write another client. Run it after a change of the
 * protocol and read the difference: `bun run tools/vectors.ts`.
 */
import fs from "node:fs";
import path from "node:path";
import { FLAG_END, FLAG_ERROR, FLAG_REFUSED, FLAG_TRAILERS, FrameKind, FrameWriter, MessageView, readSend, RECEIPT_DUPLICATE } from "../src/protocol/frames.ts";
import { writeDeliver, writeReceipts, writeReject } from "../src/protocol/frames_down.ts";
import { toWireError } from "../src/protocol/error_wire.ts";
import { DEFAULT_LIMITS } from "../src/protocol/limits.ts";
import { chunkFrame, StreamKind, writeCredit, writeOpen } from "../src/protocol/stream_frames.ts";
import { encodeStructured } from "../src/protocol/structured.ts";
import { DuplicateIdentityError, NotFoundError, QuotaError } from "../src/errors.ts";

type Direction = "up" | "down" | "both";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const NONE = new Uint8Array(0);
const LARGEST = 2 ** 48 - 1;

const good: { name: string; hex: string; direction: Direction; meaning: Record<string, unknown> }[] = [];
const bad: { name: string; hex: string; when: "first" | "after the welcome"; why: string }[] = [];

function made(lay: (writer: FrameWriter) => void): Uint8Array {
  const writer = new FrameWriter(0);
  lay(writer);
  return writer.take();
}

function add(name: string, direction: Direction, bytes: Uint8Array, meaning: Record<string, unknown>): void {
  good.push({ name, hex: toHex(bytes), direction, meaning });
}

function structured(name: string, direction: Direction, kind: number, body: unknown, callId?: number): void {
  const bytes = made((writer) => writer.structured(kind, encodeStructured(body), callId));
  const meaning: Record<string, unknown> = { kind };
  if (callId !== undefined) meaning.callId = callId;
  add(name, direction, bytes, { ...meaning, body });
}

interface SendParts {
  messageType: number;
  number: number;
  ttlMs: number;
  topic: string;
  id: string;
  metadata?: Record<string, string>;
  payload: string;
}

function sendBytes(parts: SendParts): Uint8Array {
  const meta = parts.metadata ? encodeStructured(parts.metadata) : NONE;
  return made((writer) => writer.send(parts.messageType, parts.number, parts.ttlMs, text(parts.topic), text(parts.id), meta, text(parts.payload)));
}

function send(name: string, parts: SendParts): void {
  add(name, "up", sendBytes(parts), { kind: FrameKind.Send, ...parts });
}

/** A delivery is made of a send, as the gateway does it. */
function deliver(name: string, sent: SendParts, rest: { sequence: number; at: number; source: string; workspace: string; producer: string; queue: boolean }): void {
  const view = new MessageView();
  const bytes = sendBytes(sent);
  readSend(bytes, 0, bytes.length, view);
  const frame = made((writer) => writeDeliver(writer, view, { sequence: rest.sequence, at: rest.at, source: text(rest.source), target: text(sent.topic), workspace: text(rest.workspace), producer: text(rest.producer) }));
  if (rest.queue) frame[5] |= 2;
  const named = sent.id === "" ? { producer: rest.producer, number: sent.number } : { id: sent.id };
  const { sequence, at, source, workspace, queue } = rest;
  const meaning: Record<string, unknown> = { kind: FrameKind.Deliver, messageType: sent.messageType, sequence, at, source, target: sent.topic, workspace, queue, ...named };
  if (sent.metadata) meaning.metadata = sent.metadata;
  add(name, "down", frame, { ...meaning, payload: sent.payload });
}

// ---- handshake --------------------------------------------------------------------------------------------------

const agent = { type: "agent", workspace: "prod", implementation: "desk", specifier: "1" };
const producer = "Abcdefgh-_01";

structured("hello of an agent", "up", FrameKind.Hello, { identity: agent, producer });
structured("hello of a user with credentials and a workspace", "up", FrameKind.Hello, {
  identity: { type: "user", userId: "ada", windowId: "tab-1" },
  workspace: "prod",
  credentials: { "x-api-key": "secret" },
  producer,
  client: "example/1",
});
structured("hello of a pool worker leaves the specifier empty", "up", FrameKind.Hello, {
  identity: { type: "non_unique_task", workspace: "prod", implementation: "resize", specifier: "" },
  producer,
});
structured("hello that resumes and would take over", "up", FrameKind.Hello, {
  identity: agent,
  producer,
  resume: { session: "session-1", token: "token-1", received: 17, handled: 12 },
  takeover: true,
});
const { payloadBytes, pingAfterMs, deadAfterMs, resumeMs, requestTimeoutMs } = DEFAULT_LIMITS;
const limits = { payloadBytes, pingAfterMs, deadAfterMs, resumeMs, requestTimeoutMs };
structured("welcome to a new session", "down", FrameKind.Welcome, {
  session: "session-1",
  token: "token-1",
  epoch: 1,
  resumed: false,
  received: 0,
  topic: "ag::prod::desk::1",
  version: "0.1.0",
  limits,
});
structured("welcome to a resumed session of a pool worker", "down", FrameKind.Welcome, {
  session: "session-1",
  token: "token-2",
  epoch: 2,
  resumed: true,
  received: 5,
  topic: "ta::prod::resize::w1",
  version: "0.1.0",
  limits,
  assignedId: "w1",
});
structured("refuse: the identity is taken", "down", FrameKind.Refuse, toWireError(new DuplicateIdentityError("ag::prod::desk::1")));
structured("bye of a client", "both", FrameKind.Bye, { code: 1000, reason: "disconnect" });
structured("bye of a gateway that drains", "both", FrameKind.Bye, { code: 4503, reason: "draining", retryAfterMs: 700 });

// ---- counts and messages ----------------------------------------------------------------------------------------

add("ack of a client", "both", made((writer) => writer.ack(300, 256)), { kind: FrameKind.Ack, received: 300, handled: 256 });
add("ack with the largest counts", "both", made((writer) => writer.ack(LARGEST, LARGEST)), { kind: FrameKind.Ack, received: LARGEST, handled: LARGEST });

const plain: SendParts = { messageType: 1, number: 1, ttlMs: 0, topic: "ag::prod::shelf::1", id: "", payload: "hello" };
const named: SendParts = { messageType: 6, number: 2, ttlMs: 60_000, topic: "tb::prod::resize", id: "order-4711", metadata: { trace: "a1" }, payload: "{}" };
send("send named by producer and number", plain);
send("send with an explicit id, metadata and ttl", named);
send("send with an empty payload and a text beyond ASCII", { ...plain, number: LARGEST, topic: "us::ädä::tab", payload: "" });
const at = 1_767_225_600_000;
deliver("deliver named by producer and number", plain, { sequence: 42, at, source: "ag::prod::desk::1", workspace: "prod", producer, queue: false });
deliver("deliver of a queue lane with explicit id and metadata", named, { sequence: 7, at, source: "us::ada::tab-1", workspace: "prod", producer, queue: true });
deliver("deliver of a sender without workspace", plain, { sequence: 1, at, source: "sv::clock::1", workspace: "", producer, queue: false });

const entries = [{ duplicate: false, number: 1, sequence: 42 }, { duplicate: true, number: 2, sequence: 0 }];
const flat = entries.flatMap(({ duplicate, number, sequence }) => [duplicate ? RECEIPT_DUPLICATE : 0, number, sequence]);
add("receipts: one new, one duplicate", "down", made((writer) => writeReceipts(writer, flat)), { kind: FrameKind.Receipts, entries });
const quota = toWireError(new QuotaError("Cannot keep the message: the lane is full", { details: { limit: 10 }, retryAfterMs: 1000 }));
add("reject with an error body", "down", made((writer) => writeReject(writer, 3, encodeStructured(quota))), { kind: FrameKind.Reject, number: 3, error: quota });

// ---- requests and calls -----------------------------------------------------------------------------------------

function request(name: string, direction: Direction, parts: { messageType: number; callId: number; timeoutMs: number; topic: string; workspace: string; metadata?: Record<string, string>; payload: string }): void {
  const meta = parts.metadata ? encodeStructured(parts.metadata) : NONE;
  const bytes = made((writer) => writer.request(parts.messageType, parts.callId, parts.timeoutMs, text(parts.topic), text(parts.workspace), meta, text(parts.payload)));
  add(name, direction, bytes, { kind: FrameKind.Request, ...parts });
}
request("request towards the gateway names its target", "up", { messageType: 0, callId: 1, timeoutMs: 30_000, topic: "sv::clock", workspace: "", payload: "now?" });
request("request from the gateway names its source", "down", { messageType: 3, callId: 9, timeoutMs: 5_000, topic: "ag::prod::desk::1", workspace: "prod", metadata: { trace: "a1" }, payload: "now?" });
structured("call that reads a key of the workspace", "up", FrameKind.Call, { op: "kv.get", in: { key: "a" } }, 2);
structured("call that counts with a bound, in a user's scope", "up", FrameKind.Call, { op: "kv.add", in: { key: "n", scope: 8, userId: "ada", workspace: "prod", delta: -1, atLeast: 0, ttl: 60 } }, 3);
structured("call that waits for changes", "up", FrameKind.Call, { op: "kv.changes", in: { prefix: "jobs/", cursor: "Abcdefgh-_01.0.42" } }, 4);
structured("call that loads a part of a checkpoint", "up", FrameKind.Call, { op: "checkpoint.load", in: { key: "default", part: 1, ifRevision: 42 } }, 5);
structured("call that switches the workspace", "up", FrameKind.Call, { op: "workspace.switch", in: { workspace: "dev" } }, 6);
structured("call that reports progress", "up", FrameKind.Call, { op: "progress.report", in: { taskId: "t-1", completion: 0.5, recipient: "us::ada" } }, 7);
/** A reply to a call has a structured body, where one to a request has a payload. */
function answer(name: string, callId: number, body: unknown): void {
  add(name, "down", made((writer) => writer.reply(callId, 0, 0, encodeStructured(body))), { kind: FrameKind.Reply, callId, messageType: 0, body });
}
add("reply", "both", made((writer) => writer.reply(1, 0, 0, text("noon"))), { kind: FrameKind.Reply, callId: 1, messageType: 0, payload: "noon" });
const missing = toWireError(new NotFoundError("Nobody is connected there"));
add("reply with an error", "both", made((writer) => writer.reply(1, FLAG_ERROR, 0, encodeStructured(missing))), { kind: FrameKind.Reply, callId: 1, messageType: 0, error: missing });
const emptyMaps = { kv: {}, globalKv: {}, workspaceExclusiveKv: {}, globalExclusiveKv: {} };
answer("reply to a call: a removed key", 2, { applied: true, found: true, revision: 43 });
answer("reply to a call: no change but a gap", 4, { changes: [], cursor: "Abcdefgh-_01.40.41", gap: true });
answer("reply to a call: another workspace", 6, { identity: { ...agent, workspace: "dev" }, topic: "ag::dev::desk::1", config: { workspace: "dev", ...emptyMaps } });
answer("reply to a call: nothing to say", 7, null);
add("cancel", "both", made((writer) => writer.cancel(2 ** 32 - 1)), { kind: FrameKind.Cancel, callId: 2 ** 32 - 1 });
structured("notify: a gap", "down", FrameKind.Notify, { name: "gap", body: { topic: "gu::prod", reason: "trimmed", missed: 3 } });
structured("notify: config with a key whose value did not fit", "down", FrameKind.Notify, { name: "config", body: { workspace: "prod", ...emptyMaps, omitted: { kv: ["large"] } } });
structured("notify: progress", "down", FrameKind.Notify, { name: "progress", body: { taskId: "t-1", completion: 0.5, sourceTopic: "ag::prod::desk::1", workspace: "prod", timestampMs: at } });
structured("notify: a signal", "down", FrameKind.Notify, { name: "signal", body: { type: 1, reason: "draining" } });

// ---- streams ----------------------------------------------------------------------------------------------------

function open(name: string, direction: Direction, parts: { stream: number; streamKind: number; isEnd: boolean; topic: string; workspace: string; head: Record<string, unknown> }): void {
  const { stream, streamKind, isEnd, topic, workspace, head } = parts;
  add(name, direction, made((writer) => writeOpen(writer, stream, streamKind, isEnd, text(topic), text(workspace), encodeStructured(head))), { kind: FrameKind.Open, ...parts });
}
open("open: a GET of a client", "up", { stream: 1, streamKind: StreamKind.Http, isEnd: true, topic: "sv::billing", workspace: "", head: { method: "GET", path: "/invoices?year=2026", origin: "http://aether", headers: ["accept", "application/json"] } });
open("open: a POST as a service gets it", "down", {
  stream: 2,
  streamKind: StreamKind.Http,
  isEnd: false,
  topic: "ag::prod::desk::1",
  workspace: "prod",
  head: { method: "POST", path: "/", origin: "http://aether", headers: ["content-type", "text/plain", "x-aether-caller", "ag::prod::desk::1", "x-aether-caller-type", "agent", "x-aether-workspace", "prod", "x-aether-via", "sv::billing::1"] },
});
open("open: a tunnel", "up", { stream: 3, streamKind: StreamKind.Tunnel, isEnd: false, topic: "sv::db::1", workspace: "", head: { protocol: "tcp", remoteHint: "db:5432" } });
function head(name: string, stream: number, isEnd: boolean, body: Record<string, unknown>): void {
  add(name, "both", made((writer) => writer.structured(FrameKind.Head, encodeStructured(body), stream, isEnd ? FLAG_END : 0)), { kind: FrameKind.Head, stream, isEnd, body });
}
head("head of an answer", 1, false, { status: 200, headers: ["content-type", "text/plain"] });
head("head of an answer without a body", 1, true, { status: 204, headers: [] });
add("chunk", "both", chunkFrame(1, 0, text("hello")), { kind: FrameKind.Chunk, stream: 1, isEnd: false, payload: "hello" });
add("chunk: the last", "both", chunkFrame(1, FLAG_END, text("bye")), { kind: FrameKind.Chunk, stream: 1, isEnd: true, payload: "bye" });
add("chunk: trailers", "both", chunkFrame(1, FLAG_END | FLAG_TRAILERS, encodeStructured({ digest: "abc" })), { kind: FrameKind.Chunk, stream: 1, isEnd: true, trailers: { digest: "abc" } });
add("credit of a stream", "both", made((writer) => writeCredit(writer, 1, 131_072)), { kind: FrameKind.Credit, stream: 1, bytes: 131_072 });
add("credit of the connection", "both", made((writer) => writeCredit(writer, 0, 262_144)), { kind: FrameKind.Credit, stream: 0, bytes: 262_144 });
add("reset", "both", made((writer) => writer.structured(FrameKind.Reset, encodeStructured(missing), 1)), { kind: FrameKind.Reset, stream: 1, isRefused: false, error: missing });
add("reset: nothing was done", "both", made((writer) => writer.structured(FrameKind.Reset, encodeStructured(missing), 2, FLAG_REFUSED)), { kind: FrameKind.Reset, stream: 2, isRefused: true, error: missing });

// ---- malformed --------------------------------------------------------------------------------------------------

function refuseFirst(name: string, bytes: Uint8Array, why: string): void {
  bad.push({ name, hex: toHex(bytes), when: "first", why });
}
function refuse(name: string, bytes: Uint8Array, why: string): void {
  bad.push({ name, hex: toHex(bytes), when: "after the welcome", why });
}
function raw(kind: number, ...parts: Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 2);
  const bytes = new Uint8Array(4 + size);
  new DataView(bytes.buffer).setUint32(0, size);
  bytes[4] = kind;
  let to = 6;
  for (const part of parts) {
    bytes.set(part, to);
    to += part.length;
  }
  return bytes;
}
function changed(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  change(new DataView(copy.buffer));
  return copy;
}
const joined = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const hello = made((writer) => writer.structured(FrameKind.Hello, encodeStructured({ identity: agent, producer })));
const sent = sendBytes(plain);
const asked = made((writer) => writer.request(0, 1, 1000, text("sv::clock"), NONE, NONE, text("now?")));

refuseFirst("empty message", NONE, "the first message has no hello");
refuseFirst("send before hello", sent, "the first frame must be a hello");
refuseFirst("two hellos", joined(hello, hello), "exactly one hello comes first");
refuseFirst("hello with a frame behind it", joined(hello, sent), "nothing may follow the hello before the welcome");
refuseFirst("hello that is no MessagePack", raw(FrameKind.Hello, Uint8Array.of(0xc1)), "0xc1 is no MessagePack type");
refuseFirst("hello with an extension", raw(FrameKind.Hello, Uint8Array.of(0xd4, 0x01, 0x00)), "extensions are not allowed");
refuseFirst("hello nested too deep", raw(FrameKind.Hello, new Uint8Array(40).fill(0x91), Uint8Array.of(0xc0)), "structured bodies nest at most 32 levels");
refuseFirst("hello with trailing bytes", joined(changed(hello, (view) => view.setUint32(0, hello.length - 3)), Uint8Array.of(0xc0)), "bytes follow the end of the structured body");
refuseFirst("hello that ends too early", raw(FrameKind.Hello, Uint8Array.of(0x81, 0xa5, 0x61)), "the text is longer than what is left");
refuseFirst("hello without a producer", raw(FrameKind.Hello, encodeStructured({ identity: agent })), "a field is missing");
refuseFirst("hello with a separator inside a segment", raw(FrameKind.Hello, encodeStructured({ identity: { ...agent, specifier: "a::b" }, producer })), "a segment must not contain ::");
refuseFirst("hello of an unknown principal", raw(FrameKind.Hello, encodeStructured({ identity: { type: "robot" }, producer })), "the identity's type is not known");

refuse("truncated head", Uint8Array.of(0, 0, 0), "fewer than six bytes are left");
refuse("zero length", Uint8Array.of(0, 0, 0, 0, 6, 0), "the length counts kind and flags: it is at least 2");
refuse("length one short of a head", Uint8Array.of(0, 0, 0, 1, 6, 0), "the length counts kind and flags: it is at least 2");
refuse("length past the end", changed(sent, (view) => view.setUint32(0, sent.length)), "the length goes beyond the message");
refuse("largest length", changed(sent, (view) => view.setUint32(0, 0xffffffff)), "the length goes beyond the message");
refuse("bytes behind the last frame", joined(sent, Uint8Array.of(0, 0)), "bytes follow the last whole frame");
refuse("unknown kind", raw(99), "no such kind");
refuse("kind zero", raw(0), "no such kind");
refuse("a kind only a gateway sends", raw(FrameKind.Deliver, new Uint8Array(40)), "clients send no deliver");
refuse("second hello", hello, "hello comes once");
refuse("send shorter than its head", raw(FrameKind.Send, new Uint8Array(17)), "a send has 24 bytes before its topic");
refuse("topic length past the end", changed(sent, (view) => view.setUint16(14, 100)), "topic, id and metadata go beyond the frame");
refuse("topic length above the limit", changed(sent, (view) => view.setUint16(14, 513)), "a topic has at most 512 bytes");
refuse("id length past the end", changed(sent, (view) => view.setUint8(7, 100)), "topic, id and metadata go beyond the frame");
refuse("id length above the limit", changed(sent, (view) => view.setUint8(7, 129)), "an id has at most 128 bytes");
refuse("metadata length past the end", changed(sent, (view) => view.setUint16(16, 60_000)), "topic, id and metadata go beyond the frame");
refuse("request shorter than its head", raw(FrameKind.Request, new Uint8Array(15)), "a request has 22 bytes before its topic");
refuse("request topic past the end", changed(asked, (view) => view.setUint16(16, 200)), "topic, workspace and metadata go beyond the frame");
refuse("ack of the wrong length", raw(FrameKind.Ack, new Uint8Array(11)), "an ack has exactly 18 bytes");
refuse("ack of frames that were never sent", made((writer) => writer.ack(1_000_000, 0)), "received is above what the gateway sent");
refuse("ack of messages that were never delivered", made((writer) => writer.ack(0, 1_000_000)), "handled is above what was delivered");
refuse("reply shorter than its head", raw(FrameKind.Reply, new Uint8Array(5)), "a reply has 12 bytes before its body");
refuse("cancel of the wrong length", raw(FrameKind.Cancel, new Uint8Array(5)), "a cancel has exactly 10 bytes");
refuse("call shorter than its head", raw(FrameKind.Call, new Uint8Array(3)), "a call has 10 bytes before its body");
refuse("call nested too deep", raw(FrameKind.Call, new Uint8Array(4), new Uint8Array(40).fill(0x91), Uint8Array.of(0xc0)), "structured bodies nest at most 32 levels");
refuse("call with an extension", raw(FrameKind.Call, new Uint8Array(4), Uint8Array.of(0xc7, 0x01, 0x70, 0x00)), "extensions are not allowed");
const opened = made((writer) => writeOpen(writer, 1, 1, true, text("sv::clock"), NONE, encodeStructured({ method: "GET", path: "/", headers: [] })));
refuse("open shorter than its head", raw(FrameKind.Open, new Uint8Array(11)), "an open has 18 bytes before its topic");
refuse("open with a topic past the end", changed(opened, (view) => view.setUint16(12, 400)), "topic and workspace go beyond the frame");
refuse("open with an even number", changed(opened, (view) => view.setUint32(6, 2)), "the gateway's streams are even");
refuse("chunk shorter than its head", raw(FrameKind.Chunk, new Uint8Array(3)), "a chunk has 10 bytes before its payload");
refuse("chunk above the limit", raw(FrameKind.Chunk, new Uint8Array(4 + 65_537)), "a chunk has at most 64 KiB");
refuse("credit of the wrong length", raw(FrameKind.Credit, new Uint8Array(7)), "a credit has exactly 14 bytes");
refuse("reset shorter than its head", raw(FrameKind.Reset, new Uint8Array(3)), "a reset has 10 bytes before its body");
refuse("head shorter than its head", raw(FrameKind.Head, new Uint8Array(3)), "a head has 10 bytes before its body");
refuse("bye with trailing bytes", raw(FrameKind.Bye, encodeStructured({ code: 1000, reason: "" }), Uint8Array.of(0xc0)), "bytes follow the end of the structured body");
refuse("bye without a code", raw(FrameKind.Bye, encodeStructured({ reason: "" })), "a field is missing");

const folder = path.resolve(import.meta.dirname!, "../test/vectors");
fs.mkdirSync(folder, { recursive: true });
for (const [name, rows] of Object.entries({ frames: good, bad })) fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(rows, null, 2)}\n`);
console.log(`${good.length} frames, ${bad.length} malformed ones`);
