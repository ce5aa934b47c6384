// edge: no Deno, Bun, node: or cloudflare: names
import type { KvCondition, KvPlace } from "../protocol/kv.ts";

/** Where a key lies, and how long to wait for an operation. */
export interface KVPlaceOptions extends KvPlace {
  /** How long to wait for the answer, in ms; 5 000 by default. */
  timeout?: number;
  /** Stops waiting; an operation on its way may still be done. */
  signal?: AbortSignal;
}
/** A key. */
export interface KVKeyOptions extends KVPlaceOptions {
  /** The key: 1 to 512 bytes of UTF-8. */
  key: string;
}
/** A key and what to write. */
export interface KVPutOptions extends KVKeyOptions {
  /** The bytes, at most 1 MiB. */
  value: Uint8Array;
  /** Seconds after which it is gone; 0 or left out for never. */
  ttl?: number;
}
/** A counter and by how much. */
export interface KVCounterOptions extends KVKeyOptions {
  /** By how much, 0 or more; 1 when left out. */
  delta?: number | bigint;
  /** Seconds after which it is gone. Given again, it counts from now; left out, what was said before stays. */
  ttl?: number;
}
/** A counter and the bound its result may not pass. */
export interface KVGuardedCounterOptions extends KVCounterOptions {
  /** Done only when the result is at most (incrementIf) or at least (decrementIf) this. */
  guard: number | bigint;
}
/** What to write when the key still holds what was expected. */
export interface KVCompareAndSetOptions extends KVPutOptions, KvCondition {}
/** What to remove when it still holds what was expected. */
export interface KVCompareAndDeleteOptions extends KVKeyOptions, KvCondition {}
/** A set and one member. */
export interface KVSetAddOptions extends KVKeyOptions {
  /** The member's bytes; `value` is the same. */
  member?: Uint8Array;
  /** The member's bytes. */
  value?: Uint8Array;
  /** Seconds after which the whole set is gone. */
  ttl?: number;
}
/** Which keys to list. */
export interface KVListOptions extends KVPlaceOptions {
  /** They begin with this; `key` is the same. */
  keyPrefix?: string;
  /** They begin with this, as the older SDK has it. */
  key?: string;
  /** At most so many, up to 1000; 100 by default. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}
/** Which keys to watch. */
export interface KVWatchOptions extends KvPlace {
  /** One key … */
  key?: string;
  /** … or all that begin with this. */
  keyPrefix?: string;
  /** Only changes after this revision; left out, what is there now comes first. */
  fromRevision?: number;
  /** Ends the watch. */
  signal?: AbortSignal;
}

/** What became of an operation. A missing key is `found: false`, not an error. */
export interface KVResponse {
  /** Always true: what fails is thrown. */
  success: true;
  /** Whether the key is there. */
  found: boolean;
  /** What it holds; for a conditional operation that was not done, what it holds instead. */
  value?: Uint8Array;
  /** Keys of a list, in order. */
  keys: string[];
  /** Values of a list by key. */
  kvMap: Record<string, Uint8Array>;
  /** The counter's value or the set's size; a bigint beyond 2^53. */
  counterValue?: number | bigint;
  /** Whether a conditional operation was done. */
  applied: boolean;
  /** The key's revision; 0 when it is not there. */
  revision: number;
  /** Where the next page of a list begins. */
  nextCursor?: string;
  /** Whether a list goes on. */
  hasMore: boolean;
}
