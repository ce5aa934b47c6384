import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import net from "node:net";
import { test } from "node:test";
import { AgentClient } from "../client/agent.ts";
import { ConnectionError } from "../errors.ts";
import { allowAll } from "../gateway/auth.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";
import { memoryStore } from "../store/memory.ts";
import { type CloseInfo, PING, PONG, type Transport, type TransportSink } from "../transport/transport.ts";
import { dial } from "./dial_deno.ts";
import { serve, type Server } from "./deno.ts";
import { closeBody, encodeFrame, FrameReader, MESSAGE_CAP, Opcode } from "./ws_frames.ts";

const skip = "Deno" in globalThis ? false : "the dialer stands on Deno.connect";

// ---- frames: no platform needed ---------------------------------------------------------------------------------

interface Frame {
  opcode: number;
  payload: Uint8Array;
}

/** A server's frame: unmasked. */
function plain(opcode: number, payload: Uint8Array, final = true): Uint8Array {
  const size = payload.length;
  const head = size < 126
    ? [size]
    : size < 65_536
    ? [126, size >> 8, size & 255]
    : [127, 0, 0, 0, 0, size >>> 24, size >> 16 & 255, size >> 8 & 255, size & 255];
  return Buffer.concat([Uint8Array.from([(final ? 0x80 : 0) | opcode, ...head]), payload]);
}

/** Reads a stream in pieces of `step` bytes through a buffer of `room`. */
function readAll(stream: Uint8Array, step: number, room: number): { frames: Frame[]; faults: number[] } {
  const frames: Frame[] = [];
  const faults: number[] = [];
  const sink = {
    frame: (opcode: number, payload: Uint8Array) => void frames.push({ opcode, payload }),
    fault: (code: number) => void faults.push(code),
  };
  const reader = new FrameReader(sink, new Uint8Array(room));
  for (let at = 0; at < stream.length;) {
    const into = reader.room();
    const piece = stream.subarray(at, at + Math.min(step, into.length));
    into.set(piece);
    reader.took(piece.length);
    at += piece.length;
  }
  return { frames, faults };
}

function noise(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 131 + (at >> 8)) & 255);
}

test("a client's frame is masked, whole, and leaves the caller's bytes alone", () => {
  for (const size of [0, 1, 2, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 70_001]) {
    const shelf = noise(size + 3);
    const payload = shelf.subarray(3);
    const before = payload.slice();
    const frame = encodeFrame(Opcode.Binary, payload);
    const head = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    assert.deepEqual(payload, before);
    assert.equal(frame.length, head + 4 + size);
    assert.equal(frame[0], 0x82);
    assert.equal(frame[1], 0x80 | (size < 126 ? size : size < 65_536 ? 126 : 127));
    const view = new DataView(frame.buffer, frame.byteOffset);
    if (head === 4) assert.equal(view.getUint16(2), size);
    if (head === 10) assert.equal(view.getBigUint64(2), BigInt(size));
    const mask = frame.subarray(head, head + 4);
    assert.deepEqual(frame.subarray(head + 4).map((byte, at) => byte ^ mask[at & 3]), before);
  }
  const masks = new Set(
    Array.from({ length: 64 }, () => encodeFrame(Opcode.Binary, new Uint8Array(0)).subarray(2).join()),
  );
  assert.ok(masks.size > 60, "masks repeat");
});

test("a close frame's reason is cut between characters", () => {
  const body = closeBody(4400, "ä".repeat(100));
  assert.equal(body.length, 2 + 122);
  assert.equal(new TextDecoder("utf-8", { fatal: true }).decode(body.subarray(2)), "ä".repeat(61));
});

