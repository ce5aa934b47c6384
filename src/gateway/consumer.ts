// edge: no Deno, Bun, node: or cloudflare: names
import type { Gap } from "../protocol/messages.ts";

/** How a lane treats its messages. */
export type LanePolicy =
  /** One consumer, kept while it is away; a full lane refuses the sender. */
  | "identity"
  /** One consumer, kept while it is away; a full lane drops its oldest and says so. */
  | "fan_in"
  /** Many consumers, each with a cursor of its own; a full lane drops its oldest and says so. */
  | "cursors"
  /** Many consumers, live ones only. */
  | "live"
  /** Many workers; each message goes to exactly one that is free. */
  | "queue";

/** What a lane needs of a session. */
export interface Listener {
  /** The topic of its identity; names its cursors. */
  readonly topic: string;
  /** Whether it has a socket now. */
  readonly connected: boolean;
  /** Whether its window has room. */
  hasRoom(): boolean;
  /** Hands a message over if the window has room. */
  offer(consumer: Consumer, sequence: number, bytes: Uint8Array): boolean;
  /** Hands over a live message, or queues it. */
  broadcast(consumer: Consumer, sequence: number, bytes: Uint8Array): void;
  /** Messages are gone, and the client must know. */
  gap(gap: Gap): void;
  /** Something broke: the session ends. */
  fail(error: unknown): void;
}

/** What a session needs of a lane it listens to. */
export interface Listened {
  readonly topic: string;
  readonly policy: LanePolicy;
  /** Whether several hear the very same frames of it. */
  readonly isCommon: boolean;
  /** The consumer has handled everything up to a sequence. */
  handled(consumer: Consumer, sequence: number): void;
  /** The session still listens: its cursor must not age. */
  touch(consumer: Consumer): void;
  /** There is room again. */
  pump(consumer: Consumer): void;
  /** Queue lanes: there may be a free worker again. */
  fill(): void;
  /** Queue lanes: takes back what was not handled. */
  giveBack(consumer: Consumer): void;
  /** The session wants nothing more, but will finish what it has. */
  leave(consumer: Consumer): void;
  /** The session listens no more. */
  detach(consumer: Consumer): void;
}

/** One session's place in one lane. */
export interface Consumer {
  readonly session: Listener;
  readonly lane: Listened;
  /** Name of its cursor. */
  readonly name: string;
  /** Last sequence handed to the session. */
  position: number;
  /** Whether records are being read for it: a second read waits. */
  reading: boolean;
  /** Queue lanes: the sequence it works on, 0 when free. */
  working: number;
}
