// edge: no Deno, Bun, node: or cloudflare: names
import type { ConfigMap, ConfigSnapshot } from "../../protocol/config.ts";
import { CONFIG_BYTES, CONFIG_NAME_BYTES } from "../../protocol/limits.ts";
import { utf8 } from "../../base/bytes.ts";
import type { Subject } from "../access.ts";
import type { Core } from "../core.ts";
import { ownerOf } from "../kv_spaces.ts";

/** Records read at once: values may be large, and those that do not fit are read for nothing. */
const READ = 64;

/** What a principal finds when it arrives: small maps whole; of large ones the names of what did not fit. */
export async function configSnapshot(core: Core, { identity, workspace }: Subject): Promise<ConfigSnapshot> {
  const owner = ownerOf(identity);
  const snapshot: ConfigSnapshot = { kv: {}, globalKv: {}, workspaceExclusiveKv: {}, globalExclusiveKv: {} };
  if (workspace !== undefined) snapshot.workspace = workspace;
  const spaces: [map: ConfigMap, space: string][] = [["globalExclusiveKv", `ge\0${owner}`], ["globalKv", "g"]];
  if (workspace !== undefined) {
    spaces.unshift(["kv", `w\0${workspace}`], ["workspaceExclusiveKv", `we\0${owner}\0${workspace}`]);
  }
  const room = { values: CONFIG_BYTES, names: CONFIG_NAME_BYTES };
  for (const [map, space] of spaces) await fill(core, snapshot, map, space, room);
  return snapshot;
}

async function fill(
  core: Core,
  snapshot: ConfigSnapshot,
  map: ConfigMap,
  space: string,
  room: { values: number; names: number },
): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const page = core.store.kv.list(space, "", after, READ, core.clock.now());
    const records = page instanceof Promise ? await page : page;
    for (const { key, value } of records) {
      const name = utf8(key).length;
      if (name + value.length <= room.values) {
        room.values -= name + value.length;
        // Not a plain assignment: a key may be called "__proto__".
        Object.defineProperty(snapshot[map], key, { value, enumerable: true });
      } else if (name <= room.names) {
        room.names -= name;
        ((snapshot.omitted ??= {})[map] ??= []).push(key);
      } else {
        (snapshot.incomplete ??= []).push(map);
        return;
      }
    }
    if (records.length < READ) return;
    after = records.at(-1)!.key;
  }
}
