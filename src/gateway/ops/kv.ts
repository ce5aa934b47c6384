// edge: no Deno, Bun, node: or cloudflare: names
import { KVOperationError, QuotaError } from "../../errors.ts";
import { equalBytes, fromUtf8, utf8 } from "../../base/bytes.ts";
import type { KvCondition, KvEntry, KvOutcome, KvState } from "../../protocol/kv.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import type { KvRecord, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { KvSpaces } from "../kv_spaces.ts";
import type { Op, OpGroup } from "../ops.ts";
import type { Session } from "../session.ts";
import { Lines } from "../lines.ts";
import { then } from "../soon.ts";
import { follow } from "./kv_changes.ts";
import { KvSets, SET } from "./kv_sets.ts";
import * as schemas from "./kv_schemas.ts";

const PAGE = 100;
/** Bytes of values in one page of a list; one value may exceed it. */
const PAGE_BYTES = 512 * 1024;
/** Records read at once: values may be large, and what does not fit is read for nothing. */
const READ = 64;

type ChangeName = "kv.put" | "kv.delete" | "kv.add" | "kv.putIf" | "kv.deleteIf" | "kv.setAdd";

/** What becomes of a key: new bytes, nothing, or what was there. */
type Plan = { write: Uint8Array; expiresAt: number } | "remove" | "keep";
/** The plan and what to tell. */
interface Decision {
  plan: Plan;
  outcome: Omit<KvOutcome, "revision">;
}

/** The fourteen operations of the key-value store. Each reads, decides and writes with nothing in between. */
export class KvOps implements OpGroup {
  readonly #core: Core;
  readonly #spaces: KvSpaces;
  readonly #sets: KvSets;
  readonly #lines = new Lines();

