// edge: no Deno, Bun, node: or cloudflare: names
import {
  type AetherError,
  AetherError as BaseError,
  InvalidArgumentError,
  QuotaError,
  TimeoutError,
} from "../errors.ts";
import { closeCodeFor } from "../protocol/close_codes.ts";
import { toWireError } from "../protocol/error_wire.ts";
import {
  eachFrame,
  FRAME_HEAD,
  FrameKind,
  FrameWriter,
  isNumbered,
  MessageView,
  readRequest,
  readSend,
  readU32,
  readU48,
} from "../protocol/frames.ts";
import type { Hello } from "../protocol/handshake.ts";
import { decodeStructured, encodeStructured } from "../protocol/structured.ts";
import type { CloseInfo, Transport, TransportSink } from "../transport/transport.ts";
import type { Core } from "./core.ts";
import type { Ops } from "./ops.ts";
import type { Router } from "./router.ts";
import { checkBye, checkHello } from "./schemas.ts";
import type { Session } from "./session.ts";

/** What a connection needs of the gateway it belongs to. */
export interface Door {
  /**
   * Decides over a hello: a session bound to the transport, or a rejection with a typed error.
   * @param bound hears of the session before its welcome leaves: frames may follow that at once
   */
  enter(hello: Hello, transport: Transport, bound: (session: Session) => void): Promise<void>;
  /** A session says goodbye. */
  leave(session: Session, reason: string): void;
  /** A session's socket is gone. */
  lost(session: Session, transport: Transport): void;
  /** A session did what cannot be. */
  fail(session: Session, error: unknown): void;
  /** The connection is over, whoever it was. */
  gone(connection: Connection): void;
}

/** Where the parts of the frame lie that is being read; one for all, for nobody reads another one meanwhile. */
const view: MessageView = new MessageView();

/** One socket: hello first, then the frames of its session. Nothing a peer sends throws out of it. */
export class Connection implements TransportSink {
  readonly openedAt: number;
  transport!: Transport;
  session: Session | undefined;
  readonly #core: Core;
  readonly #router: Router;
  readonly #ops: Ops;
  readonly #door: Door;
  readonly #token: string | undefined;
  #state: "hello" | "entering" | "open" | "closed" = "hello";
  #held: Uint8Array[] = [];
  #heldBytes = 0;

  constructor(core: Core, router: Router, ops: Ops, door: Door, token: string | undefined) {
    this.#core = core;
    this.#router = router;
    this.#ops = ops;
    this.#door = door;
    this.#token = token;
    this.openedAt = core.clock.now();
  }

  alive(): void {
    if (!this.session) return;
    this.session.heardAt = this.#core.clock.now();
    this.session.pinged = false;
  }

  closed(_info: CloseInfo): void {
    this.#state = "closed";
    this.#door.gone(this);
    if (this.session) this.#door.lost(this.session, this.transport);
  }

