// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { CheckpointError, ConflictError, InvalidArgumentError, QuotaError } from "../../errors.ts";
import { NO_BYTES } from "../../base/bytes.ts";
import { CHECKPOINT_BYTES, CHECKPOINT_PART_BYTES } from "../../protocol/limits.ts";
import type { CheckpointInfo, OpInput, OpOutput } from "../../protocol/ops.ts";
import { type Identity, identityTopic } from "../../protocol/principals.ts";
import { decodeStructured, encodeStructured } from "../../protocol/structured.ts";
import type { KvRecord, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { KvSpaces } from "../kv_spaces.ts";
import { Lines } from "../lines.ts";
import type { OpGroup } from "../ops.ts";
import { count } from "../schemas.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";
import { checked, keyText, ttl } from "./kv_schemas.ts";

/** How long the parts of a save that was not finished are kept, in ms. */
const UPLOAD_MS = 600_000;
const PAGE = 100;
const PARTS = CHECKPOINT_BYTES / CHECKPOINT_PART_BYTES;

/** What the head of a checkpoint holds. */
interface Head {
  upload: string;
  parts: number;
  size: number;
  savedAt: number;
}

/**
 * Checkpoints stand on the key-value store: a head that names an upload, and the upload's parts in a space beside. A save
 * becomes visible by one write of the head. An upload that is under way is a record with an end in a third space; when its
 * time is over, its parts go.
 */
export class CheckpointOps implements OpGroup {
  readonly #core: Core;
  readonly #spaces: KvSpaces;
  readonly #lines = new Lines();

  constructor(core: Core, spaces: KvSpaces) {
    this.#core = core;
    this.#spaces = spaces;
    spaces.onExpired((space, key) => {
      const [kind, owner] = space.split("\0");
      if (kind !== "c" && kind !== "cu") return;
      // What is gone cannot say any more which were its parts.
      const name = kind === "c" ? key : keyOf(key);
      return this.#inLine(owner, name, () => this.#dropStray(owner, name));
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
      run: (session, input) => {
        const owner = ownerOf(session.identity);
        return this.#inLine(owner, input.key, () => this.#save(owner, input));
      },
    },
    "checkpoint.load": {
      check: checked("checkpoint.load", v.object({ key: keyText, part: count, ifRevision: v.optional(count) })),
      run: (session, input) => this.#load(ownerOf(session.identity), input),
    },
    "checkpoint.delete": {
      check: checked("checkpoint.delete", v.object({ key: keyText, ifRevision: v.optional(count) })),
      run: (session, input) => {
        const owner = ownerOf(session.identity);
        return this.#inLine(owner, input.key, () => this.#delete(owner, input));
      },
    },
    "checkpoint.list": {
      check: checked("checkpoint.list", v.object({ cursor: v.optional(v.string()) })),
      run: (session: Session, input) => this.#list(ownerOf(session.identity), input),
    },
  };

  #inLine<T>(owner: string, key: string, work: () => MaybePromise<T>): MaybePromise<T> {
    return this.#lines.run(owner, key, work);
  }

  #head(owner: string, key: string): MaybePromise<KvRecord | undefined> {
    return this.#core.store.kv.get(headsOf(owner), key, this.#core.clock.now());
  }

  #save(owner: string, input: OpInput<"checkpoint.save">): MaybePromise<OpOutput<"checkpoint.save">> {
    const { key, upload, part, data, isLast } = input;
    const { store: { kv }, clock } = this.#core;
    const now = clock.now();
    const name = uploadOf(key, upload);
    // Every part but the last is full, so where a part begins is known from its number.
    if (!isLast && data.length !== CHECKPOINT_PART_BYTES) {
      throw new InvalidArgumentError(
        `Cannot save part ${part} of "${key}": all but the last have ${CHECKPOINT_PART_BYTES} bytes`,
        "data",
      );
    }
    return then(this.#admit(owner, input), () => {
      const previous = part > 0 ? kv.get(partsOf(owner), partOf(name, part - 1), now) : undefined;
      return then(previous, (found): MaybePromise<OpOutput<"checkpoint.save">> => {
        if (part > 0 && !found) {
          throw new CheckpointError(
            `Cannot save part ${part} of "${key}": the part before it is not here any more; save again`,
          );
        }
        return then(kv.put(partsOf(owner), partOf(name, part), data, { now }), () => {
          if (isLast) return this.#finish(owner, input);
          const expiresAt = now + UPLOAD_MS;
          this.#core.wakeAt(expiresAt);
          return then(kv.put(uploadsOf(owner), name, NO_BYTES, { now, expiresAt }), () => ({}));
        });
      });
    });
  }

  /** Whether a save may go on, asked with every part. What was uploaded of one that may not is dropped. */
  #admit(owner: string, input: OpInput<"checkpoint.save">): MaybePromise<void> {
    const { key, upload, ifRevision } = input;
    const { kvKeys } = this.#core.limits;
    const refuse = async (error: Error): Promise<never> => {
      await this.#core.store.kv.purge(uploadsOf(owner), uploadOf(key, upload));
      await this.#dropStray(owner, key);
      throw error;
    };
    return then(this.#head(owner, key), (head) => {
      const revision = head?.revision ?? 0;
      if (head && (decodeStructured(head.value) as Head).upload === upload) {
        throw new InvalidArgumentError(`Cannot save "${key}": upload "${upload}" is finished`, "upload");
      }
      if (ifRevision !== undefined && revision !== ifRevision) return refuse(conflict(key, revision, ifRevision));
      if (head) return;
      return then(this.#spaces.count(headsOf(owner), kvKeys), (current) => {
        if (current < kvKeys) return;
        const words = `Cannot save "${key}": ${current} checkpoints are kept, at most ${kvKeys} are allowed`;
        return refuse(new QuotaError(words, { retryable: false, details: { limit: kvKeys, current } }));
      });
    });
  }

  #finish(owner: string, { key, upload, part, data, ttl }: OpInput<"checkpoint.save">): MaybePromise<CheckpointInfo> {
    const { store: { kv }, clock } = this.#core;
    const now = clock.now();
    return then(this.#head(owner, key), (before) => {
      const head: Head = { upload, parts: part + 1, size: part * CHECKPOINT_PART_BYTES + data.length, savedAt: now };
      const expiresAt = ttl ? Math.ceil(now + ttl * 1000) : 0;
      if (expiresAt > 0) this.#core.wakeAt(expiresAt);
      return then(
        kv.put(headsOf(owner), key, encodeStructured(head), { now, expiresAt }),
        (revision) =>
          then(kv.purge(uploadsOf(owner), uploadOf(key, upload)), () => {
            const info = { key, size: head.size, savedAt: now, revision };
            if (before) return then(this.#dropHeld(owner, key, before), () => info);
            // A former head whose time is over and that was not swept yet was written over.
            return kv.nextExpiry() > now ? info : then(this.#dropStray(owner, key), () => info);
          }),
      );
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
      const name = partOf(uploadOf(key, upload), part);
      return then(this.#core.store.kv.get(partsOf(owner), name, this.#core.clock.now()), (found) => {
        // Its parts go when it is saved anew: then this head is not the one any more.
        if (!found && part < parts) throw conflict(key, 0, record.revision);
        if (!found) throw new InvalidArgumentError(`Cannot load part ${part} of "${key}": it has ${parts}`, "part");
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
      const { store: { kv }, clock } = this.#core;
      return then(
        kv.delete(headsOf(owner), key, clock.now()),
        () => then(this.#dropHeld(owner, key, record), () => ({ found: true })),
      );
    });
  }

  #list(owner: string, { cursor }: OpInput<"checkpoint.list">): MaybePromise<OpOutput<"checkpoint.list">> {
    const { store: { kv }, clock } = this.#core;
    return then(kv.list(headsOf(owner), "", cursor, PAGE, clock.now()), (records) => {
      const entries = records.map(({ key, value, revision }) => {
        const { size, savedAt } = decodeStructured(value) as Head;
        return { key, size, savedAt, revision };
      });
      return records.length === PAGE ? { entries, nextCursor: entries.at(-1)!.key } : { entries };
    });
  }

  /** Drops what a head has held. */
  #dropHeld(owner: string, key: string, record: KvRecord): MaybePromise<void> {
    const { kv } = this.#core.store;
    const { upload, parts } = decodeStructured(record.value) as Head;
    const waits: MaybePromise<void>[] = [];
    for (let part = 0; part < parts; part++) waits.push(kv.purge(partsOf(owner), partOf(uploadOf(key, upload), part)));
    if (waits.some((wait) => wait instanceof Promise)) return Promise.all(waits).then(() => {});
  }

  /** Drops the parts of all uploads of a checkpoint but its own and those under way. */
  async #dropStray(owner: string, key: string): Promise<void> {
    const { store: { kv }, clock } = this.#core;
    const head = await this.#head(owner, key);
    const own = head && uploadOf(key, (decodeStructured(head.value) as Head).upload);
    // One at a time: their values come with them.
    let after: string | undefined;
    for (;;) {
      const [part] = await kv.list(partsOf(owner), prefixOf(key), after, 1, clock.now());
      if (!part) return;
      after = part.key;
      const upload = part.key.slice(0, -PART_DIGITS);
      if (upload !== own && !await kv.get(uploadsOf(owner), upload, clock.now())) {
        await kv.purge(partsOf(owner), part.key);
      }
    }
  }
}

