// edge: no Deno, Bun, node: or cloudflare: names
import type { FrameWriter } from "../protocol/frames.ts";
import type { HttpRequestHead } from "../protocol/http.ts";
import type { Identity } from "../protocol/principals.ts";
import type { OpenFrame } from "../protocol/stream_frames.ts";
import type { StreamTable } from "./streams.ts";

/** Who opens streams. */
export interface Caller {
  readonly topic: string;
  readonly workspace: string | undefined;
  /** Undefined for the gateway's own program, which may call anybody. */
  readonly identity: Identity | undefined;
}

/** Whose streams a table has: a session, or the gateway itself. */
export interface StreamHost {
  readonly caller: Caller;
  readonly writer: FrameWriter;
  readonly ended: boolean;
  readonly streams: StreamTable;
  /** Asks for a flush at the end of the turn. */
  touch(): void;
  /** Takes a frame as it came, where there is no socket to write it to. */
  take?(kind: number, bytes: Uint8Array, start: number, end: number): void;
}

/** An `Open`, whose head an end in the gateway's own process has not written. */
export type Opening = Omit<OpenFrame, "head" | "workspace"> & { readonly head: Uint8Array | HttpRequestHead };

/** Finds whom a stream is for. */
export interface StreamRouter {
  /** A stream was asked for; it is joined to its target's, or reset. */
  open(host: StreamHost, open: Opening): void;
  /** Its target is gone, or takes nothing, before anything came of it: true when another one has it now. */
  again(leg: Leg): boolean;
  /** A part of an exchange was passed on that others can work with. */
  done(): void;
}

/** One end of a stream: what comes in by it goes out by the other. */
export interface Leg {
  readonly table: StreamTable;
  readonly stream: number;
  /** The other end; none while the target is being looked for. */
  other: Leg | undefined;
  /** Bytes its client may still send. */
  allowance: number;
  /** Its client has said its last. */
  isEnd: boolean;
  /** On the opener's end: what another target could be asked as well, until something has come of it. */
  retry: unknown;
  readonly isOpener: boolean;
}
