// edge: no Deno, Bun, node: or cloudflare: names
import type { Sizes } from "./sizes.ts";
import type { Space } from "./spaces.ts";

/** One key as it is, or as it is to be once it is written. */
export interface Entry {
  /** As the turn that changed it last knows it. */
  space: Space;
  readonly key: string;
  /** The key's bytes, once somebody needed them. */
  name: Uint8Array | undefined;
  /** Its row; 0 for none. */
  id: number;
  /** Whether it is known which row it has, and so whether it counts in its space already. */
  isKnown: boolean;
  /** Whether its row is not as it is. */
  isDirty: boolean;
  /** Undefined when nothing is there. */
  value: Uint8Array | undefined;
  /** Of the last write or removal; 0 when there is no trace of any. */
  revision: number;
  at: number;
  expiresAt: number;
  kind: number;
}

type Spaces = Map<number, Map<string, Entry>>;

/** Keys that were written or read lately, by space: reading one again, or writing it anew, asks the database nothing. */
export class Entries {
  #young: Spaces = new Map();
  #old: Spaces = new Map();
  #count = 0;
  #bytes = 0;
  readonly #sizes: Sizes;

  constructor(sizes: Sizes) {
    this.#sizes = sizes;
  }

  /** What is known of a key; undefined when nothing is. */
  get(space: number, key: string): Entry | undefined {
    const entry = this.#young.get(space)?.get(key);
    if (entry) return entry;
    const older = this.#old.get(space)?.get(key);
    if (older) {
      this.#old.get(space)!.delete(key);
      this.add(older);
    }
    return older;
  }

  /** Remembers a key of which nothing is known. */
  add(entry: Entry): void {
    let space = this.#young.get(entry.space.id);
    if (!space) this.#young.set(entry.space.id, space = new Map());
    space.set(entry.key, entry);
    this.#count++;
    this.#bytes += sizeOf(entry);
  }

  /** An entry, which is remembered, has another value. */
  replace(entry: Entry, value: Uint8Array | undefined): void {
    this.#bytes += (value?.length ?? 0) - (entry.value?.length ?? 0);
    entry.value = value;
  }

  /** Forgets a key, which was looked for just now. */
  delete(entry: Entry): void {
    const space = this.#young.get(entry.space.id);
    if (!space?.delete(entry.key)) return;
    if (space.size === 0) this.#young.delete(entry.space.id);
    this.#count--;
    this.#bytes -= sizeOf(entry);
  }

  /** Whether it is time to let the older ones go, which must not wait to be written then. */
  get isFull(): boolean {
    return this.#count > this.#sizes.keys || this.#bytes > this.#sizes.keyBytes;
  }

  /** Lets them go. */
  rotate(): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#count = this.#bytes = 0;
  }

  /** Forgets everything: what was written may not have happened. */
  clear(): void {
    this.rotate();
    this.#old = new Map();
  }
}

function sizeOf({ key, value }: Entry): number {
  return key.length + (value?.length ?? 0);
}

/** Whether there is something under a key. */
export function isAlive({ value, expiresAt }: Entry, now: number): boolean {
  return value !== undefined && (expiresAt === 0 || expiresAt > now);
}
