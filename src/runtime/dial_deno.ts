// Deno's own WebSocket client leaves TCP_NODELAY off and splits its writes: two small messages on their way at once
// stall for 44 ms. So the client of RFC 6455 is written here, over Deno.connect.
import { ConnectionError, InvalidArgumentError } from "../errors.ts";
import { base64url, concatBytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { endOfTurn } from "../base/clock.ts";
import { BEARER_PREFIX, SUBPROTOCOL } from "../protocol/limits.ts";
import { type Dial, type DialTls, PING, PONG, type Transport, type TransportSink } from "../transport/transport.ts";
import { webSocketDial } from "../transport/websocket.ts";
import { closeBody, encodeFrame, FrameReader, Opcode } from "./ws_frames.ts";

// The part of Deno's API used here, as a type of our own: the file also has to type-check outside Deno.
interface Conn {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
  setNoDelay?(noDelay: boolean): void;
}
interface TlsOptions {
  hostname: string;
  caCerts?: string[];
  alpnProtocols: string[];
}
interface DenoLike {
  connect(options: { hostname: string; port: number; signal: AbortSignal }): Promise<Conn>;
  startTls(conn: Conn, options: TlsOptions): Promise<Conn>;
  connectTls(options: TlsOptions & { port: number; cert?: string; key?: string }): Promise<Conn>;
}

/** Bytes of the read buffer. */
const READ_BYTES = 64 * 1024;
/** Bytes of an answer's head at most. */
const HEAD_BYTES = 16 * 1024;
/** Waiting frames are joined up to this; past it, one write more is cheaper than the copy. */
const JOIN_BYTES = 256 * 1024;
/** How long a closing handshake may take, in ms. */
const CLOSE_MS = 5000;
/** After a write failed, the read side has this long to say why, in ms: the peer's close frame may still be there. */
const BROKEN_MS = 1000;

const NO_OVERRIDE = "Cannot use tls.serverNameOverride together with a certificate of the client's own on Deno";

const PING_BYTES = utf8(PING);
const PONG_BYTES = utf8(PONG);

/** Dials over TCP with TCP_NODELAY; by the global WebSocket where there is no `Deno.connect`. */
export const dial: Dial = async (url, sink, options) => {
  const { Deno: deno } = globalThis as { Deno?: Partial<DenoLike> };
  if (!deno?.connect || !deno.startTls) return await webSocketDial()(url, sink, options);
  const { signal, token, tls } = options;
  signal.throwIfAborted();
  let abort = (): void => {};
  const attempt: Attempt = { conn: undefined, signal };
  const aborted = new Promise<never>((_, reject) => {
    abort = () => {
      if (attempt.conn) hangUp(attempt.conn);
      reject(signal.reason);
    };
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([open(deno as DenoLike, url, sink, token, tls, attempt), aborted]);
  } catch (error) {
    if (attempt.conn) hangUp(attempt.conn);
    if (signal.aborted) throw signal.reason;
    if (error instanceof InvalidArgumentError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new ConnectionError(`Cannot connect to ${url.host}: ${text || "nobody answers there"}`, {
      cause: error,
      details: { closeCode: 0 },
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
};

interface Attempt {
  conn: Conn | undefined;
  signal: AbortSignal;
}

async function open(
  deno: DenoLike,
  url: URL,
  sink: TransportSink,
  token: string | undefined,
  tls: DialTls | undefined,
  attempt: Attempt,
): Promise<Transport> {
  const secure = url.protocol === "wss:";
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port) || (secure ? 443 : 80);
  const keep = (conn: Conn): Conn => {
    attempt.conn = conn;
    if (!attempt.signal.aborted) return conn;
    hangUp(conn);
    throw attempt.signal.reason;
  };
  const security = { caCerts: tls?.rootCerts ? [tls.rootCerts] : undefined, alpnProtocols: ["http/1.1"] };
  const name = tls?.serverNameOverride ?? hostname;
  let conn: Conn;
  if (secure && tls?.certChain) {
    // The one way to show a certificate of our own, at the price of Nagle's delays: what it gives has no setNoDelay.
    if (name !== hostname) throw new InvalidArgumentError(NO_OVERRIDE, "tls.serverNameOverride");
    conn = keep(await deno.connectTls({ ...security, hostname, port, cert: tls.certChain, key: tls.privateKey }));
  } else {
    conn = keep(await deno.connect({ hostname, port, signal: attempt.signal }));
    conn.setNoDelay?.(true);
    // Not by connectTls: only a plain connection has setNoDelay. The option stays with the socket.
    if (secure) conn = keep(await deno.startTls(conn, { ...security, hostname: name }));
  }

  const key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  await writeAll(conn, utf8(upgradeRequest(url, key, token)));
  const buffer = new Uint8Array(READ_BYTES);
  const { head, rest } = await readHead(conn, buffer);
  checkAnswer(head, await acceptFor(key));
  return new Wire(conn, sink, buffer, rest);
}

function upgradeRequest(url: URL, key: string, token: string | undefined): string {
  const protocols = token ? `${SUBPROTOCOL}, ${BEARER_PREFIX}${base64url(utf8(token))}` : SUBPROTOCOL;
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Protocol: ${protocols}`,
  ];
  if (url.username || url.password) {
    const pair = utf8(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
    lines.push(`Authorization: Basic ${btoa(String.fromCharCode(...pair))}`);
  }
  return lines.join("\r\n") + "\r\n\r\n";
}

/** Reads the answer's head; what came behind it is moved to the front of the buffer, `rest` bytes. */
async function readHead(conn: Conn, buffer: Uint8Array): Promise<{ head: string; rest: number }> {
  for (let filled = 0, looked = 0; filled < HEAD_BYTES;) {
    const count = await conn.read(buffer.subarray(filled));
    if (count === null) throw new Error("the connection was closed before an answer");
    filled += count;
    for (let at = looked; at + 4 <= filled; at++) {
      if (buffer[at] !== 13 || buffer[at + 1] !== 10 || buffer[at + 2] !== 13 || buffer[at + 3] !== 10) continue;
      const head = fromUtf8(buffer.subarray(0, at));
      buffer.copyWithin(0, at + 4, filled);
      return { head, rest: filled - at - 4 };
    }
    looked = Math.max(0, filled - 3);
  }
  throw new Error(`no end of the answer's head in ${HEAD_BYTES} bytes`);
}

async function acceptFor(key: string): Promise<string> {
  const text = utf8(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11") as Uint8Array<ArrayBuffer>;
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-1", text))));
}

function checkAnswer(head: string, accept: string): void {
  const [status, ...lines] = head.split("\r\n");
  const answer = /^HTTP\/1\.\d (\d{3})(.*)$/.exec(status);
  if (!answer) throw new Error("what answers there does not speak HTTP/1.1");
  if (answer[1] !== "101") {
    throw new Error(`it answers ${answer[1]}${answer[2].trimEnd()} instead of opening a WebSocket`);
  }
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const wrong = (name: string): never => {
    throw new Error(`the header ${name} of its answer is ${JSON.stringify(headers.get(name)) ?? "missing"}`);
  };
  const connection = headers.get("connection")?.toLowerCase().split(",").map((word) => word.trim());
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") wrong("upgrade");
  if (!connection?.includes("upgrade")) wrong("connection");
  if (headers.get("sec-websocket-accept") !== accept) wrong("sec-websocket-accept");
  if (headers.get("sec-websocket-protocol") !== SUBPROTOCOL) wrong("sec-websocket-protocol");
  if (headers.get("sec-websocket-extensions")) wrong("sec-websocket-extensions");
}

async function writeAll(conn: Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(at === 0 ? bytes : bytes.subarray(at));
}

function hangUp(conn: Conn): void {
  try {
    conn.close();
  } catch {
    // It is closed already, or was handed over to TLS.
  }
}

/** An open connection. */
class Wire implements Transport {
  readonly isCopying = true;
  readonly #conn: Conn;
  readonly #sink: TransportSink;
  readonly #reader: FrameReader;
  /** A close frame was sent or came: nothing of the user's leaves or arrives any more. */
  #closing = false;
  /** The sink heard `closed`. */
  #over = false;
  /** The last frame is queued: hang up when it is written. */
  #last = false;
  #queue: Uint8Array[] = [];
  #writing = false;
  /** A write failed: none is tried any more. */
  #mute = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(conn: Conn, sink: TransportSink, buffer: Uint8Array, filled: number) {
    this.#conn = conn;
    this.#sink = sink;
    this.#reader = new FrameReader(
      {
        frame: (opcode, payload) => this.#frame(opcode, payload),
        fault: (code, reason) => this.#finish(code, reason),
      },
      buffer,
      filled,
    );
    // Not before the dialer's caller has the transport in hand.
    setTimeout(() => this.#pump(), 0);
  }

  send(bytes: Uint8Array): void {
    if (!this.#closing) this.#write(encodeFrame(Opcode.Binary, bytes));
  }

  ping(): void {
    if (!this.#closing) this.#write(encodeFrame(Opcode.Text, PING_BYTES));
  }

  close(code = 1000, reason = ""): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#write(encodeFrame(Opcode.Close, closeBody(code, reason)));
    this.#limit(CLOSE_MS);
  }

  abandon(): void {
    this.#end(1006, "silent for too long");
    this.#hangUp();
  }

  async #pump(): Promise<void> {
    const reader = this.#reader;
    reader.took(0);
    while (!this.#over) {
      let count: number | null;
      let full = false;
      try {
        const room = reader.room();
        count = await this.#conn.read(room);
        full = count === room.length;
      } catch {
        count = null;
      }
      if (count === null) {
        // After a local end this is only the echo of hanging up.
        if (this.#over) return;
        this.#end(1006, "connection broke");
        return this.#hangUp();
      }
      if (this.#over) return;
      reader.took(count);
      // More is there: Deno answers such reads within the turn, so a busy wire would hold up all others and the timers.
      if (full) await new Promise<void>(endOfTurn);
    }
  }

  #frame(opcode: number, payload: Uint8Array): void {
    switch (opcode) {
      case Opcode.Binary:
        if (!this.#closing) this.#sink.received(payload);
        return;
      case Opcode.Text:
        if (this.#closing) return;
        if (payload.length === PING_BYTES.length && fromUtf8(payload) === PING) {
          this.#write(encodeFrame(Opcode.Text, PONG_BYTES));
        }
        return this.#sink.alive();
      case Opcode.Ping:
        if (!this.#closing) this.#write(encodeFrame(Opcode.Pong, payload));
        return;
      case Opcode.Close: {
        if (payload.length === 1) return this.#finish(1002, "close frame of one byte");
        const code = payload.length === 0 ? 1005 : payload[0] << 8 | payload[1];
        return this.#finish(code, fromUtf8(payload.subarray(2)), payload.subarray(0, 2));
      }
    }
  }

  /** The end as both sides see it: the sink hears it, the peer gets a close frame unless it has one, then hang up. */
  #finish(code: number, reason: string, echo: Uint8Array = closeBody(code, reason)): void {
    this.#reader.stop();
    if (!this.#closing) this.#write(encodeFrame(Opcode.Close, echo));
    this.#closing = this.#last = true;
    this.#end(code, reason);
    if (this.#writing) this.#limit(CLOSE_MS);
    else this.#hangUp();
  }

  #end(code: number, reason: string): void {
    if (this.#over) return;
    this.#closing = this.#over = true;
    this.#reader.stop();
    this.#sink.closed({ code, reason });
  }

  /** Gives the peer so long, then gives up. */
  #limit(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#end(1006, "connection broke");
      this.#hangUp();
    }, ms);
  }

  #hangUp(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    hangUp(this.#conn);
  }

  #write(frame: Uint8Array): void {
    if (this.#mute) return;
    this.#queue.push(frame);
    if (!this.#writing) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#queue.length > 0) await writeAll(this.#conn, this.#take());
    } catch {
      this.#mute = true;
      this.#queue = [];
      if (!this.#over) this.#limit(BROKEN_MS);
    }
    this.#writing = false;
    if (this.#last) this.#hangUp();
  }

  #take(): Uint8Array {
    let size = this.#queue[0].length;
    let count = 1;
    while (count < this.#queue.length && size + this.#queue[count].length <= JOIN_BYTES) {
      size += this.#queue[count++].length;
    }
    const frames = this.#queue.splice(0, count);
    return count === 1 ? frames[0] : concatBytes(frames);
  }
}
