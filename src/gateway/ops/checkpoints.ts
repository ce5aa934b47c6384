// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { CheckpointError, ConflictError, QuotaError } from "../../errors.ts";
import { CHECKPOINT_BYTES, CHECKPOINT_PART_BYTES } from "../../protocol/kv.ts";
import type { CheckpointInfo, OpInput, OpOutput } from "../../protocol/ops.ts";
import { type Identity, identityTopic } from "../../protocol/principals.ts";
import { decodeStructured, encodeStructured } from "../../protocol/structured.ts";
import type { KvRecord, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { KvSpaces } from "../kv_spaces.ts";
import type { OpGroup } from "../ops.ts";
import { count } from "../schemas.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";
import { checked, keyText, ttl } from "./kv_schemas.ts";

/** How long the parts of a save that was not finished are kept, in ms. */
const UPLOAD_MS = 600_000;
const PAGE = 100;
const PARTS = CHECKPOINT_BYTES / CHECKPOINT_PART_BYTES;
const UPLOADS = "cu";

/** What the head of a checkpoint holds. */
interface Head {
  upload: string;
  parts: number;
  size: number;
  savedAt: number;
}

/**
 * Checkpoints stand on the key-value store: a head that names an upload, and the upload's parts in a space beside. A save
 * becomes visible by one write of the head; an upload that is not finished is a record with an end, and goes with its parts.
 */
export class CheckpointOps implements OpGroup {
  readonly #core: Core;

  constructor(core: Core, spaces: KvSpaces) {
    this.#core = core;
    spaces.onExpired((space, key) => {
      if (space === UPLOADS) this.#dropParts(key.slice(0, key.indexOf("\0")), key.slice(key.indexOf("\0") + 1));
      // A checkpoint whose time is over: its head is gone, so its parts are found by its name.
      else if (space.startsWith("c\0")) this.#dropParts(space.slice(2), prefixOf(key));
    });
  }

  readonly ops: OpGroup["ops"] = {
    "checkpoint.save": {
      check: checked(
        "checkpoint.save",
        v.object({
          key: keyText,
          upload: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{12}$/)),
          part: v.pipe(count, v.maxValue(PARTS - 1, `at most ${PARTS} parts`)),
          data: v.pipe(
            v.instance(Uint8Array),
            v.check((data) => data.length <= CHECKPOINT_PART_BYTES, `at most ${CHECKPOINT_PART_BYTES} bytes`),
          ),
          isLast: v.boolean(),
          ttl,
          ifRevision: v.optional(count),
        }),
      ),
      run: (session, input) => this.#save(ownerOf(session.identity), input),
    },
    "checkpoint.load": {
      check: checked("checkpoint.load", v.object({ key: keyText, part: count, ifRevision: v.optional(count) })),
      run: (session, input) => this.#load(ownerOf(session.identity), input),
    },
    "checkpoint.delete": {
      check: checked("checkpoint.delete", v.object({ key: keyText, ifRevision: v.optional(count) })),
      run: (session, input) => this.#delete(ownerOf(session.identity), input),
    },
    "checkpoint.list": {
      check: checked("checkpoint.list", v.object({ cursor: v.optional(v.string()) })),
      run: (session: Session, input) => this.#list(ownerOf(session.identity), input),
    },
  };

  #head(owner: string, key: string): MaybePromise<KvRecord | undefined> {
    return this.#core.store.kv.get(`c\0${owner}`, key, this.#core.clock.now());
  }

  #save(owner: string, input: OpInput<"checkpoint.save">): MaybePromise<OpOutput<"checkpoint.save">> {
    const { key, upload, part, data, isLast } = input;
    const { store: { kv }, clock } = this.#core;
    const now = clock.now();
    const name = partOf(key, upload, part);
    // Every part but the last is full, so where a part begins is known from its number.
    if (!isLast && data.length !== CHECKPOINT_PART_BYTES) {
      throw new CheckpointError(
        `Cannot save part ${part} of "${key}": all but the last have ${CHECKPOINT_PART_BYTES} bytes`,
        { retryable: false },
      );
    }
    const previous = part > 0 ? kv.get(partsOf(owner), partOf(key, upload, part - 1), now) : undefined;
    return then(previous, (found): MaybePromise<OpOutput<"checkpoint.save">> => {
      if (part > 0 && !found) {
        throw new CheckpointError(
          `Cannot save part ${part} of "${key}": the part before it is not here any more; save again`,
        );
      }
      return then(kv.put(partsOf(owner), name, data, { now }), () => {
        if (isLast) return this.#finish(owner, input);
        const expiresAt = now + UPLOAD_MS;
        this.#core.wakeAt(expiresAt);
        return then(
          kv.put(UPLOADS, `${owner}\0${prefixOf(key)}${upload}:`, data.subarray(0, 0), { now, expiresAt }),
          () => ({}),
        );
      });
    });
  }

  #finish(owner: string, input: OpInput<"checkpoint.save">): MaybePromise<CheckpointInfo> {
    const { key, upload, part, data, ttl, ifRevision } = input;
    const { store: { kv }, clock, limits } = this.#core;
    const now = clock.now();
    const drop = (): MaybePromise<void> =>
      then(
        this.#dropParts(owner, `${prefixOf(key)}${upload}:`),
        () => then(kv.delete(UPLOADS, `${owner}\0${prefixOf(key)}${upload}:`, now), () => {}),
      );
    return then(this.#head(owner, key), (before) => {
      const revision = before?.revision ?? 0;
      if (ifRevision !== undefined && revision !== ifRevision) {
        return then(drop(), () => {
          throw conflict(key, revision, ifRevision);
        });
      }
      return then(before ? 0 : kv.count(`c\0${owner}`), (current) => {
        if (current >= limits.kvKeys) {
          return then(drop(), () => {
            throw new QuotaError(
              `Cannot save "${key}": ${current} checkpoints are kept, at most ${limits.kvKeys} are allowed`,
              {
                retryable: false,
                details: { limit: limits.kvKeys, current },
              },
            );
          });
        }
        const head: Head = { upload, parts: part + 1, size: part * CHECKPOINT_PART_BYTES + data.length, savedAt: now };
        const expiresAt = ttl ? now + ttl * 1000 : 0;
        if (expiresAt > 0) this.#core.wakeAt(expiresAt);
        const write = { now, expiresAt, expected: revision };
        return then(kv.put(`c\0${owner}`, key, encodeStructured(head), write), (written) => {
          if (written === 0) return this.#finish(owner, input);
          const former = before ? (decodeStructured(before.value) as Head).upload : undefined;
          const cleared = former === undefined || former === upload
            ? undefined
            : this.#dropParts(owner, `${prefixOf(key)}${former}:`);
          return then(
            cleared,
            () =>
              then(
                kv.delete(UPLOADS, `${owner}\0${prefixOf(key)}${upload}:`, now),
                () => ({ key, size: head.size, savedAt: now, revision: written }),
              ),
          );
        });
      });
    });
  }

  #load(
    owner: string,
    { key, part, ifRevision }: OpInput<"checkpoint.load">,
  ): MaybePromise<OpOutput<"checkpoint.load">> {
    return then(this.#head(owner, key), (record) => {
      if (ifRevision !== undefined && (record?.revision ?? 0) !== ifRevision) {
        throw conflict(key, record?.revision ?? 0, ifRevision);
      }
      if (!record) return { found: false };
      const { upload, parts, size, savedAt } = decodeStructured(record.value) as Head;
      const name = partOf(key, upload, part);
      return then(this.#core.store.kv.get(partsOf(owner), name, this.#core.clock.now()), (found) => {
        if (!found) {
          throw new CheckpointError(`Cannot load part ${part} of "${key}": it has ${parts} parts`, {
            retryable: false,
          });
        }
        return { found: true, info: { key, size, savedAt, revision: record.revision }, parts, data: found.value };
      });
    });
  }

  #delete(
    owner: string,
    { key, ifRevision }: OpInput<"checkpoint.delete">,
  ): MaybePromise<OpOutput<"checkpoint.delete">> {
    return then(this.#head(owner, key), (record) => {
      if (ifRevision !== undefined && (record?.revision ?? 0) !== ifRevision) {
        throw conflict(key, record?.revision ?? 0, ifRevision);
      }
      if (!record) return { found: false };
      const { upload } = decodeStructured(record.value) as Head;
      return then(
        this.#core.store.kv.delete(`c\0${owner}`, key, this.#core.clock.now()),
        () => then(this.#dropParts(owner, `${prefixOf(key)}${upload}:`), () => ({ found: true })),
      );
    });
  }

  #list(owner: string, { cursor }: OpInput<"checkpoint.list">): MaybePromise<OpOutput<"checkpoint.list">> {
    const { store: { kv }, clock } = this.#core;
    return then(kv.list(`c\0${owner}`, "", cursor, PAGE, clock.now()), (records) => {
      const entries = records.map(({ key, value, revision }) => {
        const { size, savedAt } = decodeStructured(value) as Head;
        return { key, size, savedAt, revision };
      });
      return records.length === PAGE ? { entries, nextCursor: entries.at(-1)!.key } : { entries };
    });
  }

  #dropParts(owner: string, prefix: string): MaybePromise<void> {
    const { store: { kv }, clock } = this.#core;
    const now = clock.now();
    return then(kv.list(partsOf(owner), prefix, undefined, PARTS, now), (records): MaybePromise<void> => {
      const gone = records.map((record) => kv.delete(partsOf(owner), record.key, now));
      if (gone.some((one) => one instanceof Promise)) return Promise.all(gone).then(() => {});
    });
  }
}

/** Whose checkpoints: the full identity, workspace included. A pool's workers come and go under new ids, so theirs are the pool's. */
function ownerOf(identity: Identity): string {
  return identity.type === "non_unique_task"
    ? `ta::${identity.workspace}::${identity.implementation}`
    : identityTopic(identity);
}

function partsOf(owner: string): string {
  return `cp\0${owner}`;
}

/** The length before the key: no checkpoint's parts begin like another's. */
function prefixOf(key: string): string {
  return `${key.length}:${key}:`;
}

function partOf(key: string, upload: string, part: number): string {
  return `${prefixOf(key)}${upload}:${String(part).padStart(4, "0")}`;
}

function conflict(key: string, current: number, wanted: number): ConflictError {
  return new ConflictError(`Checkpoint "${key}" has revision ${current}, not ${wanted}`, {
    details: { revision: current },
  });
}
