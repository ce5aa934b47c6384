// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, PermissionDeniedError } from "../errors.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { shortId } from "../base/ids.ts";
import { type KvPlace, KVScope } from "../protocol/kv.ts";
import type { Identity } from "../protocol/principals.ts";
import { kvFault, type Subject } from "./access.ts";
import type { Chore } from "./caretaker.ts";
import type { MaybePromise } from "../store/store.ts";
import type { Core } from "./core.ts";
import { then } from "./soon.ts";

/** Records swept in one slice. */
const SLICE = 500;
/** Space and key of {@link KvSpaces.era}. */
const ERA = "era";

/**
 * Who owns what is exclusive. A pool's workers come and go under new ids, so theirs is the pool's; a user's is shared by its
 * windows. Segments hold no "::", so different owners never have the same text.
 */
export function ownerOf(identity: Identity): string {
  switch (identity.type) {
    case "agent":
      return `ag::${identity.implementation}::${identity.specifier}`;
    case "unique_task":
      return `tu::${identity.implementation}::${identity.specifier}`;
    case "non_unique_task":
      return `ta::${identity.implementation}`;
    case "user":
      return `us::${identity.userId}`;
    case "service":
    case "bridge":
    case "orchestrator":
      return `${identity.type}::${identity.implementation}::${identity.specifier}`;
    default:
      return identity.type;
  }
}

type Heard = (key: string) => unknown;
type Expired = (space: string, key: string) => MaybePromise<void>;

/** Names of spaces by scope, and who listens to them. */
export class KvSpaces {
  readonly #core: Core;
  readonly #listeners = new Map<string, Set<Heard>>();
  readonly #expired = new Set<Expired>();
  #era: string | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * The space a caller means. Its parts are joined by NUL, which no segment can hold, so no two places are one space.
   * @throws {InvalidArgumentError} when a part is missing
   * @throws {PermissionDeniedError} when it is somebody else's
   */
  of(subject: Subject, place: KvPlace): string {
    const { scope = KVScope.Workspace } = place;
    const owner = ownerOf(subject.identity);
    const workspace = (): string => {
      const name = place.workspace ?? subject.workspace;
      if (name === undefined) throw missing("workspace", scope, "say which, or switch to one");
      return name;
    };
    const user = (): string => {
      const id = place.userId ?? ("userId" in subject.identity ? subject.identity.userId : undefined);
      if (id === undefined) throw missing("userId", scope, "say whose");
      return id;
    };
    const allow = (parts: { workspace?: string; userId?: string }): void => {
      const fault = kvFault(subject, parts);
      if (fault) throw new PermissionDeniedError(`Cannot use that key: ${fault}`);
    };
    switch (scope) {
      case KVScope.Global:
        return "g";
      case KVScope.GlobalExclusive:
        return `ge\0${owner}`;
      case KVScope.Workspace:
        allow({ workspace: workspace() });
        return `w\0${workspace()}`;
      case KVScope.WorkspaceExclusive:
        allow({ workspace: workspace() });
        return `we\0${owner}\0${workspace()}`;
      case KVScope.User:
        allow({ userId: user() });
        return `u\0${owner}\0${user()}`;
      case KVScope.UserShared:
        allow({ userId: user() });
        return `us\0${user()}`;
      case KVScope.UserWorkspace:
        allow({ userId: user(), workspace: workspace() });
        return `uw\0${owner}\0${user()}\0${workspace()}`;
      case KVScope.UserWorkspaceShared:
        allow({ userId: user(), workspace: workspace() });
        return `uws\0${user()}\0${workspace()}`;
    }
  }

  /** Hears of every change of a key in a space, until the returned function is called. */
  listen(space: string, heard: Heard): () => void {
    let listeners = this.#listeners.get(space);
    if (!listeners) this.#listeners.set(space, listeners = new Set());
    listeners.add(heard);
    return () => {
      listeners.delete(heard);
      if (listeners.size === 0 && this.#listeners.get(space) === listeners) this.#listeners.delete(space);
    };
  }

  /** A key was written or removed. */
  changed(space: string, key: string): void {
    const listeners = this.#listeners.get(space);
    if (listeners) { for (const heard of listeners) heard(key); }
  }

  /** Hears of every record whose time is over. */
  onExpired(heard: Expired): void {
    this.#expired.add(heard);
  }

  /** Removes what has had its time. Returns when to come again. */
  sweep(now: number): number {
    const { store: { kv }, logger } = this.#core;
    if (kv.nextExpiry() > now) return kv.nextExpiry();
    const failed = (error: unknown): void => logger("error", "kv.expired", { error: String(error) });
    for (const { space, key } of kv.expire(now, SLICE)) {
      this.changed(space, key);
      for (const heard of this.#expired) {
        const done = heard(space, key);
        if (done instanceof Promise) done.catch(failed);
      }
    }
    this.#core.commitSoon();
    return kv.nextExpiry();
  }

  /**
   * Keys in a space. One that seems to be full is swept first: what has had its time takes nobody's place.
   * @param full how many there may be
   */
  count(space: string, full: number): MaybePromise<number> {
    const { store: { kv }, clock } = this.#core;
    return then(kv.count(space), (count) => {
      const now = clock.now();
      if (count < full || kv.nextExpiry() > now) return count;
      while (this.sweep(now) <= now);
      return kv.count(space);
    });
  }

  /** Names this life of the store: where another one is found, revisions of this one mean nothing. */
  era(): MaybePromise<string> {
    if (this.#era !== undefined) return this.#era;
    const { store: { kv }, clock, random } = this.#core;
    const now = clock.now();
    return then(kv.get(ERA, ERA, now), (known): MaybePromise<string> => {
      if (known) return (this.#era = fromUtf8(known.value));
      const made = shortId(random);
      return then(kv.put(ERA, ERA, utf8(made), { now, expected: 0 }), (revision) => {
        if (revision === 0) return this.era();
        return (this.#era = made);
      });
    });
  }

  /** What was remembered of the store may not be so. */
  forget(): void {
    this.#listeners.clear();
    this.#era = undefined;
  }
}

/** Keys end at their time, not when somebody looks. */
export class KvExpiry implements Chore {
  readonly #spaces: KvSpaces;

  constructor(spaces: KvSpaces) {
    this.#spaces = spaces;
  }

  run(now: number): number {
    return this.#spaces.sweep(now);
  }
}

function missing(what: string, scope: number, hint: string): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot use scope ${scope} without ${what}: ${hint}`, what);
}
