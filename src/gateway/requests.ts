// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, ConnectionClosedError, QuotaError } from "../errors.ts";
import { toWireError } from "../protocol/error_wire.ts";
import { passError } from "./passed_errors.ts";
import { FLAG_ERROR, type FrameWriter, type MessageView } from "../protocol/frames.ts";
import { encodeStructured } from "../protocol/structured.ts";
import type { Core } from "./core.ts";

/** What the table needs of a session. */
export interface Asker {
  readonly core: Core;
  readonly topic: string;
  readonly topicBytes: Uint8Array;
  readonly workspaceBytes: Uint8Array;
  readonly writer: FrameWriter;
  readonly requests: RequestTable;
  readonly ended: boolean;
  /** Asks for a flush at the end of the turn. */
  touch(): void;
}

interface Open {
  session: Asker;
  id: number;
}

/** Requests on their way through one session: those it asked, and those it has to answer. */
export class RequestTable {
  readonly #session: Asker;
  /** Asked by this session: its id → who answers. */
  readonly #asked = new Map<number, Open>();
  /** To be answered by this session: the id it was given → who asked. */
  readonly #owed = new Map<number, Open>();
  #next = 1;

  constructor(session: Asker) {
    this.#session = session;
  }

  /** How many it has to answer: its load. */
  get owed(): number {
    return this.#owed.size;
  }

  /** Passes a request on. Both tables know it until it is answered. */
  pass(view: MessageView, target: Asker): void {
    const limit = this.#session.core.limits.pendingRequests;
    if (this.#asked.size >= limit || target.requests.#owed.size >= limit) {
      const current = Math.max(this.#asked.size, target.requests.#owed.size);
      return this.refuse(
        view.number,
        new QuotaError(`Cannot pass the request on: ${current} requests are open, at most ${limit} may be`, {
          details: { limit, current },
          retryAfterMs: 100,
        }),
      );
    }
    const id = target.requests.#next++ >>> 0;
    this.#asked.set(view.number, { session: target, id });
    target.requests.#owed.set(id, { session: this.#session, id: view.number });
    const meta = view.bytes.subarray(view.metaStart, view.payloadStart);
    const payload = view.bytes.subarray(view.payloadStart, view.payloadEnd);
    target.writer.request(
      view.messageType,
      id,
      view.time,
      this.#session.topicBytes,
      this.#session.workspaceBytes,
      meta,
      payload,
    );
    target.touch();
    this.#session.core.counters.requests++;
  }

  /** Answers the asker with an error of the gateway's. */
  refuse(id: number, error: AetherError): void {
    this.#session.writer.reply(id, FLAG_ERROR, 0, encodeStructured(toWireError(error)));
    this.#session.touch();
  }

  /** This session's answer to a request it was given; one that is late or nobody's is dropped. */
  answer(id: number, flags: number, messageType: number, body: Uint8Array): void {
    const open = this.#owed.get(id);
    if (!open) return;
    const { core } = this.#session;
    const passed = flags & FLAG_ERROR ? passError(body, core.limits.structuredDepth) : body;
    this.#owed.delete(id);
    open.session.requests.#asked.delete(open.id);
    if (open.session.ended) return;
    open.session.writer.reply(open.id, flags, messageType, passed);
    open.session.touch();
  }

  /** The asker does not wait any more. */
  cancel(id: number): void {
    const open = this.#asked.get(id);
    if (!open) return;
    this.#asked.delete(id);
    open.session.requests.#owed.delete(open.id);
    if (open.session.ended) return;
    open.session.writer.cancel(open.id);
    open.session.touch();
  }

  /** The session is over: askers get an error, answerers are told to stop. */
  end(): void {
    for (const id of [...this.#asked.keys()]) this.cancel(id);
    for (const open of this.#owed.values()) {
      open.session.requests.#asked.delete(open.id);
      if (!open.session.ended) {
        open.session.requests.refuse(
          open.id,
          new ConnectionClosedError(`No answer from "${this.#session.topic}": its connection ended`),
        );
      }
    }
    this.#owed.clear();
  }
}
