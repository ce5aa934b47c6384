import { isActive, type TaskStatus } from "../../src/protocol/task_states.ts";
import type { TaskEvent, TaskInfo } from "../../src/protocol/tasks.ts";

/** A task that was asked for. */
export interface Made {
  name: string;
  key: string | undefined;
  dependsOn: string[];
  taskId: string | undefined;
  /** What its creator was told in the end. */
  result: { status: TaskStatus; token: string | undefined } | undefined;
}

/** A task as it is afterwards, and its story. */
export interface Seen {
  task: TaskInfo;
  events: TaskEvent[];
}

/** A completion that a worker was told counts. */
export interface Accepted {
  taskId: string;
  attempt: number;
  token: string;
}

/** When somebody validly worked on a task, by its story: the end is undefined when it never ended. */
export interface Span {
  attempt: number;
  from: number;
  to: number | undefined;
  endedBy: TaskStatus | undefined;
}

/** Everything in a run that breaks a promise, in words. */
export function faultsOf(
  made: readonly Made[],
  seen: readonly Seen[],
  accepted: readonly Accepted[],
  limits: { perKey: number; total: number },
): string[] {
  const faults: string[] = [];
  const spans = new Map<string, Span[]>();
  for (const { task, events } of seen) {
    events.forEach(({ sequence }, index) => {
      if (sequence !== index + 1) faults.push(`${nameOf(task)}: event ${sequence} stands at place ${index + 1}`);
    });
    spans.set(task.taskId, spansOf(task, events, faults));
    onceCompleted(task, events, accepted, faults);
  }
  for (const { name, taskId, dependsOn, result } of made) {
    const own = seen.find(({ task }) => task.taskId === taskId);
    if (!own) {
      faults.push(`${name} is lost`);
      continue;
    }
    if (result && result.status !== own.task.status) {
      faults.push(`${name}: its creator heard ${result.status}, and it is ${own.task.status}`);
    }
    const begun = spans.get(own.task.taskId)![0]?.from;
    for (const id of dependsOn) {
      const other = seen.find(({ task }) => task.taskId === id);
      if (begun === undefined) continue;
      if (other?.task.status !== "completed" || other.task.completedAt! > begun) {
        faults.push(`${name} began before ${id}, on which it depends, was completed`);
      }
    }
  }
  const names = seen.map(({ task }) => task.idempotencyKey);
  if (new Set(names).size !== names.length) faults.push("two tasks have one idempotency key");
  tooMany(made, seen, spans, limits, faults);
  return faults;
}

function nameOf({ idempotencyKey, taskId }: TaskInfo): string {
  return idempotencyKey ?? taskId;
}

/** The attempts of a task, which must come one after the other, each under a number of its own. */
export function spansOf(task: TaskInfo, events: readonly TaskEvent[], faults: string[]): Span[] {
  const spans: Span[] = [];
  for (const event of events) {
    if (event.type !== "status") continue;
    const open = spans.at(-1)?.to === undefined ? spans.at(-1) : undefined;
    if (event.status === "assigned") {
      if (open) faults.push(`${nameOf(task)}: attempt ${event.attempt} began while ${open.attempt} was valid`);
      if (event.attempt !== spans.length + 1) {
        faults.push(`${nameOf(task)}: attempt ${event.attempt} is its ${spans.length + 1}th`);
      }
      spans.push({ attempt: event.attempt, from: event.at, to: undefined, endedBy: undefined });
    } else if (!isActive(event.status) && open) {
      open.to = event.at;
      open.endedBy = event.status;
      if (event.attempt !== open.attempt) {
        faults.push(`${nameOf(task)}: attempt ${open.attempt} was ended by ${event.attempt}`);
      }
    }
  }
  return spans;
}

function onceCompleted(
  task: TaskInfo,
  events: readonly TaskEvent[],
  accepted: readonly Accepted[],
  faults: string[],
): void {
  const own = accepted.filter(({ taskId }) => taskId === task.taskId);
  const tokens = new Set(own.map(({ token }) => token));
  if (tokens.size > 1) faults.push(`${nameOf(task)} was completed ${tokens.size} times`);
  if (tokens.size > 0 && task.status !== "completed") {
    faults.push(`${nameOf(task)} was completed, and is ${task.status}`);
  }
  const ends = events.filter((event) => event.type === "status" && event.status === "completed");
  if (ends.length > 1) faults.push(`${nameOf(task)} has ${ends.length} completions in its story`);
  for (const { attempt } of own) {
    if (attempt !== task.attempt) {
      faults.push(`${nameOf(task)}: attempt ${attempt} was accepted, ${task.attempt} was valid`);
    }
  }
}

/** Counts who was at work at once: those who leave at a moment have left before others enter. */
function tooMany(
  made: readonly Made[],
  seen: readonly Seen[],
  spans: ReadonlyMap<string, Span[]>,
  { perKey, total }: { perKey: number; total: number },
  faults: string[],
): void {
  const keys = new Map(made.map(({ taskId, key }) => [taskId, key]));
  const steps: { at: number; by: 1 | -1; names: string[] }[] = [];
  for (const { task } of seen) {
    const key = keys.get(task.taskId);
    const names = [`type ${task.taskType}`, ...(key === undefined ? [] : [`key ${task.taskType} ${key}`])];
    for (const { from, to } of spans.get(task.taskId)!) {
      steps.push({ at: from, by: 1, names });
      if (to !== undefined) steps.push({ at: to, by: -1, names });
    }
  }
  steps.sort((a, b) => a.at - b.at || a.by - b.by);
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  for (const { by, names } of steps) {
    for (const name of names) {
      now.set(name, (now.get(name) ?? 0) + by);
      most.set(name, Math.max(most.get(name) ?? 0, now.get(name)!));
    }
  }
  for (const [name, count] of most) {
    const limit = name.startsWith("type ") ? total : perKey;
    if (count > limit) faults.push(`${count} of ${name} ran at once, at most ${limit} may`);
  }
}
