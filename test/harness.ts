import type { Gateway } from "../src/gateway/gateway.ts";
import type { Server } from "../src/runtime/rim.ts";

/** What a case may know about where it runs. */
export interface Env {
  /** "deno", "bun", "node", "workerd" or "chromium". */
  runtime: string;
  /** WebSocket address of a gateway in another process, where the driver started one. */
  gatewayUrl?: string;
  /** Where more gateways in that other process are asked for. */
  controlUrl?: string;
  /** Opens a port for a gateway, where this runtime can. */
  serve?: (gateway: Gateway) => Promise<Server>;
}

/** One behaviour, as data: any runner on any runtime can take it. */
export interface Case {
  /** A sentence about behaviour. */
  name: string;
  run(env: Env): void | Promise<void>;
  /** How long it may take, in ms, where that is longer than a test runner's own patience: Bun's is 5 s. */
  timeoutMs?: number;
  /** Why this case cannot run here; undefined when it can. */
  skip?: (env: Env) => string | undefined;
}

/** What became of one case. */
export interface Result {
  name: string;
  outcome: "passed" | "failed" | "skipped";
  /** The error's stack, or the reason for skipping. */
  detail?: string;
  /** How long it took. */
  ms?: number;
}

/** How long a case may take that does not say, where there is no test runner. */
const PATIENCE_MS = 30_000;

async function inTime(ms: number, running: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${ms} ms`)), ms);
  });
  await Promise.race([running, late]).finally(() => clearTimeout(timer));
}

/** Runs cases one after another where there is no test runner. */
export async function runCases(cases: Case[], env: Env): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name, run, skip, timeoutMs = PATIENCE_MS } of cases) {
    const why = skip?.(env);
    if (why !== undefined) {
      results.push({ name, outcome: "skipped", detail: why });
      continue;
    }
    const since = Date.now();
    try {
      await inTime(timeoutMs, Promise.resolve(run(env)));
      results.push({ name, outcome: "passed", ms: Date.now() - since });
    } catch (error) {
      const detail = error instanceof Error ? `${error}\n${error.stack ?? ""}` : String(error);
      results.push({ name, outcome: "failed", detail });
    }
  }
  return results;
}
