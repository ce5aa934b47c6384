// edge: no Deno, Bun, node: or cloudflare: names
import type { KvEntry } from "../protocol/kv.ts";
import type { KVResponse } from "./kv_types.ts";

/** One page, and the answer it came in. */
export interface KVPage {
  /** Keys, values and revisions, in order. */
  entries: KvEntry[];
  /** The same as older callers know it. */
  response: KVResponse;
}

/** Reads the page after a cursor. */
type ReadPage = (cursor?: string) => Promise<KVPage>;

/** A list of keys: await it for one page, or iterate over it for every entry of all pages. Nothing is asked before. */
export class KVList implements PromiseLike<KVResponse>, AsyncIterable<KvEntry> {
  readonly #read: ReadPage;
  #first: Promise<KVPage> | undefined;

  /** Made by `kv.list()`. */
  constructor(read: ReadPage) {
    this.#read = read;
  }

  #page(): Promise<KVPage> {
    return (this.#first ??= this.#read());
  }

  /** One page. */
  then<A = KVResponse, B = never>(
    onFulfilled?: ((value: KVResponse) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#page().then(({ response }) => response).then(onFulfilled, onRejected);
  }

  /** One page's failure. */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<KVResponse | B> {
    return this.then(undefined, onRejected);
  }

  /** Every entry, page after page. */
  async *[Symbol.asyncIterator](): AsyncGenerator<KvEntry, void, void> {
    for (let page = await this.#page();; page = await this.#read(page.response.nextCursor)) {
      yield* page.entries;
      if (!page.response.hasMore) return;
    }
  }
}
