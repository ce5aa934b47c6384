// edge: no Deno, Bun, node: or cloudflare: names
import { ConnectionError, InvalidArgumentError } from "../errors.ts";
import type { KvChangeEvent } from "../protocol/kv.ts";
import type { OpOutput } from "../protocol/ops.ts";
import type { Link } from "../session/link.ts";
import type { KVWatchOptions } from "./kv_types.ts";

/** Longest wait of one call, in ms; then it asks again. Below what keeps a call's state alive for a client that is gone. */
const WAIT_MS = 600_000;

/**
 * Follows keys: asks for what changed after the last revision seen, again and again; the gateway answers when there is
 * something. Taking slowly costs nothing there, and a reconnect only asks once more.
 */
export function watchKeys(link: Link, options: KVWatchOptions): AsyncIterableIterator<KvChangeEvent> {
  const { key, keyPrefix: prefix, scope, userId, workspace, signal } = options;
  if ((key === undefined) === (prefix === undefined)) {
    throw new InvalidArgumentError("Cannot watch: give either key or keyPrefix", "key");
  }
  const done = new AbortController();
  const stop = (): void => done.abort(signal?.reason);
  let after = options.fromRevision ?? 0;
  let ready: KvChangeEvent[] = [];
  let taken = 0;
  let over = false;

  const ask = async (): Promise<OpOutput<"kv.changes">> => {
    for (;;) {
      try {
        return await link.call("kv.changes", { scope, userId, workspace, key, prefix, after }, {
          signal: done.signal,
          timeoutMs: WAIT_MS,
        });
      } catch (error) {
        // A session that was lost is followed by another; a client that is closed says so without retryable.
        const isOnlyLate = error instanceof Error && "code" in error && error.code === "DEADLINE_EXCEEDED";
        if (!isOnlyLate && !(error instanceof ConnectionError && error.retryable)) throw error;
      }
    }
  };
  const finish = (): void => {
    over = true;
    signal?.removeEventListener("abort", stop);
    done.abort();
  };
  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop, { once: true });

  return {
    async next() {
      while (!over && taken === ready.length) {
        try {
          const { changes, next, gap } = await ask();
          if (gap) {
            const topic = `kv ${key ?? prefix}`;
            link.onNotice.emit({ name: "gap", body: { topic, reason: "trimmed" } });
          }
          after = next;
          ready = changes;
          taken = 0;
        } catch (error) {
          // A watch ends with its client; anything else that ends it is said.
          const isEnded = over || (error instanceof ConnectionError && error.details.isDeliberate === true);
          finish();
          if (!isEnded) throw error;
        }
      }
      return over ? { done: true, value: undefined } : { done: false, value: ready[taken++] };
    },
    return() {
      finish();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
