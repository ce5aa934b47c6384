// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, KVOperationError } from "../errors.ts";
import { type KvChangeEvent, type KvCondition, type KvOutcome, type KvPlace, KVScope } from "../protocol/kv.ts";
import type { OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import type { Link } from "../session/link.ts";
import { ask } from "./follow.ts";
import { KVList } from "./kv_list.ts";
import type {
  KVCompareAndDeleteOptions,
  KVCompareAndSetOptions,
  KVCounterOptions,
  KVGuardedCounterOptions,
  KVKeyOptions,
  KVListOptions,
  KVPlaceOptions,
  KVPutOptions,
  KVResponse,
  KVSetAddOptions,
  KVWatchOptions,
} from "./kv_types.ts";
import { watchKeys } from "./kv_watch.ts";

const TIMEOUT_MS = 5_000;

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

  #call<Op extends OpName, T>(
    op: Op,
    { timeout = TIMEOUT_MS, signal }: KVPlaceOptions,
    input: () => OpInput<Op>,
    read: (output: OpOutput<Op>) => T,
  ): Promise<T> {
    return ask(this.#link, op, input, { timeout, signal }, read, KVOperationError);
  }

  /** The workspace is named as it is now: what is asked for beside a switch must not land in another one. */
  #place({ scope, userId, workspace = this.#link.workspace }: KvPlace): KvPlace {
    return { scope, userId, workspace };
  }

  #do<Op extends Exclude<OpName & `kv.${string}`, "kv.list" | "kv.changes">>(
    op: Op,
    options: KVKeyOptions,
    more: () => Partial<OpInput<Op>> = () => ({}),
  ): Promise<KVResponse> {
    const { key } = options;
    const place = this.#place(options);
    const input = (): OpInput<Op> => ({ key: wellFormed(key), ...place, ...more() }) as OpInput<Op>;
    return this.#call(op, options, input, (output) => {
      const { count, ...state } = output as KvOutcome;
      return response(count === undefined ? state : { ...state, counterValue: count });
    });
  }

  /** Reads a key. */
  get(options: KVKeyOptions): Promise<KVResponse> {
    return this.#do("kv.get", options);
  }
  /** Writes a key. */
  put(options: KVPutOptions): Promise<KVResponse> {
    return this.#do("kv.put", options, () => ({ value: options.value, ttl: options.ttl }));
  }
  /** Removes a key; `found` says whether it was there. */
  delete(options: KVKeyOptions): Promise<KVResponse> {
    return this.#do("kv.delete", options);
  }
  /** Adds to a counter, which begins at 0. Its value is exact up to 64 bits. */
  increment(options: KVCounterOptions): Promise<KVResponse> {
    return this.#do("kv.add", options, () => ({ delta: deltaOf(options), ttl: options.ttl }));
  }
  /** Takes from a counter, which begins at 0 and may go below. */
  decrement(options: KVCounterOptions): Promise<KVResponse> {
    return this.#do("kv.add", options, () => ({ delta: -deltaOf(options), ttl: options.ttl }));
  }
  /** Adds to a counter when the result is at most `guard`; `applied` says whether. */
  incrementIf(options: KVGuardedCounterOptions): Promise<KVResponse> {
    const more = (): Partial<OpInput<"kv.add">> => ({
      delta: deltaOf(options),
      atMost: guardOf(options),
      ttl: options.ttl,
    });
    return this.#do("kv.add", options, more);
  }
  /** Takes from a counter when the result is at least `guard`; `applied` says whether. */
  decrementIf(options: KVGuardedCounterOptions): Promise<KVResponse> {
    const more = (): Partial<OpInput<"kv.add">> => ({
      delta: -deltaOf(options),
      atLeast: guardOf(options),
      ttl: options.ttl,
    });
    return this.#do("kv.add", options, more);
  }
  /** Writes a key when it is not there; `applied` says whether. */
  setIfAbsent(options: KVPutOptions): Promise<KVResponse> {
    return this.#do("kv.putIf", options, () => ({ value: options.value, ttl: options.ttl, ifRevision: 0 }));
  }
  /** Writes a key when it holds `expected` or has `ifRevision`; otherwise the answer has what it holds. */
  compareAndSet(options: KVCompareAndSetOptions): Promise<KVResponse> {
    const more = (): Partial<OpInput<"kv.putIf">> => ({
      ...conditionOf(options),
      value: options.value,
      ttl: options.ttl,
    });
    return this.#do("kv.putIf", options, more);
  }
  /** Removes a key when it holds `expected` or has `ifRevision`. */
  compareAndDelete(options: KVCompareAndDeleteOptions): Promise<KVResponse> {
    return this.#do("kv.deleteIf", options, () => conditionOf(options));
  }
  /** Adds a member to a set; `applied` says whether it is new, `counterValue` how many there are. */
  setAdd(options: KVSetAddOptions): Promise<KVResponse> {
    return this.#do("kv.setAdd", options, () => ({ member: options.member ?? options.value, ttl: options.ttl }));
  }
  /** How many members a set has, as `counterValue`. */
  setCard(options: KVKeyOptions): Promise<KVResponse> {
    return this.#do("kv.setCard", options);
  }

  /** Lists keys in order, a page at a time: await it for one page, or iterate over it for all entries. */
  list(options: KVListOptions = {}): KVList {
    const { keyPrefix, key, limit } = options;
    const prefix = keyPrefix ?? key ?? "";
    const place = this.#place(options);
    return new KVList((cursor = options.cursor) =>
      this.#call("kv.list", options, () => ({ ...place, prefix, cursor, limit }), (page) => {
        const { entries, nextCursor } = page;
        const keys = entries.map(({ key }) => key);
        const kvMap = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
        const own = { found: keys.length > 0, keys, kvMap };
        const more = nextCursor === undefined ? {} : { nextCursor, hasMore: true };
        return { entries, response: response({ ...own, ...more }) };
      })
    );
  }

  /**
   * What keys hold, and then every change, as an async iterator. Goes on after a reconnect where it was; changes that come
   * faster than they are taken are joined to the latest of each key. `onGap` hears when removals may have been missed.
   */
  watch(options: KVWatchOptions): AsyncIterableIterator<KvChangeEvent> {
    return watchKeys(this.#link, { ...options, ...this.#place(options) });
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
    return this.get({ key, scope: KVScope.Global });
  }
  /** Writes a key that everybody shares. */
  putGlobal(key: string, value: Uint8Array, ttl?: number): Promise<KVResponse> {
    return this.put({ key, value, ttl, scope: KVScope.Global });
  }
  /** Removes a key that everybody shares. */
  deleteGlobal(key: string): Promise<KVResponse> {
    return this.delete({ key, scope: KVScope.Global });
  }
  /** Lists keys that everybody shares. */
  listGlobal(keyPrefix = ""): KVList {
    return this.list({ keyPrefix, scope: KVScope.Global });
  }
}