  received(bytes: Uint8Array): void {
    try {
      if (this.#state === "closed") return;
      if (bytes.length > this.#core.limits.socketMessageBytes) {
        throw new InvalidArgumentError(
          `Cannot take a WebSocket message of ${bytes.length} bytes: at most ${this.#core.limits.socketMessageBytes} are allowed`,
        );
      }
      if (this.session && this.#state === "open") {
        this.alive();
        eachFrame(bytes, this.#frame);
      } else this.#hello(bytes);
    } catch (error) {
      this.refuse(error);
    }
  }

  /** Says no and closes. */
  refuse(thrown: unknown): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#core.counters.refusals++;
    const error: AetherError = thrown instanceof BaseError
      ? thrown
      : new BaseError("The gateway failed to handle the frame", "INTERNAL", { cause: thrown });
    this.#core.logger(error === thrown ? "info" : "error", "connection.refused", {
      code: error.code,
      message: error.message,
      cause: String(error.cause ?? ""),
    });
    if (this.session) return this.#door.fail(this.session, error);
    const writer = new FrameWriter();
    writer.structured(FrameKind.Refuse, encodeStructured(toWireError(error)));
    this.transport.send(writer.take());
    this.transport.close(closeCodeFor(error.code), error.message);
    this.#door.gone(this);
  }

  /** Called when time has passed: a client that does not say hello is turned away. */
  expire(now: number): void {
    if (this.#state === "hello" && now - this.openedAt >= this.#core.limits.helloMs) {
      this.refuse(new TimeoutError(`No hello within ${this.#core.limits.helloMs} ms`));
    }
  }

  #hello(bytes: Uint8Array): void {
    if (this.#state !== "hello") throw new InvalidArgumentError("Cannot take frames before the welcome");
    let hello: Hello | undefined;
    eachFrame(bytes, (kind, _, start, end) => {
      if (hello || kind !== FrameKind.Hello) {
        throw new InvalidArgumentError(`Cannot take a frame of kind ${kind}: exactly one hello comes first`);
      }
      hello = checkHello(decodeStructured(bytes.subarray(start + FRAME_HEAD, end), this.#core.limits.structuredDepth));
    });
    if (!hello) throw new InvalidArgumentError("Cannot take an empty message: a hello comes first");
    // A token offered as a subprotocol counts only where hello brings none of its own.
    if (this.#token && !hello.credentials?.authorization) {
      hello.credentials = { ...hello.credentials, authorization: `Bearer ${this.#token}` };
    }
    this.#state = "entering";
    const bound = (session: Session): void => {
      this.session = session;
      if (this.#state !== "closed") this.#state = "open";
    };
    this.#door.enter(hello, this.transport, bound).then(
      () => {
        if (this.#state === "closed") this.#door.lost(this.session!, this.transport);
      },
      (error) => this.refuse(error),
    );
  }

  /** What comes behind a switch of the workspace is judged after it. */
  #hold({ moving }: Session, frame: Uint8Array): void {
    if (this.#held.length === 0) moving!.then(() => this.#release());
    this.#held.push(frame);
    this.#heldBytes += frame.length;
    const { replayBytes } = this.#core.limits;
    if (this.#heldBytes > replayBytes) {
      throw new QuotaError(`Cannot hold ${this.#heldBytes} bytes behind a switch: at most ${replayBytes} are held`, {
        details: { limit: replayBytes, current: this.#heldBytes },
      });
    }
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    try {
      for (const frame of held) eachFrame(frame, this.#frame);
    } catch (error) {
      this.refuse(error);
    }
  }

  readonly #frame = (kind: number, bytes: Uint8Array, start: number, end: number): void => {
    const session = this.session!;
    // A frame may end the session; what follows it in the same message is void.
    if (session.ended || this.#state === "closed") return;
    if (session.moving || this.#held.length > 0) return this.#hold(session, bytes.slice(start, end));
    if (isNumbered(kind)) session.received++;
    switch (kind) {
      case FrameKind.Send:
        readSend(bytes, start, end, view);
        return this.#router.send(session, view);
      case FrameKind.Ack:
        if (end - start !== FRAME_HEAD + 12) {
          throw new InvalidArgumentError("Cannot read frame: an ack of the wrong length");
        }
        return session.acknowledged(readU48(bytes, start + 6), readU48(bytes, start + 12));
      case FrameKind.Request:
        readRequest(bytes, start, end, view);
        return this.#router.request(session, view);
      case FrameKind.Reply: {
        if (end - start < FRAME_HEAD + 6) {
          throw new InvalidArgumentError("Cannot read frame: a reply is shorter than its head");
        }
        const body = bytes.subarray(start + 12, end);
        if (body.length > this.#core.limits.payloadBytes) {
          throw new InvalidArgumentError(
            `Cannot take a reply of ${body.length} bytes: at most ${this.#core.limits.payloadBytes} are allowed`,
          );
        }
        return session.requests.answer(readU32(bytes, start + 8), bytes[start + 5], bytes[start + 6], body);
      }
      case FrameKind.Cancel:
        if (end - start !== FRAME_HEAD + 4) {
          throw new InvalidArgumentError("Cannot read frame: a cancel of the wrong length");
        }
        session.calls.cancel(readU32(bytes, start + 6));
        return session.requests.cancel(readU32(bytes, start + 6));
      case FrameKind.Call:
        if (end - start < FRAME_HEAD + 4) {
          throw new InvalidArgumentError("Cannot read frame: a call is shorter than its head");
        }
        return this.#ops.call(session, readU32(bytes, start + FRAME_HEAD), bytes.subarray(start + FRAME_HEAD + 4, end));
      case FrameKind.Chunk:
      case FrameKind.Credit:
      case FrameKind.Open:
      case FrameKind.Head:
      case FrameKind.Reset:
        return session.streams.received(kind, bytes, start, end);
      case FrameKind.Bye:
        if (end - start > this.#core.limits.structuredBytes) {
          throw new InvalidArgumentError(`Cannot take a goodbye of ${end - start} bytes`);
        }
        return this.#door.leave(session, checkBye(decodeStructured(bytes.subarray(start + FRAME_HEAD, end))).reason);
      default:
        throw new InvalidArgumentError(`Cannot take a frame of kind ${kind} from a client`);
    }
  };
}
