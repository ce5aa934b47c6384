// edge: no Deno, Bun, node: or cloudflare: names
/**
 * What a gateway keeps, and the promises a backend makes. Changes are synchronous and take effect for the caller at
 * once; they are durable when `flush()` has settled. The gateway calls it once per turn of its event loop, before any
 * receipt of that turn leaves: that is group commit. Reads may be asynchronous.
 *
 * A change that cannot be kept throws a retryable `ConnectionError`. Either it was refused and is all that did not happen, or
 * the turn is lost: then every other change until the next `flush()` throws too, and so does that.
 *
 * Names, keys and ids are any Unicode text, zero bytes included; a backend may take a lone surrogate for U+FFFD.
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
  /** Smallest cursor of the lane, or undefined when it has no consumer. MUST be cheap for lanes with many consumers. */
  lowestCursor(lane: string): number | undefined;
  /** Drops every record up to and including a sequence. */
  trim(lane: string, through: number): void;
  /** Drops one record: a queue lane's message is done. */
  remove(lane: string, sequence: number): void;
  /**
   * Drops the records at the start of each lane, and the cursors, that are older than a moment, at most `limit` lanes a call,
   * and goes on with the next ones at the next call. Returns how many records went. A backend MAY leave the rest of a long
   * job to its next flushes.
   */
  expire(olderThan: number, limit: number): number;
}

/** What a lane holds. */
export interface LaneExtent {
  /** First sequence held; one more than `last` when there is none. */
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
  /** Remembers an id; one that is remembered again is the youngest. The window is the last so many calls. */
  remember(key: string, sequence: number, at: number): void;
  /** Highest message number taken from a producer; 0 when it is unknown. */
  producer(key: string): number;
  /** Remembers it, and that the producer was heard of when it grew. MUST NOT go back. */
  advance(key: string, number: number, at: number): void;
  /** Forgets the ids that are older, up to the first that is not, and the producers. */
  expire(olderThan: number): void;
}

/** One key and what it holds. */
export interface KvRecord {
  /** The key. */
  readonly key: string;
  /** The bytes; whoever gets them MUST NOT change them. */
  readonly value: Uint8Array;
  /** Grows with every write anywhere in the store; the record's own last one. */
  readonly revision: number;
  /** From when on it is not there, ms since epoch; 0 for never. */
  readonly expiresAt: number;
  /** A small number of the writer's choosing, kept beside the value. */
  readonly kind: number;
}

/** How a record is written. */
export interface KvWrite {
  /** Now, ms since epoch. */
  readonly now: number;
  /** When it stops being there; 0 for never. */
  readonly expiresAt?: number;
  /** Kept beside the value; 0 when left out. */
  readonly kind?: number;
  /** Write only when the key has this revision; 0 means that it is not there, undefined that it does not matter. */
  readonly expected?: number;
}

/** The latest state of a key that was written or removed. */
export interface KvChange {
  /** The key. */
  readonly key: string;
  /** What it holds; undefined when it was removed. */
  readonly record: KvRecord | undefined;
  /** Revision of the write or removal. */
  readonly revision: number;
}

/** A record whose time was over. */
export interface KvExpired {
  /** Where it was. */
  readonly space: string;
  /** Its key. */
  readonly key: string;
  /** Revision of the removal. */
  readonly revision: number;
}

/**
 * Keys and values in spaces. A space is any text; nothing of one is ever seen in another. Keys are ordered by code point.
 * A record whose `expiresAt` is not above `now` is not there, whether it has been swept or not.
 */
export interface KvStore {
  /** What a key holds. */
  get(space: string, key: string, now: number): MaybePromise<KvRecord | undefined>;
  /** Writes. Returns the new revision, or 0 when `expected` was not met. MUST have copied the value when it returns. */
  put(space: string, key: string, value: Uint8Array, write: KvWrite): MaybePromise<number>;
  /** Removes. Returns the revision of the removal, or 0 when there was nothing, or `expected` was not met. */
  delete(space: string, key: string, now: number, expected?: number): MaybePromise<number>;
  /** Removes a record without a trace: `changes` never tells of it. For spaces that nobody follows. */
  purge(space: string, key: string): MaybePromise<void>;
  /** Records whose key begins with `prefix` and comes after `after` (undefined for the start), in order, at most `limit`. */
  list(space: string, prefix: string, after: string | undefined, limit: number, now: number): MaybePromise<KvRecord[]>;
  /**
   * What happened to keys that begin with `prefix` after a revision, oldest first, at most `limit`: each key once, as it is
   * now. Whoever has handled the last of them goes on after its revision and misses nothing. MUST include removals, until they
   * are forgotten. Records that have expired and are not swept yet count as they were.
   */
  changes(space: string, prefix: string, after: number, limit: number): MaybePromise<KvChange[]>;
  /** The revision up to which removals in a space are forgotten: changes after an older one are not complete. */
  forgotten(space: string): MaybePromise<number>;
  /** Keys in a space, expired ones that are not swept included. */
  count(space: string): MaybePromise<number>;
  /** Removes records whose time is over, soonest first, at most `limit`, and says which. */
  expire(now: number, limit: number): KvExpired[];
  /** When the next record's time is over; Infinity when none has an end. */
  nextExpiry(): number;
  /** Forgets removals older than a moment, oldest first, at most `limit` of them. Returns how many. */
  forget(olderThan: number, limit: number): number;
}

/** A task as it is kept. What the bytes say is the gateway's matter. */
export interface TaskRecord {
  /** Its id. */
  readonly id: string;
  /** As it was made. */
  readonly made: Uint8Array;
  /** What it works on; undefined when that is not wanted any more, or kept elsewhere. */
  readonly payload: Uint8Array | undefined;
  /** How it is now; undefined while it is as it was made. */
  readonly state: Uint8Array | undefined;
  /** Since when it is over, ms since epoch; 0 while it is alive. */
  readonly overAt: number;
}

/** Tasks, alive and over. What a backend is given it MUST have copied when it returns. Ids are ordered by code point. */
export interface TaskStore {
  /** Keeps a task, in the place of all that was kept under its id. */
  put(record: TaskRecord): void;
  /** Says how a task is that is kept already: most of it never changes. Its payload stays only when it is said to. */
  change(id: string, state: Uint8Array, overAt: number, keepsPayload: boolean): void;
  /** A task. */
  get(id: string): MaybePromise<TaskRecord | undefined>;
  /** Tasks whose ids come after one (undefined for the start), in order, at most `limit`. */
  list(after: string | undefined, limit: number): MaybePromise<TaskRecord[]>;
  /** Those that are alive, in the order in which they first came. Nothing may be changed until the last was seen. */
  alive(): MaybePromise<Iterable<TaskRecord>>;
  /** Drops those that have been over since before a moment, the longest first, at most `limit`, and says which. */
  expire(before: number, limit: number): string[];
}

/** Everything a gateway keeps. */
export interface Store extends AsyncDisposable {
  /** Lanes. */
  readonly log: LogStore;
  /** Ids of messages. */
  readonly dedupe: DedupeStore;
  /** Keys and values. */
  readonly kv: KvStore;
  /** Tasks. */
  readonly tasks: TaskStore;
  /** Whether it keeps nothing beyond the process: then a flush costs nothing. */
  readonly isVolatile: boolean;
  /**
   * Makes everything since the last call durable. Rejects (or throws) when it could not: then nothing since the last
   * success has happened, for reads too, and whoever remembers any of it must forget it.
   */
  flush(): MaybePromise<void>;
  /** Why it refuses changes now, in words for an operator; undefined when all is well. It may look whether that is over. */
  fault(): string | undefined;
}