/** Half a character has no UTF-8: two such keys would be one. */
function wellFormed(key: string): string {
  if (/\p{Surrogate}/u.test(key)) throw new InvalidArgumentError("Cannot use a key that is no Unicode text", "key");
  return key;
}

function conditionOf({ expected, ifRevision }: KvCondition): KvCondition {
  if ((expected === undefined) === (ifRevision === undefined)) {
    throw new InvalidArgumentError("Cannot compare: give either expected or ifRevision", "expected");
  }
  return { expected, ifRevision };
}

function deltaOf({ delta = 1 }: KVCounterOptions): bigint {
  const by = integer(delta, "delta");
  if (by < 0n) throw new InvalidArgumentError(`Cannot count by ${by}: delta must be 0 or more`, "delta");
  return by;
}

function guardOf({ guard }: KVGuardedCounterOptions): bigint {
  return integer(guard, "guard");
}

function integer(value: number | bigint, name: string): bigint {
  if (typeof value === "bigint") return value;
  if (!Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(`Cannot count with ${name} ${value}: it must be a whole number or a bigint`, name);
  }
  return BigInt(value);
}

function response(own: Partial<KVResponse>): KVResponse {
  return { success: true, found: false, keys: [], kvMap: {}, applied: false, revision: 0, hasMore: false, ...own };
}
