// edge: no Deno, Bun, node: or cloudflare: names
import { CheckpointError, ConflictError, InvalidArgumentError } from "../errors.ts";
import { CHECKPOINT_BYTES, CHECKPOINT_KEY, CHECKPOINT_PART_BYTES } from "../protocol/kv.ts";
import type { CheckpointInfo, OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import { shortId, systemRandom } from "../base/ids.ts";
import type { Link } from "../session/link.ts";
import { heard, once } from "./follow.ts";

/** Which checkpoint, and how long to wait. */
export interface CheckpointOptions {
  /** Its name; `default` when left out. */
  key?: string;
  /** How long to wait for the answer to each part, in ms; 10 000 by default. */
  timeout?: number;
  /** Stops it; what was saved before stays. */
  signal?: AbortSignal;
  /** Only when it still has this revision; 0 means that there is none yet. */
  ifRevision?: number;
}
/** What to save. */
export interface CheckpointSaveOptions extends CheckpointOptions {
  /** The bytes, at most 16 MiB. */
  data: Uint8Array;
  /** Seconds after which it is gone; 0 or left out for never. */
  ttl?: number;
}

/** What became of it. */
export interface CheckpointResponse {
  /** Always true: what fails is thrown. */
  success: true;
  /** Whether there is such a checkpoint. */
  found: boolean;
  /** Its bytes. */
  data?: Uint8Array;
  /** Names, of a list. */
  keys: string[];
  /** All checkpoints, of a list. */
  entries: CheckpointInfo[];
  /** Bytes. */
  size: number;
  /** When it was saved, ms since epoch; 0 when there is none. */
  savedAt: number;
  /** Grows with every save; 0 when there is none. */
  revision: number;
}

/** Times a load begins again because the checkpoint was saved under it. */
const LOADS = 5;

/**
 * Large states of this identity, which find it again after a restart. A save takes the place of the former one as a whole.
 * @example
 * ```ts
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * const checkpoint = fabric.agent().checkpoint();
 * await checkpoint.save({ data: new TextEncoder().encode("step 5"), ttl: 3600 });
 * const { found, data } = await checkpoint.load();
 * if (!found || new TextDecoder().decode(data) !== "step 5") throw new Error("never");
 * ```
 */
export class CheckpointClient {
  readonly #link: Link;

  /** Made by `client.checkpoint()`. */
  constructor(link: Link) {
    this.#link = link;
  }

  #call<Op extends OpName>(op: Op, input: OpInput<Op>, options: CheckpointOptions): Promise<OpOutput<Op>> {
    return once(this.#link, op, () => input, options, (output) => output, CheckpointError);
  }

  #run({ signal }: CheckpointOptions, work: () => Promise<CheckpointResponse>): Promise<CheckpointResponse> {
    return heard(this.#link, work(), signal);
  }

  /** Saves. @throws {ConflictError} when `ifRevision` is not its revision any more */
  save(options: CheckpointSaveOptions): Promise<CheckpointResponse> {
    return this.#run(options, async () => {
      const { key = CHECKPOINT_KEY, data, ttl, ifRevision } = options;
      if (!(data instanceof Uint8Array) || data.length > CHECKPOINT_BYTES) {
        throw new InvalidArgumentError(
          `Cannot save ${
            data instanceof Uint8Array ? `${data.length} bytes` : typeof data
          } as checkpoint "${key}": a Uint8Array of at most ${CHECKPOINT_BYTES} bytes is needed`,
          "data",
        );
      }
      const upload = shortId(systemRandom);
      for (let part = 0, at = 0;; part++, at += CHECKPOINT_PART_BYTES) {
        const isLast = at + CHECKPOINT_PART_BYTES >= data.length;
        const piece = data.subarray(at, at + CHECKPOINT_PART_BYTES);
        const input = { key, upload, part, data: piece, isLast, ttl, ifRevision };
        const info = await this.#call("checkpoint.save", input, options);
        if (isLast) return response(info as CheckpointInfo);
      }
    });
  }

  /** Loads. Nothing saved is `found: false`. */
  load(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.#run(options, async () => {
      for (let attempt = 1;; attempt++) {
        try {
          return await this.#load(options);
        } catch (error) {
          // Saved anew between two parts: the new one is what is wanted.
          if (!(error instanceof ConflictError) || options.ifRevision !== undefined || attempt === LOADS) throw error;
        }
      }
    });
  }

  async #load(options: CheckpointOptions): Promise<CheckpointResponse> {
    const { key = CHECKPOINT_KEY, ifRevision } = options;
    const first = await this.#call("checkpoint.load", { key, part: 0, ifRevision }, options);
    if (!first.found) return response();
    const info = first.info!;
    const data = new Uint8Array(info.size);
    data.set(first.data!);
    for (let part = 1, at = first.data!.length; part < first.parts!; part++) {
      const more = await this.#call("checkpoint.load", { key, part, ifRevision: info.revision }, options);
      data.set(more.data!, at);
      at += more.data!.length;
    }
    return response(info, { data });
  }

  /** Removes. `found` says whether there was one. */
  delete(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.#run(options, async () => {
      const { key = CHECKPOINT_KEY, ifRevision } = options;
      const { found } = await this.#call("checkpoint.delete", { key, ifRevision }, options);
      return response(undefined, { found });
    });
  }

  /** Names all of them. */
  list(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.#run(options, async () => {
      const entries: CheckpointInfo[] = [];
      let cursor: string | undefined;
      for (;;) {
        const page = await this.#call("checkpoint.list", { cursor }, options);
        entries.push(...page.entries);
        cursor = page.nextCursor;
        if (cursor === undefined) break;
      }
      const keys = entries.map(({ key }) => key);
      return response(undefined, { found: keys.length > 0, keys, entries });
    });
  }

  /** Same as {@link CheckpointClient.save}. */
  saveSync(options: CheckpointSaveOptions): Promise<CheckpointResponse> {
    return this.save(options);
  }
  /** Same as {@link CheckpointClient.load}. */
  loadSync(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.load(options);
  }
  /** Same as {@link CheckpointClient.delete}. */
  deleteSync(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.delete(options);
  }
  /** Same as {@link CheckpointClient.list}. */
  listSync(options: CheckpointOptions = {}): Promise<CheckpointResponse> {
    return this.list(options);
  }
}

function response(info?: CheckpointInfo, own: Partial<CheckpointResponse> = {}): CheckpointResponse {
  const { size = 0, savedAt = 0, revision = 0 } = info ?? {};
  return { success: true, found: info !== undefined, keys: [], entries: [], size, savedAt, revision, ...own };
}