  constructor(core: Core, spaces: KvSpaces) {
    this.#core = core;
    this.#spaces = spaces;
    this.#sets = new KvSets(core, spaces);
    spaces.onExpired((space, key) => this.#lines.run(space, key, () => this.#sets.expired(space, key)));
  }

  readonly ops: OpGroup["ops"] = {
    "kv.get": this.#op<"kv.get">(schemas.key, (space, { key }) => then(this.#get(space, key), stateOf)),
    "kv.put": this.#change<"kv.put">(
      schemas.put,
      (space, { key, value, ttl }) =>
        this.#update(space, key, () => ({
          plan: { write: value, expiresAt: this.#end(ttl) },
          outcome: { applied: true, found: true },
        })),
    ),
    "kv.delete": this.#change<"kv.delete">(
      schemas.key,
      (space, { key }) =>
        this.#update(space, key, (before) => ({
          plan: before ? "remove" : "keep",
          outcome: { applied: before !== undefined, found: before !== undefined },
        })),
    ),
    "kv.list": this.#op<"kv.list">(schemas.list, (space, input) => this.#list(space, input)),
    "kv.add": this.#change<"kv.add">(schemas.add, (space, input) => this.#add(space, input)),
    "kv.putIf": this.#change<"kv.putIf">(
      schemas.putIf,
      (space, { key, value, ttl, ...condition }) =>
        this.#update(space, key, (before) =>
          meets(before, condition)
            ? {
              plan: { write: value, expiresAt: this.#end(ttl) },
              outcome: { applied: true, found: true, value },
            }
            : { plan: "keep", outcome: { applied: false, ...stateOf(before) } }),
    ),
    "kv.deleteIf": this.#change<"kv.deleteIf">(
      schemas.deleteIf,
      (space, { key, ...condition }) =>
        this.#update(
          space,
          key,
          (before) =>
            before && meets(before, condition)
              ? { plan: "remove", outcome: { applied: true, found: false } }
              : { plan: "keep", outcome: { applied: false, ...stateOf(before) } },
        ),
    ),
    "kv.setAdd": this.#change<"kv.setAdd">(schemas.setAdd, (space, { key, member, ttl }) => {
      const expiresAt = ttl === undefined ? undefined : this.#end(ttl);
      return then(this.#sets.add(space, key, member, expiresAt), (outcome) => {
        this.#spaces.changed(space, key);
        if (expiresAt) this.#core.wakeAt(expiresAt);
        return outcome;
      });
    }),
    "kv.setCard": this.#op<"kv.setCard">(schemas.key, (space, { key }) =>
      then(this.#get(space, key), (record) => ({
        applied: false,
        found: record !== undefined,
        revision: record?.revision ?? 0,
        count: record ? this.#sets.size(record) : 0,
      }))),
    "kv.changes": {
      check: schemas.changes,
      run: (session, input, waiting) => follow(this.#core, this.#spaces, session, input, waiting),
    } satisfies Op<"kv.changes">,
  };

  #op<Name extends "kv.get" | "kv.list" | "kv.setCard" | ChangeName>(
    check: (input: unknown) => OpInput<Name>,
    run: (space: string, input: OpInput<Name>) => MaybePromise<OpOutput<Name>>,
  ): Op<Name> {
    return { check, run: (session: Session, input) => run(this.#spaces.of(session, input), input) };
  }

  #change<Name extends ChangeName>(
    check: (input: unknown) => OpInput<Name>,
    run: (space: string, input: OpInput<Name>) => MaybePromise<OpOutput<Name>>,
  ): Op<Name> {
    return this.#op<Name>(check, (space, input) => this.#lines.run(space, input.key, () => run(space, input)));
  }

  #get(space: string, key: string): MaybePromise<KvRecord | undefined> {
    return this.#core.store.kv.get(space, key, this.#core.clock.now());
  }

  #end(ttl: number | undefined): number {
    return ttl ? Math.ceil(this.#core.clock.now() + ttl * 1000) : 0;
  }

  /** Reads, decides, writes; again when an asynchronous store says that somebody was faster. */
  #update(space: string, key: string, decide: (before: KvRecord | undefined) => Decision): MaybePromise<KvOutcome> {
    const { kv } = this.#core.store;
    return then(this.#get(space, key), (before) => {
      const { plan, outcome } = decide(before);
      const expected = before?.revision ?? 0;
      if (plan === "keep") return { ...outcome, revision: expected };
      const now = this.#core.clock.now();
      const limit = this.#core.limits.kvKeys;
      const written = then(before || plan === "remove" ? 0 : this.#spaces.count(space, limit), (count) => {
        if (count >= limit) throw full(key, count, limit);
        return plan === "remove"
          ? kv.delete(space, key, now, expected)
          : kv.put(space, key, plan.write, { now, expiresAt: plan.expiresAt, expected });
      });
      return then(written, (revision) => {
        if (revision === 0) return this.#update(space, key, decide);
        this.#spaces.changed(space, key);
        if (plan !== "remove" && plan.expiresAt > 0) this.#core.wakeAt(plan.expiresAt);
        const done = { ...outcome, revision };
        // Where nothing was, a set may have been whose time is over and that was not swept yet.
        return before && before.kind !== SET ? done : then(this.#sets.clear(space, key), () => done);
      });
    });
  }

  #add(space: string, { key, delta, atMost, atLeast, ttl }: OpInput<"kv.add">): MaybePromise<KvOutcome> {
    const by = BigInt(delta);
    return this.#update(space, key, (before) => {
      const value = before ? counterOf(before) : 0n;
      const next = value + by;
      const isBeyond = (atMost !== undefined && next > BigInt(atMost)) ||
        (atLeast !== undefined && next < BigInt(atLeast));
      if (isTooWide(next) && atMost === undefined && atLeast === undefined) {
        throw new KVOperationError(`Cannot count "${key}" to ${next}: a counter has 64 bits`, { retryable: false });
      }
      if (isBeyond || isTooWide(next)) {
        return { plan: "keep", outcome: { applied: false, ...stateOf(before), count: narrow(value) } };
      }
      const write = utf8(String(next));
      const expiresAt = ttl === undefined ? before?.expiresAt ?? 0 : this.#end(ttl);
      const outcome = { applied: true, found: true, value: write, count: narrow(next) };
      return { plan: { write, expiresAt }, outcome };
    });
  }

  #list(
    space: string,
    { prefix = "", cursor, limit = PAGE }: OpInput<"kv.list">,
  ): MaybePromise<OpOutput<"kv.list">> {
    const entries: KvEntry[] = [];
    let bytes = 0;
    const read = (after: string | undefined): MaybePromise<OpOutput<"kv.list">> =>
      then(this.#core.store.kv.list(space, prefix, after, READ, this.#core.clock.now()), (records) => {
        for (const { key, value, revision } of records) {
          if (entries.length === limit || (bytes > 0 && bytes + value.length > PAGE_BYTES)) {
            return { entries, nextCursor: entries.at(-1)!.key };
          }
          bytes += value.length;
          entries.push({ key, value, revision });
        }
        return records.length < READ ? { entries } : read(records.at(-1)!.key);
      });
    return read(cursor);
  }
}

function full(key: string, current: number, limit: number): QuotaError {
  return new QuotaError(`Cannot write "${key}": its namespace holds ${current} keys, at most ${limit} are allowed`, {
    retryable: false,
    details: { limit, current },
  });
}

function stateOf(record: KvRecord | undefined): KvState {
  return record ? { found: true, value: record.value, revision: record.revision } : { found: false, revision: 0 };
}

function meets(record: KvRecord | undefined, { expected, ifRevision }: KvCondition): boolean {
  if (ifRevision !== undefined) return (record?.revision ?? 0) === ifRevision;
  return record !== undefined && equalBytes(record.value, expected!);
}

function counterOf({ key, value, kind }: KvRecord): bigint {
  const text = value.length <= 20 && kind !== SET ? fromUtf8(value) : "";
  const count = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (count === undefined || isTooWide(count)) {
    throw new KVOperationError(`Cannot count with "${key}": it holds ${kind === SET ? "a set" : "no number"}`, {
      retryable: false,
    });
  }
  return count;
}

function isTooWide(count: bigint): boolean {
  return BigInt.asIntN(64, count) !== count;
}

/** A number where it is exact. */
function narrow(value: bigint): number | bigint {
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : value;
}