test("frames come out the same however the stream is cut", () => {
  const sizes = [0, 1, 125, 126, 300, 64, 66_000, 5];
  const stream = Buffer.concat([
    ...sizes.map((size) => plain(Opcode.Binary, noise(size))),
    plain(Opcode.Binary, noise(200), false),
    plain(Opcode.Ping, noise(4)),
    plain(Opcode.Continuation, noise(300), false),
    plain(Opcode.Continuation, noise(0)),
    plain(Opcode.Text, noise(4)),
  ]);
  const whole = Buffer.concat([noise(200), noise(300)]);
  for (const room of [64, 1000, 65_536]) {
    for (const step of [1, 7, 64, 997, 65_536]) {
      const { frames, faults } = readAll(stream, step, room);
      assert.deepEqual(faults, []);
      const expected = [...sizes.map((size) => [Opcode.Binary, noise(size)]), [Opcode.Ping, noise(4)], [
        Opcode.Binary,
        new Uint8Array(whole),
      ], [Opcode.Text, noise(4)]];
      assert.deepEqual(frames.map(({ opcode, payload }) => [opcode, payload]), expected, `step ${step}, room ${room}`);
    }
  }
});

test("what a server must not send is a fault, and nothing comes after it", () => {
  const good = plain(Opcode.Binary, noise(3));
  const big = new Uint8Array(10);
  big.set([0x82, 127]);
  new DataView(big.buffer).setBigUint64(2, BigInt(MESSAGE_CAP + 1));
  const cases: [string, number, Uint8Array][] = [
    ["masked", 1002, encodeFrame(Opcode.Binary, noise(3))],
    ["reserved bit", 1002, Uint8Array.from([0xc2, 0])],
    ["unknown data frame", 1002, plain(3, noise(0))],
    ["unknown control frame", 1002, plain(11, noise(0))],
    ["control frame in parts", 1002, plain(Opcode.Ping, noise(0), false)],
    ["long control frame", 1002, plain(Opcode.Ping, noise(126))],
    ["continuation of nothing", 1002, plain(Opcode.Continuation, noise(1))],
    ["message inside a message", 1002, Buffer.concat([plain(Opcode.Binary, noise(1), false), good])],
    ["too large", 1009, big],
  ];
  for (const [name, code, bytes] of cases) {
    const { frames, faults } = readAll(Buffer.concat([good, bytes, good]), 65_536, 65_536);
    assert.deepEqual(faults, [code], name);
    assert.equal(frames.length, 1, name);
  }
});

// ---- the dialer -------------------------------------------------------------------------------------------------

/** A sink that remembers, and promises for what comes next. */
class Ear implements TransportSink {
  readonly messages: Uint8Array[] = [];
  readonly ends: CloseInfo[] = [];
  signs = 0;
  #wake: (() => void)[] = [];

