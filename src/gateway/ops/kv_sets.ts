// edge: no Deno, Bun, node: or cloudflare: names
import { KVOperationError, QuotaError } from "../../errors.ts";
import { base64url, fromUtf8, NO_BYTES, utf8 } from "../../base/bytes.ts";
import type { KvOutcome } from "../../protocol/kv.ts";
import type { KvRecord, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { then } from "../soon.ts";

/** Kind of a record that stands for a set; its value is the number of members in decimal digits. */
export const SET = 1;
const SLICE = 500;

/** Sets: a record that counts, and one more for each member in a space beside, so that adding costs the same however many there are. */
export class KvSets {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
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
      return then(before ? undefined : this.drop(space, key), () =>
        then(kv.get(members, name, now), (known) => {
          const end = expiresAt ?? before?.expiresAt ?? 0;
          if (known && end === before!.expiresAt) {
            return { applied: false, found: true, count: size, revision: before!.revision };
          }
          return then(before ? 0 : kv.count(space), (keys) => {
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

  /** The record is gone or has become something else: so are the members. */
  drop(space: string, key: string): MaybePromise<void> {
    const { store: { kv }, clock } = this.#core;
    const members = membersOf(space);
    const now = clock.now();
    return then(kv.list(members, prefixOf(key), undefined, SLICE, now), (records): MaybePromise<void> => {
      if (records.length === 0) return;
      const waits: unknown[] = [];
      for (const record of records) waits.push(kv.delete(members, record.key, now));
      const next = (): MaybePromise<void> => this.drop(space, key);
      return waits.some((wait) => wait instanceof Promise) ? Promise.all(waits).then(next) : next();
    });
  }

  /** The time of a record is over; it may have been a set. */
  expired(space: string, key: string): void {
    then(this.#core.store.kv.count(membersOf(space)), (count) => (count > 0 ? this.drop(space, key) : undefined));
  }
}

function membersOf(space: string): string {
  return `s\0${space}`;
}

/** The length before the key: no key's members begin like another's. */
function prefixOf(key: string): string {
  return `${key.length}:${key}:`;
}
