// edge: no Deno, Bun, node: or cloudflare: names
import { CONFIG_BYTES, CONFIG_KEYS, type ConfigSnapshot } from "../../protocol/config.ts";
import type { Core } from "../core.ts";
import { ownerOf } from "../kv_spaces.ts";
import type { Subject } from "../access.ts";

/** What a principal finds when it arrives: small maps whole; of large ones the names of what did not fit. */
export async function configSnapshot(core: Core, { identity, workspace }: Subject): Promise<ConfigSnapshot> {
  const owner = ownerOf(identity);
  const snapshot: ConfigSnapshot = { kv: {}, globalKv: {}, workspaceExclusiveKv: {}, globalExclusiveKv: {} };
  if (workspace !== undefined) snapshot.workspace = workspace;
  const spaces = {
    kv: workspace === undefined ? undefined : `w\0${workspace}`,
    workspaceExclusiveKv: workspace === undefined ? undefined : `we\0${owner}\0${workspace}`,
    globalExclusiveKv: `ge\0${owner}`,
    globalKv: "g",
  } as const;
  let room = CONFIG_BYTES;
  for (const [map, space] of Object.entries(spaces) as [keyof typeof spaces, string | undefined][]) {
    if (space === undefined) continue;
    const listed = core.store.kv.list(space, "", undefined, CONFIG_KEYS, core.clock.now());
    for (const { key, value } of listed instanceof Promise ? await listed : listed) {
      if (key.length + value.length <= room) {
        room -= key.length + value.length;
        snapshot[map][key] = value;
      } else ((snapshot.omitted ??= {})[map] ??= []).push(key);
    }
  }
  return snapshot;
}
