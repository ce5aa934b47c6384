// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, KVOperationError } from "../errors.ts";
import type { KvCondition, KvOutcome } from "../protocol/kv.ts";
import type { OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import type { Link } from "../session/link.ts";
import { ask } from "./follow.ts";
import type { KVPage } from "./kv_list.ts";
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
} from "./kv_types.ts";

const TIMEOUT_MS = 5_000;

/** What each operation takes. */
export interface KvVerbOptions {
  get: KVKeyOptions;
  put: KVPutOptions;
  delete: KVKeyOptions;
  increment: KVCounterOptions;
  decrement: KVCounterOptions;
  incrementIf: KVGuardedCounterOptions;
  decrementIf: KVGuardedCounterOptions;
  setIfAbsent: KVPutOptions;
  compareAndSet: KVCompareAndSetOptions;
  compareAndDelete: KVCompareAndDeleteOptions;
  setAdd: KVSetAddOptions;
  setCard: KVKeyOptions;
}
/** An operation on one key. */
export type KvVerb = keyof KvVerbOptions;

type KeyOp = Exclude<OpName & `kv.${string}`, "kv.list" | "kv.changes">;

/** The gateway's operation, and what it is told besides the key and its place. */
interface Verb<Options> {
  readonly op: KeyOp;
  more?(options: Options): Partial<OpInput<KeyOp>>;
}

const VERBS: { readonly [Name in KvVerb]: Verb<KvVerbOptions[Name]> } = {
  get: { op: "kv.get" },
  put: { op: "kv.put", more: ({ value, ttl }) => ({ value, ttl }) },
  delete: { op: "kv.delete" },
  increment: { op: "kv.add", more: (options) => ({ delta: deltaOf(options), ttl: options.ttl }) },
  decrement: { op: "kv.add", more: (options) => ({ delta: -deltaOf(options), ttl: options.ttl }) },
  incrementIf: {
    op: "kv.add",
    more: (options) => ({ delta: deltaOf(options), atMost: guardOf(options), ttl: options.ttl }),
  },
  decrementIf: {
    op: "kv.add",
    more: (options) => ({ delta: -deltaOf(options), atLeast: guardOf(options), ttl: options.ttl }),
  },
  setIfAbsent: { op: "kv.putIf", more: ({ value, ttl }) => ({ value, ttl, ifRevision: 0 }) },
  compareAndSet: {
    op: "kv.putIf",
    more: (options) => ({ ...conditionOf(options), value: options.value, ttl: options.ttl }),
  },
  compareAndDelete: { op: "kv.deleteIf", more: conditionOf },
  setAdd: { op: "kv.setAdd", more: ({ member, value, ttl }) => ({ member: member ?? value, ttl }) },
  setCard: { op: "kv.setCard" },
};

function call<Op extends OpName, T>(
  link: Link,
  op: Op,
  { timeout = TIMEOUT_MS, signal }: KVPlaceOptions,
  input: () => OpInput<Op>,
  read: (output: OpOutput<Op>) => T,
): Promise<T> {
  return ask(link, op, input, { timeout, signal }, read, KVOperationError);
}

/** One operation on one key. */
export function kvCall<Name extends KvVerb>(
  link: Link,
  name: Name,
  options: KvVerbOptions[Name],
  workspace: string | undefined,
): Promise<KVResponse> {
  const { op, more }: Verb<KvVerbOptions[Name]> = VERBS[name];
  const { key, scope, userId } = options;
  const input = (): OpInput<KeyOp> =>
    ({ key: wellFormed(key), scope, userId, workspace, ...more?.(options) }) as OpInput<KeyOp>;
  return call(link, op, options, input, (output) => {
    const { count, ...state } = output as KvOutcome;
    return response(count === undefined ? state : { ...state, counterValue: count });
  });
}

/** One page of a list. */
export function kvPage(link: Link, options: KVListOptions): Promise<KVPage> {
  const { scope, userId, workspace, keyPrefix, key, cursor, limit } = options;
  const input = { scope, userId, workspace, prefix: keyPrefix ?? key ?? "", cursor, limit };
  return call(link, "kv.list", options, () => input, ({ entries, nextCursor }) => {
    const keys = entries.map(({ key }) => key);
    const kvMap = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
    const own = { found: keys.length > 0, keys, kvMap };
    const more = nextCursor === undefined ? {} : { nextCursor, hasMore: true };
    return { entries, response: response({ ...own, ...more }) };
  });
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
