// edge: no Deno, Bun, node: or cloudflare: names
import type { Clock } from "../base/clock.ts";
import type { Handlers } from "../base/emitter.ts";
import type { ConnectionAck } from "../protocol/messages.ts";
import type { Notice, OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import type { Requests, WaitOptions } from "./requests.ts";
import type { StreamPort } from "./stream_port.ts";

/** What a capability may ask of a session: key-value store, checkpoints, tasks and the rest stand on this and nothing else. */
export interface Link {
  /** Where time comes from, and how a client is configured to come back. */
  readonly options: { readonly clock: Clock };
  /** The workspace as its user last set it. */
  readonly workspace: string | undefined;
  /** What the gateway says unasked. */
  readonly onNotice: Handlers<Notice>;
  /** Has the gateway do a named operation; rejects with the typed error. */
  call<Op extends OpName>(op: Op, input: OpInput<Op>, options?: WaitOptions): Promise<OpOutput<Op>>;
  /** Replies that one call asks for and another brings; undefined where calls go a longer way. */
  readonly requests?: Pick<Requests, "expect">;
  /** Tells `onError` about something nobody else hears. */
  report(error: unknown): void;
}

/** Like a receipt, the promise may be ignored: a failure also reaches `onError`, and is no unhandled rejection. */
export function heard<T>(link: Pick<Link, "report">, promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  promise.catch((error) => signal?.aborted || link.report(error));
  return promise;
}

/** Where a client, or a gateway, has what HTTP and tunnels stand on. */
export const LINK: unique symbol = Symbol.for("aether-edge.link") as never;

/** Whose connection can carry HTTP and tunnels: a client, or a gateway within its own process. */
export interface Linked {
  /**
   * The connection.
   * @internal
   */
  readonly [LINK]: StreamLink;
}

/** What HTTP and tunnels ask of a connection. */
export interface StreamLink extends StreamPort {
  /** Where time comes from. */
  readonly options: { readonly clock: Clock };
  /** Hears of every welcome; a gateway's own end has none. */
  readonly onConnect?: Handlers<ConnectionAck>;
  /** Has the gateway do a named operation; a gateway's own end has none. */
  call?<Op extends OpName>(op: Op, input: OpInput<Op>, options?: WaitOptions): Promise<OpOutput<Op>>;
  /** Tells about something nobody else hears. */
  report(error: unknown): void;
}
