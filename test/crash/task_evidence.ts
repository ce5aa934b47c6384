import { type Seen, spansOf } from "../simulation/task_invariants.ts";
import type { Line, RunLine } from "./journal.ts";
import type { Asked } from "./task_load.ts";

/** A handler that runs, by the journal. */
interface Run {
  taskId: string;
  attempt: number;
  pid: number;
  host: number;
  key: string;
  /** When its attempt was over, if that was while the gateway's death kept its worker from hearing of it. */
  until: number;
}

/** What the journal adds to it. */
export interface Evidence {
  faults: string[];
  /** Runs that ended because their process was killed. */
  interrupted: number;
  /** Attempts whose end the gateway refused. */
  refused: number;
  /** Most that ran at once. */
  most: number;
}

/**
 * Holds what handlers really did against what the gateway says of the same tasks, all of which must be over.
 * A run ends when it says so, or when its process is killed. One that went on while the gateway was killed may have lost its
 * attempt, after the grace, without a way to hear it: for it, what the gateway says is the end.
 */
export function evidenceOf(
  lines: readonly Line[],
  asked: readonly Asked[],
  seen: readonly Seen[],
  limits: { perKey: number; total: number; graceMs: number },
): Evidence {
  const faults: string[] = [];
  const inputs = new Map(asked.map((one) => [one.taskId, one]));
  const tasks = new Map(seen.map(({ task, events }) => [task.taskId, { task, spans: spansOf(task, events, []) }]));
  const nameOf = (taskId: string): string => inputs.get(taskId)?.name ?? taskId;
  const evidence: Evidence = { faults, interrupted: 0, refused: 0, most: 0 };
  const open = new Map<string, Run>();
  const begun = new Set<string>();
  /** By task: who is known to have completed it, and runs that came to their end. */
  const completed = new Set<string>();
  const ended = new Set<string>();
  const dead = new Set<number>();
  const kills: number[] = [];

  /** The moment after which an attempt is not its worker's, though that one may live and not know. */
  const untilOf = (taskId: string, attempt: number): number => {
    const { from = 0, to = Infinity } = tasks.get(taskId)?.spans.find((span) => span.attempt === attempt) ?? {};
    // A worker that lives has the grace to come back in.
    return kills.some((at) => from <= at && at + limits.graceMs <= to) ? to : Infinity;
  };

  const begin = ({ taskId, attempt, pid, host, at }: RunLine): void => {
    const one = inputs.get(taskId);
    const known = tasks.get(taskId);
    const run = `${taskId} ${attempt}`;
    if (!one || !known) return void faults.push(`${taskId} ran, and nobody has asked for it`);
    if (begun.has(run)) faults.push(`${one.name}: attempt ${attempt} began twice`);
    begun.add(run);
    if (!known.spans.some((span) => span.attempt === attempt)) {
      faults.push(`${one.name}: attempt ${attempt} began, and the gateway does not know of it`);
    }
    const until = untilOf(taskId, attempt);
    // It lay in the socket of one that was frozen: too late, and it counts for nothing.
    if (until <= at) return;
    if (completed.has(taskId)) faults.push(`${one.name}: attempt ${attempt} began after it was completed`);
    for (const id of one.dependsOn) {
      const parent = tasks.get(id);
      if (parent && !ended.has(`${id} ${parent.task.attempt}`)) {
        faults.push(`${one.name} began before the run that completed ${nameOf(id)} had ended`);
      }
    }
    for (const [name, other] of open) if (other.until <= at) open.delete(name);
    for (const other of open.values()) {
      if (other.taskId !== taskId) continue;
      faults.push(`${one.name}: attempt ${attempt} began while ${other.attempt} ran, whose worker had not lost it`);
    }
    // What a pool's isolate begins when its pool is dead already counts for nobody.
    if (dead.has(pid) || dead.has(host)) return;
    open.set(run, { taskId, attempt, pid, host, key: one.input.key, until });
    evidence.most = Math.max(evidence.most, open.size);
    const ofKey = [...open.values()].filter(({ key }) => key === one.input.key).length;
    if (open.size > limits.total) faults.push(`${open.size} ran when ${one.name} began, at most ${limits.total} may`);
    if (ofKey > limits.perKey) {
      faults.push(`${ofKey} of "${one.input.key}" ran when ${one.name} began, at most ${limits.perKey} may`);
    }
  };

  for (const line of lines) {
    switch (line.what) {
      case "began":
        begin(line);
        break;
      case "ended":
        ended.add(`${line.taskId} ${line.attempt}`);
        open.delete(`${line.taskId} ${line.attempt}`);
        break;
      case "stopped":
        open.delete(`${line.taskId} ${line.attempt}`);
        break;
      case "accepted":
        completed.add(line.taskId);
        break;
      case "refused":
        evidence.refused++;
        break;
      case "killed":
        dead.add(line.pid);
        for (const [name, { pid, host }] of open) {
          if (pid !== line.pid && host !== line.pid) continue;
          evidence.interrupted++;
          open.delete(name);
        }
        break;
      case "gateway killed":
        kills.push(line.at);
        for (const run of open.values()) run.until = untilOf(run.taskId, run.attempt);
    }
  }
  for (const [name, { until }] of open) if (until === Infinity) faults.push(`run ${name} has no end`);
  for (const { name, taskId, brought } of asked) {
    const task = tasks.get(taskId ?? "")?.task;
    if (!task || !brought) continue;
    const [attempt] = brought.token.split(" ");
    if (Number(attempt) !== task.attempt) {
      faults.push(`${name}: its creator has the result of attempt ${attempt}, ${task.attempt} was valid`);
    }
    const isReal = lines.some((line) =>
      line.what === "ended" && line.taskId === taskId && brought.token === `${line.attempt} by ${line.pid}`
    );
    if (!isReal) faults.push(`${name}: its creator has the result of a run that never ended`);
  }
  return evidence;
}
