// edge: no Deno, Bun, node: or cloudflare: names
import type { KvChangeEvent } from "../protocol/kv.ts";
import type { Link } from "../session/link.ts";
import { follow, insist } from "./follow.ts";
import type { KVWatchOptions } from "./kv_types.ts";

/** Follows keys: asks for what changed after the last revision seen, again and again. */
export function watchKeys(link: Link, options: KVWatchOptions): AsyncIterableIterator<KvChangeEvent> {
  const { key, keyPrefix: prefix, scope, userId, workspace, signal } = options;
  let cursor: string | undefined;
  return follow(async (signal) => {
    const from = cursor === undefined ? { after: options.fromRevision ?? 0 } : { cursor };
    const page = await insist(link, "kv.changes", { scope, userId, workspace, key, prefix, ...from }, signal);
    if (page.gap) link.onNotice.emit({ name: "gap", body: { topic: `kv ${key ?? prefix}`, reason: "trimmed" } });
    cursor = page.cursor;
    return { items: page.changes };
  }, signal);
}
