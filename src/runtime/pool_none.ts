// edge: no Deno, Bun, node: or cloudflare: names
// Worker pools where there are neither threads nor processes to be had.
import { UnimplementedError } from "../errors.ts";
import type { PoolResult } from "../worker/pool.ts";
import type { WorkerPoolOptions } from "../worker/pool_options.ts";

/** Always rejects: a pool needs Deno, Bun or Node. */
export function runWorkerPool(_options: WorkerPoolOptions): Promise<PoolResult> {
  return Promise.reject(
    new UnimplementedError("Cannot run a worker pool here: it needs Deno, Bun or Node; use createWorker instead"),
  );
}
