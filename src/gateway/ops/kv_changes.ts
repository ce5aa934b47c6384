// edge: no Deno, Bun, node: or cloudflare: names
import type { KvChangeEvent } from "../../protocol/kv.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { KvSpaces } from "../kv_spaces.ts";
import { then } from "../soon.ts";

const PAGE = 256;
const PAGE_BYTES = 512 * 1024;

type Output = OpOutput<"kv.changes">;

/**
 * What happened in a space after a revision; waits until something has. The caller comes again with the revision it got, so
 * a slow one holds nothing back and one that was away has missed nothing but values in between.
 */
export function follow(
  core: Core,
  spaces: KvSpaces,
  space: string,
  { key, prefix = "", after, limit = PAGE }: OpInput<"kv.changes">,
  waiting: () => AbortSignal,
): MaybePromise<Output> {
  const { kv } = core.store;
  const wanted = key ?? prefix;
  const read = (from: number, gap: boolean): MaybePromise<Output | undefined> =>
    then(kv.changes(space, wanted, from, limit), (found) => {
      const changes: KvChangeEvent[] = [];
      let bytes = 0;
      let next = from;
      for (const { key: name, record, revision } of found) {
        if (bytes > PAGE_BYTES) break;
        next = revision;
        if (key !== undefined && name !== key) continue;
        // To a newcomer a key that is gone has never been.
        if (!record && from === 0) continue;
        bytes += record?.value.length ?? 0;
        changes.push(record ? { key: name, value: record.value, revision } : { key: name, revision });
      }
      if (changes.length > 0 || gap) return gap ? { changes, next, gap } : { changes, next };
      // A page of what is not wanted: what is may follow.
      return next > from ? read(next, gap) : undefined;
    });
  const isWanted = (name: string): boolean => (key === undefined ? name.startsWith(prefix) : name === key);
  const first = then(after > 0 ? kv.forgotten(space) : 0, (forgotten) => {
    const isLost = after > 0 && after < forgotten;
    return read(isLost ? 0 : after, isLost);
  });
  return then(first, (output) => output ?? wait(spaces, space, isWanted, () => read(after, false), waiting()));
}

/** Reads again whenever a wanted key has changed, until there is something to tell or nobody waits. */
function wait(
  spaces: KvSpaces,
  space: string,
  isWanted: (key: string) => boolean,
  read: () => MaybePromise<Output | undefined>,
  signal: AbortSignal,
): Promise<Output> {
  return new Promise((resolve, reject) => {
    let isHeard = false;
    let isReading = false;
    const over = (): void => {
      stop();
      signal.removeEventListener("abort", over);
    };
    const look = async (): Promise<void> => {
      isReading = true;
      try {
        while (isHeard) {
          isHeard = false;
          const output = await read();
          if (!output) continue;
          over();
          return resolve(output);
        }
      } catch (error) {
        over();
        reject(error);
      } finally {
        isReading = false;
      }
    };
    const stop = spaces.listen(space, (key) => {
      if (!isWanted(key)) return;
      isHeard = true;
      // Changes that come in one turn are told together.
      if (!isReading) queueMicrotask(() => isReading || look());
    });
    signal.addEventListener("abort", over, { once: true });
  });
}
