// edge: no Deno, Bun, node: or cloudflare: names
import { utf8 } from "../base/bytes.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { PACKET_BYTES } from "../protocol/limits.ts";
import type { Packet } from "./packets.ts";
import { BROKEN, closeOf, NORMAL, sendable, type SocketClose } from "./socket_close.ts";
import type { Tunnel } from "./tunnel.ts";

/** What is asked of a WebSocket, whoever made it. */
export interface JointSocket {
  /** Queues a message. */
  send(packet: Packet): void;
  /** Closes it, by a code that may be sent. */
  close(end: SocketClose): void;
  /** Bytes it was given that have not left; 0 where it does not say. */
  buffered(): number;
  /** Holds what comes in back; only some can. */
  pause?(): void;
  /** Ends that. */
  resume?(): void;
  /** Writes something the page does not see: a connection that is held back is heard to be broken only when it is written to. */
  ping?(): void;
}

/** A message as some runtime gives it. */
export type SocketData = Packet | ArrayBuffer | Blob;

/** What a socket may have waiting before the tunnel is read on: enough to keep a fast line busy between two looks. */
const BUFFERED_BYTES = 1024 * 1024;
/** From here on a socket that can is told to wait. */
const PAUSE_BYTES = 512 * 1024;
/**
 * What may wait to go into the tunnel. The events of a WebSocket cannot be held back on most runtimes, so that beyond it the
 * socket is closed; a single message, of up to 16 MiB, always has room.
 */
const QUEUED_BYTES = 8 * 1024 * 1024;
/** How long the tunnel lives on when the socket has gone and nothing more is delivered, in ms. */
const GRACE_MS = 5_000;
/** Between two pings of a socket that is held back, in ms. */
const PING_MS = 5_000;
/** Between two looks at what has left, in ms: from the first to the longest. */
const LOOK_MS = [1, 32] as const;

/** A WebSocket joined to a tunnel: messages both ways, neither faster than the other side takes them, and how each ends. */
export class SocketJoint {
  readonly #socket: JointSocket;
  readonly #tunnel: Tunnel;
  readonly #clock: Clock;
  readonly #queue: SocketData[] = [];
  #queued = 0;
  #isPaused = false;
  #left: SocketClose | undefined;
  #isHungUp = false;
  /** Whether nothing it brings can go into the tunnel any more. */
  #isDeaf = false;
  #isOver = false;
  #wake: () => void = () => {};
  #grace: CancelTimer | undefined;
  #probing: CancelTimer | undefined;

  constructor(socket: JointSocket, tunnel: Tunnel, clock: Clock) {
    this.#socket = socket;
    this.#tunnel = tunnel;
    this.#clock = clock;
  }

  /** Carries messages until both are over. Never rejects: how it went is told to both ends. */
  async run(): Promise<void> {
    await Promise.all([this.#up(), this.#down()]);
    this.#isOver = true;
    this.#grace?.();
    this.#probing?.();
  }

  /** The socket has brought a message. */
  message(data: SocketData): void {
    if (this.#left || this.#isDeaf) return;
    const size = sizeOf(data);
    if (isTooLarge(data, size)) return this.#refuse(1009, `a message has more than ${PACKET_BYTES} bytes`);
    if (this.#queued > 0 && this.#queued + size > QUEUED_BYTES) {
      return this.#refuse(1013, "messages come faster than they are taken");
    }
    this.#queue.push(data);
    this.#queued += size;
    // One that was told to close is heard to its end.
    if (!this.#isPaused && !this.#isHungUp && this.#socket.pause && this.#queued > PAUSE_BYTES) {
      this.#isPaused = true;
      this.#socket.pause();
      this.#probe();
    }
    this.#wake();
  }

  /** Whether a page that is told to wait is there at all. */
  #probe(): void {
    this.#probing?.();
    this.#probing = this.#clock.timer(PING_MS, () => {
      if (!this.#isPaused || this.#left) return;
      this.#socket.ping?.();
      this.#probe();
    });
  }

  /** What was taken before is delivered, and both sides hear why nothing comes behind it. */
  #refuse(code: number, reason: string): void {
    this.#hangUp({ code, reason });
    this.left({ code, reason });
  }

  /** The socket has closed. What it brought before is still delivered. */
  left(end: SocketClose): void {
    if (this.#left) return;
    this.#left = end;
    this.#linger();
    this.#wake();
  }

  /** From the socket into the tunnel, in order. */
  async #up(): Promise<void> {
    const writer = this.#tunnel.writable.getWriter();
    try {
      for (;;) {
        const data = this.#queue.shift();
        if (data !== undefined) {
          await writer.write(await toPacket(data));
          this.#delivered(sizeOf(data));
        } else if (this.#left) break;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
      this.#tunnel.ownClose = this.#left;
      await writer.close();
      this.#linger();
    } catch (error) {
      this.#isDeaf = true;
      this.#queue.length = 0;
      this.#hangUp(closeOf(error));
    }
  }

  #delivered(size: number): void {
    this.#queued -= size;
    if (this.#left) return this.#linger();
    if (!this.#isPaused || this.#queued > PAUSE_BYTES / 2) return;
    this.#isPaused = false;
    this.#socket.resume!();
  }

  /** From the tunnel to the socket. */
  async #down(): Promise<void> {
    try {
      for await (const packet of this.#tunnel.readable) {
        // Nobody is there any more. It is not read on, so that a far end that only writes is held back, but may end by itself.
        if (this.#left) return await this.#tunnel.closed;
        this.#socket.send(packet);
        if (this.#socket.buffered() > BUFFERED_BYTES) await this.#drained();
      }
      this.#hangUp(this.#tunnel.farClose ?? NORMAL);
    } catch (error) {
      this.#hangUp(closeOf(error));
    }
  }

  /** No WebSocket tells when its bytes have left: it has to be looked at. */
  async #drained(): Promise<void> {
    for (let ms: number = LOOK_MS[0]; !this.#left && this.#socket.buffered() > BUFFERED_BYTES;) {
      await new Promise<void>((resolve) => void this.#clock.timer(ms, resolve));
      ms = Math.min(ms * 2, LOOK_MS[1]);
    }
  }

  #hangUp(end: SocketClose): void {
    if (this.#left || this.#isHungUp) return;
    this.#isHungUp = true;
    // One that is held back would not hear the other side's answer.
    if (this.#isPaused) this.#socket.resume!();
    this.#isPaused = false;
    try {
      this.#socket.close(sendable(end));
    } catch {
      // Some throw when it is closed already.
    }
    this.#linger();
  }

  /** Whoever does not end in time after the other has is ended. */
  #linger(): void {
    this.#grace?.();
    if (this.#isOver) return;
    this.#grace = this.#clock.timer(GRACE_MS, () => {
      this.#tunnel.close("its WebSocket has gone");
      this.left(BROKEN);
    });
  }
}

function sizeOf(data: SocketData): number {
  return typeof data === "string" ? data.length : data instanceof Blob ? data.size : data.byteLength;
}

/** A letter has one to three bytes: only what may be too large is counted. */
function isTooLarge(data: SocketData, size: number): boolean {
  if (typeof data !== "string" || size > PACKET_BYTES) return size > PACKET_BYTES;
  return size * 3 > PACKET_BYTES && utf8(data).length > PACKET_BYTES;
}

async function toPacket(data: SocketData): Promise<Packet> {
  if (typeof data === "string" || data instanceof Uint8Array) return data;
  return new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data);
}
