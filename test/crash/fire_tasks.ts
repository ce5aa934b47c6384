/** What the workers under fire do: every run leaves its traces in the journal that `CRASH_JOURNAL` names. */
import process from "node:process";
import { type DefinedTask, defineTask, NonRetryableError } from "../../src/worker/mod.ts";
import { note } from "./journal.ts";

/** How many may run at once. */
export const LIMITS = { perKey: 2, total: 7 };

/** What a task is to do. */
export interface Job {
  n: number;
  key: string;
  ms: number;
  /** Well, only at the second try, or never. */
  how: "well" | "stumbles" | "fails";
}

/** What it brings: `token` says which run it was. */
export interface Brought {
  square: number;
  token: string;
}

/** What was taken from a worker takes so much longer at the next one that the first may come back meanwhile, in ms. */
const AGAIN_MS = 300;
const journal = process.env.CRASH_JOURNAL ?? "";
const { pid } = process;
// Before anybody is killed: whoever has lost its parent has another one.
const host = process.env.CRASH_HOST === "pool" ? process.ppid : pid;

export const job: DefinedTask<Job, Brought> = defineTask({
  type: "job",
  retry: { maxAttempts: 3, initialDelayMs: 10 },
  concurrency: { ...LIMITS, key: (input: Job) => input.key },
  run: async ({ n, ms, how }: Job, { task: { taskId, failures }, attempt, signal }): Promise<Brought> => {
    const run = { taskId, attempt, pid, host };
    note(journal, { what: "began", ...run });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(resolve, attempt > 1 && failures === 0 ? ms + AGAIN_MS : ms);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        note(journal, { what: "stopped", ...run });
        reject(signal.reason);
      });
    });
    note(journal, { what: "ended", ...run });
    if (how === "fails") throw new NonRetryableError(`${n} cannot be done`);
    if (how === "stumbles" && failures === 0) throw new Error("again, please");
    return { square: n * n, token: `${attempt} by ${pid}` };
  },
});
