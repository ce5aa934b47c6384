// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError, PermissionDeniedError } from "../../errors.ts";
import type { KvChangeEvent } from "../../protocol/kv.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import type { KvChange, MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import type { KvSpaces } from "../kv_spaces.ts";
import { poll } from "../poll.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";

/** Changes in one answer. */
const PAGE = 256;
/** Bytes of values in one answer; one value may exceed it. */
const PAGE_BYTES = 512 * 1024;
/** Records read at once: values may be large, and what does not fit is read for nothing. */
const READ = 64;

type Input = OpInput<"kv.changes">;
type Output = OpOutput<"kv.changes">;

/** How far a follower has come. */
interface Position {
  /** It has been told of everything up to this revision. */
  after: number;
  /** Removals up to this revision are nothing to it: it began with what was there then. */
  since: number;
}

/**
 * What happened in a space after a position; waits until something has. The caller comes again with the cursor it got, so
 * a slow one holds nothing back, one that was away has missed nothing but values in between, and the gateway keeps nothing.
 */
export function follow(
  core: Core,
  spaces: KvSpaces,
  session: Session,
  input: Input,
  waiting: () => AbortSignal,
): MaybePromise<Output> {
  const { kv } = core.store;
  const { key, prefix = "", limit = PAGE } = input;
  const space = spaces.of(session, input);
  const wanted = key ?? prefix;
  const isWanted = (name: string): boolean => (key === undefined ? name.startsWith(prefix) : name === key);
  return then(spaces.era(), (era) =>
    then(kv.forgotten(space), (forgotten) => {
      const position = positionOf(input, era);
      const isLost = !position || (position.after > 0 && Math.max(position.after, position.since) < forgotten);
      let after = isLost ? 0 : position.after;
      // To a newcomer a key that is gone has never been.
      const isNew = after === 0;
      const since = isNew ? forgotten : position!.since;

      /** What of a page is to be told; undefined when nothing is. */
      const pick = (found: KvChange[]): Output | undefined => {
        const changes: KvChangeEvent[] = [];
        let bytes = 0;
        for (const { key: name, record, revision } of found) {
          const size = record?.value.length ?? 0;
          if (changes.length === limit || (bytes > 0 && bytes + size > PAGE_BYTES)) break;
          after = revision;
          if (!isWanted(name) || (isNew && !record)) continue;
          bytes += size;
          changes.push(record ? { key: name, value: record.value, revision } : { key: name, revision });
        }
        if (changes.length === 0) return undefined;
        return { changes, cursor: `${era}.${since}.${after}` };
      };
      const read = (): MaybePromise<Output | undefined> => {
        if (spaces.of(session, input) !== space) {
          throw new PermissionDeniedError(`Cannot follow "${wanted}": its workspace is not the caller's any more`);
        }
        for (;;) {
          const found = kv.changes(space, wanted, after, READ);
          if (found instanceof Promise) {
            return found.then((page) => pick(page) ?? (page.length < READ ? undefined : read()));
          }
          const output = pick(found);
          if (output || found.length < READ) return output;
        }
      };
      const listen = (heard: () => void): () => void => {
        const stop = spaces.listen(space, (name) => isWanted(name) && heard());
        session.moves.add(heard);
        return () => {
          stop();
          session.moves.delete(heard);
        };
      };
      return then(read(), (output): MaybePromise<Output> => {
        if (isLost) return { changes: [], cursor: `${era}.${since}.${after}`, ...output, gap: true };
        return output ?? poll(read, listen, waiting());
      });
    }));
}

/** Undefined when its history is of another life of the store. */
function positionOf({ cursor, after = 0 }: Input, era: string): Position | undefined {
  if (cursor === undefined) return { after, since: 0 };
  const [, of, since, reached] = /^([\w-]{12})\.(\d{1,16})\.(\d{1,16})$/.exec(cursor) ?? [];
  if (of === undefined) throw new InvalidArgumentError("Cannot follow keys: the cursor is not one of ours", "cursor");
  return of === era ? { after: Number(reached), since: Number(since) } : undefined;
}
