// edge: no Deno, Bun, node: or cloudflare: names

/** One key as it is. */
export interface RecentEntry {
  readonly value: Uint8Array;
  readonly revision: number;
  readonly expiresAt: number;
  readonly kind: number;
}

/** Entries and bytes of values that are remembered; the oldest go first. */
const MOST = 20_000;
const MOST_BYTES = 16 * 1024 * 1024;

/** Keys that were written or read lately: reading one again, or writing it anew, asks the database nothing. */
export class Recent {
  readonly #entries = new Map<string, RecentEntry>();
  #bytes = 0;

  /** What is known of a key; undefined when nothing is. */
  get(space: number, key: string): RecentEntry | undefined {
    return this.#entries.get(`${space} ${key}`);
  }

  /** Remembers a key. */
  set(space: number, key: string, entry: RecentEntry): void {
    const name = `${space} ${key}`;
    this.#delete(name);
    // Half a character is another one in the database, so one key there may have several names here.
    if (entry.value.length > MOST_BYTES / 16 || /\p{Surrogate}/u.test(key)) return;
    this.#entries.set(name, entry);
    this.#bytes += entry.value.length;
    if (this.#entries.size <= MOST && this.#bytes <= MOST_BYTES) return;
    for (const oldest of this.#entries.keys()) {
      this.#delete(oldest);
      if (this.#entries.size <= MOST && this.#bytes <= MOST_BYTES) return;
    }
  }

  /** Forgets a key. */
  delete(space: number, key: string): void {
    this.#delete(`${space} ${key}`);
  }

  #delete(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#entries.delete(name);
    this.#bytes -= entry.value.length;
  }

  /** Forgets everything: what was written may not have happened. */
  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
