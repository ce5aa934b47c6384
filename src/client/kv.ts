// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { KvChangeEvent } from "../protocol/kv.ts";
import type { Link } from "../session/link.ts";
import { KVList } from "./kv_list.ts";
import type {
  KVCompareAndDeleteOptions,
  KVCompareAndSetOptions,
  KVCounterOptions,
  KVGuardedCounterOptions,
  KVKeyOptions,
  KVListOptions,
  KVPutOptions,
  KVResponse,
  KVSetAddOptions,
  KVWatchOptions,
} from "./kv_types.ts";
import type { KvVerb, KvVerbOptions } from "./kv_verbs.ts";
import { iterateWith, withVerbs } from "./loading.ts";

/** `KVScope.Global`, without its table. */
const GLOBAL = 1;

/**
 * The key-value store. Every operation is atomic and durable when its promise resolves.
 * @example
 * ```ts
 * import { KVScope } from "@aether-edge/sdk";
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * const kv = fabric.agent().kv();
 * await kv.put({ key: "greeting", value: new TextEncoder().encode("hello"), scope: KVScope.Workspace, ttl: 3600 });
 * const { counterValue } = await kv.increment({ key: "visits", delta: 2 });
 * if (counterValue !== 2) throw new Error("never");
 * ```
 */
export class KVClient {
  readonly #link: Link;

  /** Made by `client.kv()`. */
  constructor(link: Link) {
    this.#link = link;
  }

  #do<Name extends KvVerb>(name: Name, options: KvVerbOptions[Name]): Promise<KVResponse> {
    const link = this.#link;
    // Named as it is now: what is asked for beside a switch must not land in another one.
    const { workspace = link.workspace } = options;
    return withVerbs(link, (verbs, given) => verbs.kvCall(link, name, given, workspace), options);
  }

  /** Reads a key. */
  get(options: KVKeyOptions): Promise<KVResponse> {
    return this.#do("get", options);
  }
  /** Writes a key. */
  put(options: KVPutOptions): Promise<KVResponse> {
    return this.#do("put", options);
  }
  /** Removes a key; `found` says whether it was there. */
  delete(options: KVKeyOptions): Promise<KVResponse> {
    return this.#do("delete", options);
  }
  /** Adds to a counter, which begins at 0. Its value is exact up to 64 bits. */
  increment(options: KVCounterOptions): Promise<KVResponse> {
    return this.#do("increment", options);
  }
  /** Takes from a counter, which begins at 0 and may go below. */
  decrement(options: KVCounterOptions): Promise<KVResponse> {
    return this.#do("decrement", options);
  }
  /** Adds to a counter when the result is at most `guard`; `applied` says whether. */
  incrementIf(options: KVGuardedCounterOptions): Promise<KVResponse> {
    return this.#do("incrementIf", options);
  }
  /** Takes from a counter when the result is at least `guard`; `applied` says whether. */
  decrementIf(options: KVGuardedCounterOptions): Promise<KVResponse> {
    return this.#do("decrementIf", options);
  }
  /** Writes a key when it is not there; `applied` says whether. */
  setIfAbsent(options: KVPutOptions): Promise<KVResponse> {
    return this.#do("setIfAbsent", options);
  }
  /** Writes a key when it holds `expected` or has `ifRevision`; otherwise the answer has what it holds. */
  compareAndSet(options: KVCompareAndSetOptions): Promise<KVResponse> {
    return this.#do("compareAndSet", options);
  }
  /** Removes a key when it holds `expected` or has `ifRevision`. */
  compareAndDelete(options: KVCompareAndDeleteOptions): Promise<KVResponse> {
    return this.#do("compareAndDelete", options);
  }
  /** Adds a member to a set; `applied` says whether it is new, `counterValue` how many there are. */
  setAdd(options: KVSetAddOptions): Promise<KVResponse> {
    return this.#do("setAdd", options);
  }
  /** How many members a set has, as `counterValue`. */
  setCard(options: KVKeyOptions): Promise<KVResponse> {
    return this.#do("setCard", options);
  }

  /** Lists keys in order, a page at a time: await it for one page, or iterate over it for all entries. */
  list(options: KVListOptions = {}): KVList {
    const link = this.#link;
    const { workspace = link.workspace, ...given } = options;
    return new KVList((cursor = given.cursor) =>
      withVerbs(link, (verbs) => verbs.kvPage(link, { ...given, workspace, cursor }))
    );
  }

  /**
   * What keys hold, and then every change, as an async iterator. Goes on after a reconnect where it was; changes that come
   * faster than they are taken are joined to the latest of each key. `onGap` hears when removals may have been missed.
   */
  watch(options: KVWatchOptions): AsyncIterableIterator<KvChangeEvent> {
    if ((options.key === undefined) === (options.keyPrefix === undefined)) {
      throw new InvalidArgumentError("Cannot watch: give either key or keyPrefix", "key");
    }
    const link = this.#link;
    const { workspace = link.workspace, ...given } = options;
    return iterateWith(link, (verbs) => verbs.watchKeys(link, { ...given, workspace }));
  }

  /** Same as {@link KVClient.get}. */
  getSync(options: KVKeyOptions): Promise<KVResponse> {
    return this.get(options);
  }
  /** Same as {@link KVClient.put}. */
  putSync(options: KVPutOptions): Promise<KVResponse> {
    return this.put(options);
  }
  /** Same as {@link KVClient.delete}. */
  deleteSync(options: KVKeyOptions): Promise<KVResponse> {
    return this.delete(options);
  }
  /** Same as {@link KVClient.list}. */
  listSync(options: KVListOptions = {}): KVList {
    return this.list(options);
  }
  /** Same as {@link KVClient.increment}. */
  incrementSync(options: KVCounterOptions): Promise<KVResponse> {
    return this.increment(options);
  }
  /** Same as {@link KVClient.decrement}. */
  decrementSync(options: KVCounterOptions): Promise<KVResponse> {
    return this.decrement(options);
  }
  /** Same as {@link KVClient.incrementIf}. */
  incrementIfSync(options: KVGuardedCounterOptions): Promise<KVResponse> {
    return this.incrementIf(options);
  }
  /** Same as {@link KVClient.decrementIf}. */
  decrementIfSync(options: KVGuardedCounterOptions): Promise<KVResponse> {
    return this.decrementIf(options);
  }
  /** Reads a key that everybody shares. */
  getGlobal(key: string): Promise<KVResponse> {
    return this.get({ key, scope: GLOBAL });
  }
  /** Writes a key that everybody shares. */
  putGlobal(key: string, value: Uint8Array, ttl?: number): Promise<KVResponse> {
    return this.put({ key, value, ttl, scope: GLOBAL });
  }
  /** Removes a key that everybody shares. */
  deleteGlobal(key: string): Promise<KVResponse> {
    return this.delete({ key, scope: GLOBAL });
  }
  /** Lists keys that everybody shares. */
  listGlobal(keyPrefix = ""): KVList {
    return this.list({ keyPrefix, scope: GLOBAL });
  }
}
