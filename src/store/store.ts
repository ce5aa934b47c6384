// edge: no Deno, Bun, node: or cloudflare: names
/**
 * What a gateway keeps, and the promises a backend makes. Changes are synchronous and take effect for the caller at
 * once; they are durable when `flush()` has settled. The gateway calls it once per turn of its event loop, before any
 * receipt of that turn leaves: that is group commit. Reads may be asynchronous.
 * @module
 */

/** A value, now or soon: a synchronous backend pays nothing. */
export type MaybePromise<T> = T | Promise<T>;

/** One message of a lane. */
export interface LogRecord {
  /** Position in the lane: 1, 2, 3 … */
  readonly sequence: number;
  /** When it was appended, ms since epoch. */
  readonly at: number;
  /** When it is worth nothing any more, ms since epoch; 0 for never. */
  readonly expiresAt: number;
  /** The frame, ready to be delivered. */
  readonly bytes: Uint8Array;
}

/** Append-only lanes with a cursor per consumer. */
export interface LogStore {
  /**
   * Appends and returns the sequence, one more than the lane's last. MUST NOT copy `bytes`: the caller never changes them.
   */
  append(lane: string, bytes: Uint8Array, at: number, expiresAt: number): number;
  /** Records after a position, oldest first, at most `limit`; empty means caught up. MUST skip removed records. */
  read(lane: string, after: number, limit: number): MaybePromise<LogRecord[]>;
  /** What the lane holds: its first and last sequence (first > last when empty), count and bytes. */
  extent(lane: string): LaneExtent;
  /** Sequence up to which a consumer has handled the lane; undefined when it was never here. */
  cursor(lane: string, consumer: string): MaybePromise<number | undefined>;
  /** Moves a cursor. MUST NOT move it back. */
  commit(lane: string, consumer: string, sequence: number, at: number): void;
  /** Smallest cursor of the lane, or undefined when it has no consumer. */
  lowestCursor(lane: string): number | undefined;
  /** Drops every record up to and including a sequence. */
  trim(lane: string, through: number): void;
  /** Drops one record: a queue lane's message is done. */
  remove(lane: string, sequence: number): void;
  /** Drops records and cursors older than a moment, at most `limit` lanes a call. Returns how many records went. */
  expire(olderThan: number, limit: number): number;
}

/** What a lane holds. */
export interface LaneExtent {
  /** First sequence held. */
  readonly first: number;
  /** Last sequence ever given. */
  readonly last: number;
  /** Records held. */
  readonly count: number;
  /** Bytes held. */
  readonly bytes: number;
}

/** Which messages have been taken, so that a repeated one is delivered once. */
export interface DedupeStore {
  /** The sequence of an id taken within the window. */
  seen(key: string): number | undefined;
  /** Remembers an id. */
  remember(key: string, sequence: number, at: number): void;
  /** Highest message number taken from a producer; 0 when it is unknown. */
  producer(key: string): number;
  /** Remembers it. MUST NOT go back. */
  advance(key: string, number: number, at: number): void;
  /** Forgets what is older. */
  expire(olderThan: number): void;
}

/** Everything a gateway keeps. */
export interface Store extends AsyncDisposable {
  /** Lanes. */
  readonly log: LogStore;
  /** Ids of messages. */
  readonly dedupe: DedupeStore;
  /** Makes everything since the last call durable. Rejects when it could not; then nothing of it may be taken for done. */
  flush(): MaybePromise<void>;
}