  received(bytes: Uint8Array): void {
    this.messages.push(bytes);
    this.#ring();
  }
  alive(): void {
    this.signs++;
    this.#ring();
  }
  closed(info: CloseInfo): void {
    this.ends.push(info);
    this.#ring();
  }
  #ring(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}

/** A server by hand: answers the upgrade, then hands the socket over. */
async function handServer(
  then: (socket: net.Socket, head: string) => void,
  accept = (key: string) => createHash("sha1").update(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64"),
): Promise<{ url: URL; close(): Promise<void> }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let head = "";
    const read = (chunk: Uint8Array): void => {
      head += Buffer.from(chunk).toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      socket.off("data", read);
      const key = /sec-websocket-key: (.*)\r\n/i.exec(head)![1];
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n` +
          `Sec-WebSocket-Accept: ${accept(key)}\r\nSec-WebSocket-Protocol: aether.v1\r\n\r\n`,
      );
      then(socket, head);
    };
    socket.on("data", read);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    url: new URL(`ws://127.0.0.1:${port}/v1/connect`),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function withGateway(
  run: (server: Server, url: URL, gateway: Gateway) => Promise<void>,
  limits: Partial<typeof DEFAULT_LIMITS> = {},
): Promise<void> {
  const gateway = await createGateway({ store: memoryStore(), auth: allowAll(), limits });
  const server = await serve(gateway);
  try {
    await run(server, new URL(`${server.url}/v1/connect`), gateway);
  } finally {
    await gateway.close();
    await server.close();
  }
}

function agent(server: Server, specifier: string): AgentClient {
  return new AgentClient({ dial, address: server.url, workspace: "w", implementation: "a", specifier });
}

const patient = (): AbortSignal => AbortSignal.timeout(20_000);

test("clients connect, send and receive", { skip }, () =>
  withGateway(async (server) => {
    const [a, b] = [agent(server, "1"), agent(server, "2")];
    const got: string[] = [];
    const done = new Promise<void>((resolve) =>
      b.onMessage((message) => {
        got.push(message.text());
        if (got.length === 500) resolve();
      })
    );
    await Promise.all([a.connect(), b.connect()]);
    for (let at = 0; at < 500; at++) {
      void a.send({ targetTopic: b.topic, payload: new TextEncoder().encode(`n${at}`) });
      if (at % 50 === 0) await Promise.resolve();
    }
    await done;
    assert.deepEqual(got, Array.from({ length: 500 }, (_, at) => `n${at}`));
    await Promise.all([a.disconnect(), b.disconnect()]);
  }));

test("a payload of 1 MiB goes both ways", { skip }, () =>
  withGateway(async (server) => {
    const [a, b] = [agent(server, "1"), agent(server, "2")];
    b.onRequest((message) => message.payload.slice().reverse());
    await Promise.all([a.connect(), b.connect()]);
    const payload = noise(DEFAULT_LIMITS.payloadBytes);
    const kept = payload.slice();
    const answer = await a.request(b.topic, payload);
    assert.ok(Buffer.compare(payload, kept) === 0, "the caller's bytes changed");
    assert.ok(Buffer.compare(answer.payload, kept.reverse()) === 0, "the answer differs");
    await Promise.all([a.disconnect(), b.disconnect()]);
  }));

test("request and answer of 2000 bytes, many times", { skip }, () =>
  withGateway(async (server) => {
    const [a, b] = [agent(server, "1"), agent(server, "2")];
    b.onRequest((message) => message.payload);
    await Promise.all([a.connect(), b.connect()]);
    for (let at = 0; at < 300; at++) {
      const payload = new Uint8Array(2000).fill(at);
      const answer = await a.request(b.topic, payload);
      assert.ok(Buffer.compare(answer.payload, payload) === 0, `answer ${at} differs`);
    }
    await Promise.all([a.disconnect(), b.disconnect()]);
  }));

test("nobody there is a ConnectionError with the host", { skip }, async () => {
  const { url, close } = await handServer(() => {});
  await close();
  await assert.rejects(dial(url, new Ear(), { signal: patient() }), (error) => {
    assert.ok(error instanceof ConnectionError);
    assert.ok(error.message.includes(url.host), error.message);
    return true;
  });
});

test("an answer that opens no WebSocket is a ConnectionError", { skip }, () =>
  withGateway(async (server) => {
    const elsewhere = new URL(`${server.url}/elsewhere`);
    await assert.rejects(dial(elsewhere, new Ear(), { signal: patient() }), (error) => {
      assert.ok(error instanceof ConnectionError);
      assert.match(error.message, new RegExp(`${elsewhere.host}.*404`));
      return true;
    });
    const { url, close } = await handServer(() => {}, () => "wrong");
    await assert.rejects(dial(url, new Ear(), { signal: patient() }), /sec-websocket-accept/);
    await close();
  }));

test("aborting rejects with the signal's reason", { skip }, async () => {
  const silent = net.createServer((socket) => void socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const url = new URL(`ws://127.0.0.1:${(silent.address() as net.AddressInfo).port}/`);
  const reason = new Error("changed my mind");
  const ear = new Ear();
  await assert.rejects(dial(url, ear, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const dialling = dial(url, ear, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 30);
  await assert.rejects(dialling, (error) => error === reason);
  assert.equal(ear.ends.length, 0);
  await new Promise<void>((resolve) => silent.close(() => resolve()));
});

test("the token goes as a subprotocol", { skip }, async () => {
  let seen = "";
  const { url, close } = await handServer((_, head) => seen = head);
  const transport = await dial(url, new Ear(), { signal: patient(), token: "se/cret" });
  transport.abandon();
  await close();
  assert.match(seen, /sec-websocket-protocol: aether\.v1, aether\.bearer\.c2UvY3JldA\r\n/i);
});

test("pings are answered, both kinds, and fragments are one message", { skip }, async () => {
  const heard: Buffer[] = [];
  const { url, close } = await handServer((socket) => {
    socket.on("data", (chunk) => void heard.push(chunk as Buffer));
    socket.write(Buffer.concat([plain(Opcode.Text, Buffer.from(PING)), plain(Opcode.Ping, noise(5))]));
    socket.write(Buffer.concat([plain(Opcode.Binary, noise(9), false), plain(Opcode.Continuation, noise(2))]));
    socket.write(plain(Opcode.Text, Buffer.from(PONG)));
  });
  const ear = new Ear();
  const transport = await dial(url, ear, { signal: patient() });
  transport.ping();
  await ear.until(() => ear.signs === 2 && ear.messages.length === 1);
  assert.deepEqual(ear.messages, [new Uint8Array(Buffer.concat([noise(9), noise(2)]))]);
  while (Buffer.concat(heard).length < 10 + 10 + 11) await new Promise((resolve) => setTimeout(resolve, 5));
  const bytes = Buffer.concat(heard);
  const frames: [number, string][] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes[at + 1] & 127;
    const mask = bytes.subarray(at + 2, at + 6);
    frames.push([
      bytes[at] & 15,
      Buffer.from(bytes.subarray(at + 6, at + 6 + size).map((byte, i) => byte ^ mask[i & 3])).toString("latin1"),
    ]);
    at += 6 + size;
  }
  const expected: [number, string][] = [[1, PING], [1, PONG], [10, Buffer.from(noise(5)).toString("latin1")]];
  assert.deepEqual(frames, expected);
  transport.abandon();
  await close();
});

test("both sides can close, and the sink hears it once", { skip }, () =>
  withGateway(async (server, url) => {
    const ear = new Ear();
    const transport = await dial(url, ear, { signal: patient() });
    transport.close(4000, "enough");
    transport.close(4001, "again");
    transport.send(noise(3));
    await ear.until(() => ear.ends.length > 0);
    const other = new Ear();
    await dial(url, other, { signal: patient() });
    await server.close();
    await other.until(() => other.ends.length > 0);
    transport.abandon();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(ear.ends, [{ code: 4000, reason: "enough" }]);
    assert.deepEqual(other.ends.map(({ code }) => code), [1001]);
  }));

test("a gateway that gives the connection up is heard", { skip }, () =>
  withGateway(async (_server, url) => {
    const ear = new Ear();
    await dial(url, ear, { signal: patient() });
    // No hello is said.
    await ear.until(() => ear.ends.length > 0);
    assert.equal(ear.ends.length, 1);
    assert.ok(ear.ends[0].code >= 4000, String(ear.ends[0].code));
  }, { helloMs: 30 }));

test("a wire that breaks ends with 1006, once; so does abandoning it", { skip }, async () => {
  const { url, close } = await handServer((socket) => setTimeout(() => socket.destroy(), 20));
  const ear = new Ear();
  const transport = await dial(url, ear, { signal: patient() });
  await ear.until(() => ear.ends.length > 0);
  for (
    const call of [
      () => transport.send(noise(1)),
      () => transport.ping(),
      () => transport.close(),
      () => transport.abandon(),
    ]
  ) call();
  assert.deepEqual(ear.ends, [{ code: 1006, reason: "connection broke" }]);
  await close();

  const mute = await handServer(() => {});
  const second = new Ear();
  const given: Transport = await dial(mute.url, second, { signal: patient() });
  given.abandon();
  assert.deepEqual(second.ends, [{ code: 1006, reason: "silent for too long" }]);
  given.abandon();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(second.ends.length, 1);
  await mute.close();
});
