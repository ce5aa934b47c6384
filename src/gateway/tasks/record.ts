// edge: no Deno, Bun, node: or cloudflare: names
import type { Random } from "../../base/ids.ts";
import type { ProgressReport } from "../../protocol/progress.ts";
import { decodeStructured, encodeStructured } from "../../protocol/structured.ts";
import type {
  NewTask,
  RetryPolicy,
  TaskError,
  TaskEvent,
  TaskInfo,
  TaskStatus,
  TaskWait,
} from "../../protocol/tasks.ts";

/** What is kept of a task, apart from large payloads and results. */
export interface TaskState {
  readonly id: string;
  readonly type: string;
  readonly workspace: string;
  readonly implementation: string;
  readonly mode: 0 | 1 | 2;
  /** Topic of the one who does it, unless a pool does. */
  readonly target?: string;
  readonly creator: string;
  readonly createdAt: number;
  readonly priority: number;
  readonly weight: number;
  readonly retry: RetryPolicy;
  readonly root: string;
  readonly parent?: string;
  readonly deadlineAt?: number;
  readonly timeoutMs?: number;
  readonly concurrency?: NewTask["concurrency"];
  readonly rateLimit?: NewTask["rateLimit"];
  readonly idempotencyKey?: string;
  readonly singleton?: string;
  readonly correlationId?: string;
  readonly taskClass?: NewTask["taskClass"];
  readonly onDependencyFailure?: NewTask["onDependencyFailure"];
  readonly completionEvent?: NewTask["completionEvent"];
  readonly launchParams?: Record<string, string>;
  readonly cron?: NewTask["cron"];
  metadata: Record<string, string>;
  status: TaskStatus;
  /** Grows with every assignment; also the name of the lease. */
  attempt: number;
  failures: number;
  /** Attempts that ended because their worker was lost. */
  losses: number;
  dependsOn: string[];
  runAt?: number;
  startedAt?: number;
  completedAt?: number;
  assignedTo?: string;
  /** The client object that has it, over all its sessions. */
  producer?: string;
  error?: TaskError;
  reason?: string;
  progress?: ProgressReport;
  wait?: TaskWait & { since: number };
  /** What a resume brought. */
  input?: Uint8Array;
  /** The payload, when it is small; otherwise it is kept apart. */
  payload?: Uint8Array;
  isStructured?: boolean;
  /** The result, when it is small. */
  result?: Uint8Array;
  isResultStructured?: boolean;
  /** Sequence of the last event. */
  events: number;
  /** Its events, until there is one that is no change of status: then all of them are in a lane of their own. */
  history?: TaskEvent[];
}

/** Payloads and results up to this many bytes are kept in the record: one write instead of two. */
export const INLINE_BYTES = 1024;

/** Encodes what is kept. */
export function encodeTask(state: TaskState): Uint8Array {
  return encodeStructured(state);
}

/** Decodes it. */
export function decodeTask(bytes: Uint8Array): TaskState {
  return decodeStructured(bytes) as TaskState;
}

/** A task as everybody sees it. */
export function infoOf(state: TaskState): TaskInfo {
  const info: TaskInfo = {
    taskId: state.id,
    taskType: state.type,
    status: state.status,
    workspace: state.workspace,
    implementation: state.implementation,
    assignmentMode: state.mode,
    creator: state.creator,
    createdAt: state.createdAt,
    attempt: state.attempt,
    failures: state.failures,
    maxAttempts: state.retry.maxAttempts ?? 1,
    metadata: state.metadata,
    priority: state.priority,
    rootTaskId: state.root,
    dependsOn: state.dependsOn,
    weight: state.weight,
  };
  const { assignedTo, target, startedAt, completedAt, runAt, deadlineAt, error, reason, parent, progress } = state;
  const { idempotencyKey, correlationId, taskClass, cron } = state;
  const more = {
    assignedTo,
    target,
    startedAt,
    completedAt,
    runAt,
    deadlineAt,
    error,
    reason,
    parentTaskId: parent,
    progress,
    idempotencyKey,
    correlationId,
    taskClass,
    cron,
  };
  for (const [name, value] of Object.entries(more)) {
    if (value !== undefined) (info as unknown as Record<string, unknown>)[name] = value;
  }
  return info;
}

const DIGITS = "0123456789abcdefghijklmnopqrstuv";

/** An id that sorts before every earlier one, so that the newest tasks come first in every list: 9 digits of time, 10 of chance. */
export function newTaskId(random: Random, now: number): string {
  let left = 2 ** 45 - 1 - now;
  let time = "";
  for (let digit = 0; digit < 9; digit++) {
    time = DIGITS[left % 32] + time;
    left = Math.floor(left / 32);
  }
  let chance = "";
  for (const byte of random.bytes(10)) chance += DIGITS[byte & 31];
  return `${time}${chance}`;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** How long to wait before the next attempt, after so many failures; `chance` is in [0, 1). */
export function retryDelayMs(policy: RetryPolicy, failures: number, chance: number): number {
  if (policy.scheduleMs && policy.scheduleMs.length > 0) {
    return policy.scheduleMs[Math.min(failures, policy.scheduleMs.length) - 1];
  }
  const { initialDelayMs = FIRST_MS, maxDelayMs = LONGEST_MS, backoff = "exponential", jitter = 0.2 } = policy;
  const grown = backoff === "fixed" ? initialDelayMs : initialDelayMs * 2 ** Math.min(failures - 1, 40);
  const wait = Math.min(grown, maxDelayMs);
  // Between (1 - jitter) and 1 of the wait, so that maxDelayMs stays the longest.
  return Math.round(wait * (1 - jitter * chance));
}
