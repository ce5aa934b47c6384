// edge: no Deno, Bun, node: or cloudflare: names
import { KVOperationError, QuotaError } from "../../errors.ts";
import { base64url, fromUtf8, NO_BYTES, utf8 } from "../../base/bytes.ts";
import type { KvOutcome } from "../../protocol/kv.ts";
import type { KvRecord, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { KvSpaces } from "../kv_spaces.ts";
import { then } from "../soon.ts";

/** Kind of a record that stands for a set; its value is the number of members in decimal digits. */
export const SET = 1;
const SLICE = 500;

/** Sets: a record that counts, and one more for each member in a space beside, so that adding costs the same however many there are. */
export class KvSets {
  readonly #core: Core;
  readonly #spaces: KvSpaces;

  constructor(core: Core, spaces: KvSpaces) {
    this.#core = core;
    this.#spaces = spaces;
  }

  /** How many members. */
  size({ key, kind, value }: KvRecord): number {
    if (kind !== SET) {
      throw new KVOperationError(`Cannot use "${key}" as a set: it holds a value`, { retryable: false });
    }
    return Number(fromUtf8(value));
  }

  /** Adds a member. `expiresAt` undefined leaves the set's end as it is, 0 takes it away. */
  add(space: string, key: string, member: Uint8Array, expiresAt: number | undefined): MaybePromise<KvOutcome> {
    const { store: { kv }, clock, limits } = this.#core;
    const now = clock.now();
    const members = membersOf(space);
    const name = prefixOf(key) + base64url(member);
    return then(kv.get(space, key, now), (before) => {
      const size = before ? this.size(before) : 0;
      // A set whose time is over and that was not swept yet must not lend its members to the new one.
      return then(before ? undefined : this.clear(space, key), () =>
        then(kv.get(members, name, now), (known) => {
          const end = expiresAt ?? before?.expiresAt ?? 0;
          if (known && end === before!.expiresAt) {
            return { applied: false, found: true, count: size, revision: before!.revision };
          }
          return then(before ? 0 : this.#spaces.count(space, limits.kvKeys), (keys) => {
            if (keys >= limits.kvKeys || (!known && size >= limits.kvKeys)) {
              const current = Math.max(keys, size);
              throw new QuotaError(
                `Cannot add to "${key}": ${current} are there, at most ${limits.kvKeys} are allowed`,
                {
                  retryable: false,
                  details: { limit: limits.kvKeys, current },
                },
              );
            }
            const count = known ? size : size + 1;
            const write = { now, expiresAt: end, kind: SET, expected: before?.revision ?? 0 };
            return then(kv.put(space, key, utf8(String(count)), write), (revision) => {
              if (revision === 0) return this.add(space, key, member, expiresAt);
              const outcome = { applied: !known, found: true, count, revision };
              return known ? outcome : then(kv.put(members, name, NO_BYTES, { now }), () => outcome);
            });
          });
        }));
    });
  }

  /** The record is gone or has become something else: so are the members, if it was a set. */
  clear(space: string, key: string): MaybePromise<void> {
    const members = membersOf(space);
    return then(this.#core.store.kv.count(members), (count) => (count > 0 ? this.#drop(members, key) : undefined));
  }

  /** The time of a record was over. It may have been a set, and there may be a new one by now. */
  expired(space: string, key: string): MaybePromise<void> {
    const { store: { kv }, clock } = this.#core;
    return then(
      kv.get(space, key, clock.now()),
      (record) => (record?.kind === SET ? undefined : this.clear(space, key)),
    );
  }

  #drop(members: string, key: string): MaybePromise<void> {
    const { store: { kv }, clock } = this.#core;
    return then(kv.list(members, prefixOf(key), undefined, SLICE, clock.now()), (records): MaybePromise<void> => {
      const gone = records.map((record) => kv.purge(members, record.key)).filter((one) => one instanceof Promise);
      const next = (): MaybePromise<void> => (records.length < SLICE ? undefined : this.#drop(members, key));
      return gone.length > 0 ? Promise.all(gone).then(next) : next();
    });
  }
}

function membersOf(space: string): string {
  return `s\0${space}`;
}

/** The length before the key: no key's members begin like another's. */
function prefixOf(key: string): string {
  return `${key.length}:${key}:`;
}
