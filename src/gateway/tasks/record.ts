// edge: no Deno, Bun, node: or cloudflare: names
import type { ProgressReport } from "../../protocol/progress.ts";
import { decodeStructured, encodeBriefly, encodeStructured } from "../../protocol/structured.ts";
import type { TaskStatus } from "../../protocol/task_states.ts";
import type { NewTask, RetryPolicy, TaskError, TaskInfo, TaskWait } from "../../protocol/tasks.ts";
import type { TaskRecord } from "../../store/store.ts";

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
  /** The payload, as long as it is at hand: see {@link TaskShelf.payload}. */
  payload?: Uint8Array;
  /** It is too large for that. */
  isPayloadApart?: boolean;
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

/** Payloads and results up to this many bytes are kept with the record: one write instead of two. */
export const INLINE_BYTES = 1024;

/**
 * The fields of a kept record, by their places: without names it is a third smaller, and read three times as fast. A new
 * field comes at the end, and one that is gone keeps its place.
 */
const FIELDS = [
  "id",
  "type",
  "workspace",
  "implementation",
  "mode",
  "target",
  "creator",
  "createdAt",
  "priority",
  "weight",
  "retry",
  "root",
  "parent",
  "status",
  "attempt",
  "failures",
  "losses",
  "events",
  "history",
  "metadata",
  "dependsOn",
  "runAt",
  "startedAt",
  "completedAt",
  "deadlineAt",
  "timeoutMs",
  "assignedTo",
  "producer",
  "payload",
  "isStructured",
  "result",
  "isResultStructured",
  "error",
  "reason",
  "progress",
  "wait",
  "input",
  "concurrency",
  "rateLimit",
  "idempotencyKey",
  "names",
  "correlationId",
  "taskClass",
  "onDependencyFailure",
  "completionEvent",
  "launchParams",
  "cron",
  "isPayloadApart",
] as const satisfies (keyof TaskState)[];

type Values<Fields extends readonly (keyof TaskState)[]> = { [Place in keyof Fields]: TaskState[Fields[Place]] };

/** Written out: reading fields by computed names took as long as all the rest of the encoding. */
function valuesOf(state: TaskState): Values<typeof FIELDS> {
  return [
    state.id,
    state.type,
    state.workspace,
    state.implementation,
    state.mode,
    state.target,
    state.creator,
    state.createdAt,
    state.priority,
    state.weight,
    state.retry,
    state.root,
    state.parent,
    state.status,
    state.attempt,
    state.failures,
    state.losses,
    state.events,
    state.history,
    state.metadata,
    state.dependsOn,
    state.runAt,
    state.startedAt,
    state.completedAt,
    state.deadlineAt,
    state.timeoutMs,
    state.assignedTo,
    state.producer,
    undefined,
    state.isStructured,
    state.result,
    state.isResultStructured,
    state.error,
    state.reason,
    state.progress,
    state.wait,
    state.input,
    state.concurrency,
    state.rateLimit,
    state.idempotencyKey,
    state.names,
    state.correlationId,
    state.taskClass,
    state.onDependencyFailure,
    state.completionEvent,
    state.launchParams,
    state.cron,
    state.isPayloadApart,
  ];
}

/** The fields that change while a task lives, by their places, under the same rules; what a caller may set anew is no part. */
const CHANGES = [
  "status",
  "attempt",
  "startedAt",
  "completedAt",
  "assignedTo",
  "producer",
  "events",
  "history",
  "result",
  "isResultStructured",
  "failures",
  "losses",
  "runAt",
  "error",
  "reason",
  "progress",
  "wait",
  "input",
  "dependsOn",
  "deadlineAt",
] as const satisfies (keyof TaskState)[];

function changesOf(state: TaskState): Values<typeof CHANGES> {
  return [
    state.status,
    state.attempt,
    state.startedAt,
    state.completedAt,
    state.assignedTo,
    state.producer,
    state.events,
    state.history,
    state.result,
    state.isResultStructured,
    state.failures,
    state.losses,
    state.runAt,
    state.error,
    state.reason,
    state.progress,
    state.wait,
    state.input,
    state.dependsOn,
    state.deadlineAt,
  ];
}

/** Encodes all of a task but its payload, for who copies it at once. */
export function encodeTask(state: TaskState): Uint8Array {
  return encoded(valuesOf(state));
}

/** Encodes what has changed since a task was made, in the same way. */
export function encodeChanges(state: TaskState): Uint8Array {
  return encoded(changesOf(state));
}

function encoded(values: unknown[]): Uint8Array {
  while (values.at(-1) === undefined) values.pop();
  return encodeBriefly(values);
}

/** A task as it was kept. */
export function decodeTask({ made, payload, state: changes }: Omit<TaskRecord, "id" | "overAt">): TaskState {
  const state: Partial<Record<keyof TaskState, unknown>> = {};
  const first = decodeStructured(made) as unknown[];
  for (let at = 0; at < FIELDS.length; at++) if (first[at] != null) state[FIELDS[at]] = first[at];
  if (changes) {
    const now = decodeStructured(changes) as unknown[];
    for (let at = 0; at < CHANGES.length; at++) state[CHANGES[at]] = now[at] ?? undefined;
  }
  if (payload) state.payload = payload;
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
