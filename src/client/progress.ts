// edge: no Deno, Bun, node: or cloudflare: names
import type { ProgressReport } from "../protocol/progress.ts";
import { heard, type Link } from "../session/link.ts";
import { insist } from "./follow.ts";

/** Reports how far a piece of work is. */
export type ReportProgress = (report: ProgressReport) => Promise<void>;

interface Line {
  /** Reported since the one on the wire; only the latest counts. */
  next: ProgressReport | undefined;
  settled: PromiseWithResolvers<void> | undefined;
}

/**
 * Makes the verb. One report of a piece of work is on the wire at a time; of those made meanwhile only the latest follows,
 * so reporting often costs nothing and the last one always arrives. Its promise may be ignored: failures reach `onError`.
 */
export function reportProgress(link: Link): ReportProgress {
  const lines = new Map<string, Line>();

  const put = async (key: string, line: Line, first: ProgressReport): Promise<void> => {
    try {
      await insist(link, "progress.report", first);
    } finally {
      const { next, settled } = line;
      line.next = line.settled = undefined;
      if (next) put(key, line, next).then(settled!.resolve, settled!.reject);
      else lines.delete(key);
    }
  };

  return (report) => {
    const key = JSON.stringify([report.taskId, report.requestId, report.recipient]);
    const waiting = lines.get(key);
    if (!waiting) {
      const line: Line = { next: undefined, settled: undefined };
      lines.set(key, line);
      return heard(link, put(key, line, { ...report }));
    }
    waiting.next = { ...report };
    if (waiting.settled) return waiting.settled.promise;
    waiting.settled = Promise.withResolvers();
    return heard(link, waiting.settled.promise);
  };
}
