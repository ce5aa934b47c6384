// edge: no Deno, Bun, node: or cloudflare: names
import { type AetherError, NotFoundError } from "../errors.ts";
import type { Handlers } from "../base/emitter.ts";
import { encodeError } from "../protocol/error_wire.ts";
import { FLAG_REFUSED, FrameKind, type FrameWriter } from "../protocol/frames.ts";
import type { ConnectionState } from "./state.ts";

// Where connections and their streams meet, apart from both: a client that uses no streams does not load them.

/** What a connection lets its streams do. */
export interface StreamPort {
  /** Its state: streams need one that is ready. */
  readonly state: ConnectionState;
  /** Hears of every change of it. */
  readonly onState: Handlers<ConnectionState>;
  /** Where control frames of this turn are laid. */
  readonly writer: FrameWriter;
  /** What was laid and queued leaves at the end of this turn. */
  schedule(): void;
  /** Its streams, once there are any. */
  streams: StreamEnd | undefined;
  /** Takes an open as it is, where both ends are in one process: what is not written needs not be read. */
  open?(stream: number, kind: number, topic: string, isEnd: boolean, head: unknown): void;
}

/** What a connection tells its streams. */
export interface StreamEnd {
  /** A frame of a stream came. */
  received(kind: number, bytes: Uint8Array, start: number, end: number): void;
  /** The socket is gone: streams do not outlive it. */
  lost(error: AetherError): void;
  /** The control frames of the turn are laid, none of them numbered: data may follow; `send` gets what is too much. */
  flush(writer: FrameWriter, send: (bytes: Uint8Array) => boolean | void): void;
}

/** Says that nobody takes a stream here. */
export function refuseOpen(port: Pick<StreamPort, "writer" | "schedule">, stream: number): void {
  const error = new NotFoundError("Nobody takes streams of this kind there: it has no serveHttp or serveTunnels");
  writeReset(port, stream, FLAG_REFUSED, error);
}

/** Lays a `Reset`. */
export function writeReset(
  port: Pick<StreamPort, "writer" | "schedule">,
  stream: number,
  flags: number,
  error: AetherError,
): void {
  port.writer.structured(FrameKind.Reset, encodeError(error), stream, flags);
  port.schedule();
}
