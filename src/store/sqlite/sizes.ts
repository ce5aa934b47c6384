// edge: no Deno, Bun, node: or cloudflare: names

/** How much of a store is in memory, and how much is done at a time. Tests make them small, to see every seam. */
export interface Sizes {
  /** Records of the tail. What is trimmed before it leaves the tail never meets an index. */
  readonly tailRecords: number;
  /** Bytes of the tail. */
  readonly tailBytes: number;
  /** Records that leave the tail together: two milliseconds, and the more of them, the more share a page of the index. */
  readonly settle: number;
  /** Settled records a lane looks at together. */
  readonly look: number;
  /** Settled records a lane does not hold any more wait to be deleted together, until they are so many. */
  readonly drop: number;
  /** Records that one call of `expire`, or one flush after it, drops at most. */
  readonly expire: number;
  /** Ids, and producers, that one flush forgets at most beyond those it takes. */
  readonly forget: number;
  /** Changes the journal goes back at the least. Until then a row that changes in every turn is written once. */
  readonly journal: number;
  /** Changes it goes back at the most, when many rows change: they are read when a store is opened. */
  readonly journalMost: number;
  /** Rows of a table that come home from the journal together, at the least. */
  readonly home: number;
  /** Lanes, producers and spaces kept in memory: up to twice as many, and those that are needed. */
  readonly cached: number;
  /** Keys kept in memory with their values: up to twice as many. */
  readonly keys: number;
  /** Bytes of these keys and values: up to twice as many. */
  readonly keyBytes: number;
}

/** Measured by bench/store.ts, 2026-11-21. */
export const SIZES: Sizes = {
  tailRecords: 8192,
  tailBytes: 16 * 1024 * 1024,
  settle: 1024,
  look: 512,
  drop: 256,
  expire: 1024,
  forget: 1024,
  journal: 131_072,
  journalMost: 1_048_576,
  home: 512,
  cached: 16_384,
  keys: 10_000,
  keyBytes: 8 * 1024 * 1024,
};
