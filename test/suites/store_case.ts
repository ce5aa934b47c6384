import type { Store } from "../../src/store/store.ts";
import type { Case } from "../harness.ts";

/** Where a store is kept, so that it can be closed and opened again. */
export interface Shelf extends Disposable {
  open(): Store;
}

/** A promise of the contract. */
export interface StoreCase {
  name: string;
  /** How many ids a store for this case remembers. */
  dedupeIds?: number;
  run(shelf: Shelf): void | Promise<void>;
}

/** Binds promises to one kind of store. */
export function bindStore(
  kind: string,
  cases: StoreCase[],
  makeShelf: (options: { dedupeIds?: number }) => Shelf,
): Case[] {
  return cases.map(({ name, dedupeIds, run }) => ({
    name: `${kind} store: ${name}`,
    async run() {
      using shelf = makeShelf({ dedupeIds });
      await run(shelf);
    },
  }));
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Text of bytes. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