/** Whose checkpoints: the full identity, workspace included. A pool's workers come and go under new ids, so theirs are the pool's. */
function ownerOf(identity: Identity): string {
  return identity.type === "non_unique_task"
    ? `ta::${identity.workspace}::${identity.implementation}`
    : identityTopic(identity);
}

function headsOf(owner: string): string {
  return `c\0${owner}`;
}

function partsOf(owner: string): string {
  return `cp\0${owner}`;
}

function uploadsOf(owner: string): string {
  return `cu\0${owner}`;
}

/** The length before the key: no checkpoint's parts begin like another's. */
function prefixOf(key: string): string {
  return `${key.length}:${key}:`;
}

/** The key of an upload's name. */
function keyOf(upload: string): string {
  const from = upload.indexOf(":") + 1;
  return upload.slice(from, from + Number(upload.slice(0, from - 1)));
}

function uploadOf(key: string, upload: string): string {
  return `${prefixOf(key)}${upload}:`;
}

const PART_DIGITS = 4;

function partOf(upload: string, part: number): string {
  return upload + String(part).padStart(PART_DIGITS, "0");
}

function conflict(key: string, current: number, wanted: number): ConflictError {
  return new ConflictError(`Checkpoint "${key}" has revision ${current}, not ${wanted}`, {
    details: { revision: current },
  });
}
