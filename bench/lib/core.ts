/** A gateway's inside without sockets and turns, for benches of its parts. */
import { seededRandom } from "../../src/base/ids.ts";
import { silent } from "../../src/base/logger.ts";
import type { Core } from "../../src/gateway/core.ts";
import { Counters } from "../../src/gateway/counters.ts";
import { DEFAULT_LIMITS } from "../../src/protocol/limits.ts";
import { memoryStore } from "../../src/store/memory.ts";

/** Such a core, over a store in memory; `next` ends a turn: what was to be done before the commit is, and time moves on. */
export function benchCore(): { core: Core; next(): void } {
  const before: (() => void)[] = [];
  let now = Date.UTC(2026, 0, 1);
  const core: Core = {
    clock: { now: () => now, timer: () => () => {} },
    random: seededRandom(1),
    logger: silent,
    limits: DEFAULT_LIMITS,
    store: memoryStore(),
    counters: new Counters(),
    splicer: { limits: DEFAULT_LIMITS, open: () => {}, again: () => false, done: () => {} },
    dirty: () => {},
    commit: () => {},
    beforeCommit: (run) => void before.push(run),
    commitSoon: () => {},
    done: () => {},
    wakeAt: () => {},
  };
  const next = (): void => {
    for (const run of before) run();
    now++;
  };
  return { core, next };
}
