import { test } from "node:test";
import type { Case, Env } from "../harness.ts";

/** Hands cases to the test runner of whichever runtime answers to `node:test`. */
export function bind(cases: Case[], env: Env): void {
  for (const { name, run, skip, timeoutMs } of cases) {
    const why = skip?.(env);
    if (why === undefined) {
      test(name, timeoutMs === undefined ? {} : { timeout: timeoutMs }, async () => await run(env));
    } else test(`${name} (skipped: ${why})`, { skip: true }, () => {});
  }
}
