// edge: no Deno, Bun, node: or cloudflare: names
import type { ProgressReport } from "../../protocol/progress.ts";
import { decodeStructured, encodeStructured } from "../../protocol/structured.ts";
import type { NewTask, RetryPolicy, TaskError, TaskInfo, TaskStatus, TaskWait } from "../../protocol/tasks.ts";

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
  readonly timeoutMs?: number;
  readonly concurrency?: NewTask["concurrency"];
  readonly rateLimit?: NewTask["rateLimit"];
  readonly idempotencyKey?: string;
  readonly correlationId?: string;
  readonly taskClass?: NewTask["taskClass"];
  readonly onDependencyFailure?: NewTask["onDependencyFailure"];
  readonly completionEvent?: NewTask["completionEvent"];
  readonly launchParams?: Record<string, string>;
  readonly cron?: NewTask["cron"];
  /** Its names that last no longer than itself; see names.ts. */
  readonly names?: string[];
  deadlineAt?: number;
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
  wait?: Waiting;
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
  history?: Change[];
}

/** A wait that has begun. */
export interface Waiting extends TaskWait {
  since: number;
  /** Which of those it depends on are not over. */
  open?: string[];
}

/** A change of status as the record keeps it; its place, from 1, is its sequence. */
export type Change = [at: number, status: TaskStatus, attempt: number, reason?: string | null, error?: TaskError];

/** Payloads and results up to this many bytes are kept in the record: one write instead of two. */
export const INLINE_BYTES = 1024;

/**
 * The fields of a kept record, by their places: without names it is a third smaller, and read three times as fast. A new
 * field comes at the end, and one that is gone keeps its place.
 */
const PLACES = {
  id: 0,
  type: 1,
  workspace: 2,
  implementation: 3,
  mode: 4,
  target: 5,
  creator: 6,
  createdAt: 7,
  priority: 8,
  weight: 9,
  retry: 10,
  root: 11,
  parent: 12,
  status: 13,
  attempt: 14,
  failures: 15,
  losses: 16,
  events: 17,
  history: 18,
  metadata: 19,
  dependsOn: 20,
  runAt: 21,
  startedAt: 22,
  completedAt: 23,
  deadlineAt: 24,
  timeoutMs: 25,
  assignedTo: 26,
  producer: 27,
  payload: 28,
  isStructured: 29,
  result: 30,
  isResultStructured: 31,
  error: 32,
  reason: 33,
  progress: 34,
  wait: 35,
  input: 36,
  concurrency: 37,
  rateLimit: 38,
  idempotencyKey: 39,
  names: 40,
  correlationId: 41,
  taskClass: 42,
  onDependencyFailure: 43,
  completionEvent: 44,
  launchParams: 45,
  cron: 46,
} satisfies Record<keyof TaskState, number>;
const FIELDS = Object.keys(PLACES) as (keyof TaskState)[];

/** Encodes what is kept. */
export function encodeTask(state: TaskState): Uint8Array {
  const values: unknown[] = [];
  for (const field of FIELDS) values.push(state[field]);
  return encodeStructured(values);
}

/** Decodes it. */
export function decodeTask(bytes: Uint8Array): TaskState {
  const values = decodeStructured(bytes) as unknown[];
  const state: Partial<Record<keyof TaskState, unknown>> = {};
  for (let at = 0; at < FIELDS.length; at++) if (values[at] != null) state[FIELDS[at]] = values[at];
  return state as unknown as TaskState;
}

/** Bytes of an error's details: it is kept with each attempt, and told to everybody. */
const DETAILS_BYTES = 8 * 1024;

/** An error as it is kept: details that are too large are left out. */
export function clipped(error: TaskError): TaskError {
  if (!error.details || encodeStructured(error.details).length <= DETAILS_BYTES) return error;
  const { details: _, ...rest } = error;
  return rest;
}

/** A task as everybody sees it. */
export function infoOf(state: TaskState): TaskInfo {
  return {
    taskId: state.id,
    taskType: state.type,
    status: state.status,
    workspace: state.workspace,
    implementation: state.implementation,
    assignmentMode: state.mode,
    assignedTo: state.assignedTo,
    target: state.target,
    creator: state.creator,
    createdAt: state.createdAt,
    startedAt: state.startedAt,
    completedAt: state.completedAt,
    runAt: state.runAt,
    deadlineAt: state.deadlineAt,
    attempt: state.attempt,
    failures: state.failures,
    maxAttempts: state.retry.maxAttempts ?? 1,
    error: state.error,
    reason: state.reason,
    metadata: state.metadata,
    priority: state.priority,
    parentTaskId: state.parent,
    rootTaskId: state.root,
    dependsOn: state.dependsOn,
    idempotencyKey: state.idempotencyKey,
    correlationId: state.correlationId,
    taskClass: state.taskClass,
    cron: state.cron,
    progress: state.progress,
    weight: state.weight,
  };
}
