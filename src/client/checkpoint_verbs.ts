// edge: no Deno, Bun, node: or cloudflare: names
import { CheckpointError, ConflictError, InvalidArgumentError } from "../errors.ts";
import { CHECKPOINT_KEY } from "../protocol/checkpoints.ts";
import { CHECKPOINT_BYTES, CHECKPOINT_PART_BYTES } from "../protocol/limits.ts";
import type { CheckpointInfo, OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import { heard, type Link } from "../session/link.ts";
import type { CheckpointOptions, CheckpointResponse, CheckpointSaveOptions } from "./checkpoint_types.ts";
import { once } from "./follow.ts";

/** Times a load begins again because the checkpoint was saved under it. */
const LOADS = 5;

function call<Op extends OpName>(
  link: Link,
  op: Op,
  input: OpInput<Op>,
  options: CheckpointOptions,
): Promise<OpOutput<Op>> {
  return once(link, op, () => input, options, (output) => output, CheckpointError);
}

/** Saves, under a name for the upload that nobody else has. */
export function checkpointSave(
  link: Link,
  options: CheckpointSaveOptions,
  upload: string,
): Promise<CheckpointResponse> {
  return heard(link, save(link, options, upload), options.signal);
}

async function save(link: Link, options: CheckpointSaveOptions, upload: string): Promise<CheckpointResponse> {
  const { key = CHECKPOINT_KEY, data, ttl, ifRevision } = options;
  if (!(data instanceof Uint8Array) || data.length > CHECKPOINT_BYTES) {
    throw new InvalidArgumentError(
      `Cannot save ${
        data instanceof Uint8Array ? `${data.length} bytes` : typeof data
      } as checkpoint "${key}": a Uint8Array of at most ${CHECKPOINT_BYTES} bytes is needed`,
      "data",
    );
  }
  for (let part = 0, at = 0;; part++, at += CHECKPOINT_PART_BYTES) {
    const isLast = at + CHECKPOINT_PART_BYTES >= data.length;
    const piece = data.subarray(at, at + CHECKPOINT_PART_BYTES);
    const input = { key, upload, part, data: piece, isLast, ttl, ifRevision };
    const info = await call(link, "checkpoint.save", input, options);
    if (isLast) return response(info as CheckpointInfo);
  }
}

/** Loads. */
export function checkpointLoad(link: Link, options: CheckpointOptions): Promise<CheckpointResponse> {
  return heard(link, load(link, options), options.signal);
}

async function load(link: Link, options: CheckpointOptions): Promise<CheckpointResponse> {
  for (let attempt = 1;; attempt++) {
    try {
      return await loadOnce(link, options);
    } catch (error) {
      // Saved anew between two parts: the new one is what is wanted.
      if (!(error instanceof ConflictError) || options.ifRevision !== undefined || attempt === LOADS) throw error;
    }
  }
}

async function loadOnce(link: Link, options: CheckpointOptions): Promise<CheckpointResponse> {
  const { key = CHECKPOINT_KEY, ifRevision } = options;
  const first = await call(link, "checkpoint.load", { key, part: 0, ifRevision }, options);
  if (!first.found) return response();
  const info = first.info!;
  const data = new Uint8Array(info.size);
  data.set(first.data!);
  for (let part = 1, at = first.data!.length; part < first.parts!; part++) {
    const more = await call(link, "checkpoint.load", { key, part, ifRevision: info.revision }, options);
    data.set(more.data!, at);
    at += more.data!.length;
  }
  return response(info, { data });
}

/** Removes. */
export function checkpointDelete(link: Link, options: CheckpointOptions): Promise<CheckpointResponse> {
  return heard(link, remove(link, options), options.signal);
}

async function remove(link: Link, options: CheckpointOptions): Promise<CheckpointResponse> {
  const { key = CHECKPOINT_KEY, ifRevision } = options;
  const { found } = await call(link, "checkpoint.delete", { key, ifRevision }, options);
  return response(undefined, { found });
}

/** Names all of them. */
export function checkpointList(link: Link, options: CheckpointOptions): Promise<CheckpointResponse> {
  return heard(link, list(link, options), options.signal);
}

async function list(link: Link, options: CheckpointOptions): Promise<CheckpointResponse> {
  const entries: CheckpointInfo[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await call(link, "checkpoint.list", { cursor }, options);
    entries.push(...page.entries);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  const keys = entries.map(({ key }) => key);
  return response(undefined, { found: keys.length > 0, keys, entries });
}

function response(info?: CheckpointInfo, own: Partial<CheckpointResponse> = {}): CheckpointResponse {
  const { size = 0, savedAt = 0, revision = 0 } = info ?? {};
  return { success: true, found: info !== undefined, keys: [], entries: [], size, savedAt, revision, ...own };
}
