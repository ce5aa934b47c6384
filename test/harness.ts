/** What a case may know about where it runs. */
export interface Env {
  /** "deno", "bun", "node", "workerd" or "chromium". */
  runtime: string;
  /** WebSocket address of a gateway in another process, where the driver started one. */
  gatewayUrl?: string;
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
}

/** Runs cases one after another where there is no test runner. */
export async function runCases(cases: Case[], env: Env): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name, run, skip } of cases) {
    const why = skip?.(env);
    if (why !== undefined) {
      results.push({ name, outcome: "skipped", detail: why });
      continue;
    }
    try {
      await run(env);
      results.push({ name, outcome: "passed" });
    } catch (error) {
      const detail = error instanceof Error ? `${error}\n${error.stack ?? ""}` : String(error);
      results.push({ name, outcome: "failed", detail });
    }
  }
  return results;
}
