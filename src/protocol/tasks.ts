// edge: no Deno, Bun, node: or cloudflare: names
import type { ProgressReport } from "./progress.ts";
import type { TaskStatus } from "./task_states.ts";
import { TaskAssignmentMode, TaskPriority } from "./task_modes.ts";
export { TaskAssignmentMode, TaskPriority };

/** How long an assigned task waits for its worker when the gateway itself was away. */
export type TaskClass = "interactive" | "background" | "batch";

/** When a failed attempt is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first included; 1 when left out: no retry. */
  maxAttempts?: number;
  /** How waits grow; exponential when left out. */
  backoff?: "fixed" | "exponential";
  /** First wait, in ms; 1 000 when left out. */
  initialDelayMs?: number;
  /** Longest wait, in ms; 60 000 when left out. */
  maxDelayMs?: number;
  /** How much of a wait is left to chance, 0 to 1; 0.2 when left out. */
  jitter?: number;
  /** The waits themselves, in ms; the last one repeats. Takes the place of the four above. */
  scheduleMs?: number[];
}

/** At most so many at once. */
export interface ConcurrencyLimit {
  /** What they have in common, such as a tenant. */
  key?: string;
  /** Running at once with the same key. */
  perKey?: number;
  /** Running at once of this type. */
  total?: number;
}

/** At most so often: a token bucket. */
export interface RateLimit {
  /** What they have in common; all of the type when left out. */
  key?: string;
  /** Tokens a second. */
  perSecond: number;
  /** Tokens it holds; as many as a second brings when left out. */
  burst?: number;
}

/** A task to be made. */
export interface NewTask {
  /** What is to be done. */
  type: string;
  /** Where; the creator's workspace when left out. */
  workspace?: string;
  /** Which pool does it; the type when left out. */
  implementation?: string;
  /** How it finds its worker; a pool when left out. */
  mode?: TaskAssignmentMode;
  /** Who does it, when targeted: a topic, or the specifier of an agent of `implementation`. */
  target?: string;
  /** What the worker gets. */
  payload: Uint8Array;
  /** Whether the payload is a structured value rather than bytes of the user's own. */
  isStructured?: boolean;
  /** Goes before lower ones. */
  priority?: number;
  /** The same key again answers with the first task, also after it is over. */
  idempotencyKey?: string;
  /** How long the key is remembered, in ms; 24 h when left out. */
  idempotencyTtlMs?: number;
  /** While a task with this key has not begun, that one is the answer. */
  dedupe?: string;
  /** While a task with this key is not over, that one is the answer. */
  singleton?: string;
  /** Begins after a pause in the calls; until it has begun they are one task, and the last payload counts. */
  debounce?: { key: string; ms: number };
  /** At most one in so many ms, whatever became of it; the others get that one. */
  throttle?: { key: string; ms: number };
  /** Not before this moment, ms since epoch. */
  runAt?: number;
  /** Again and again, at these moments. */
  cron?: { expression: string; timeZone?: string };
  /** Not before these are completed. */
  dependsOn?: string[];
  /** What becomes of it when one of them is not: it fails (when left out), is cancelled, or runs all the same. */
  onDependencyFailure?: "fail" | "cancel" | "continue";
  /** Texts that go with it. */
  metadata?: Record<string, string>;
  /** When it is tried again. */
  retry?: RetryPolicy;
  /** How long one attempt may take, in ms. */
  timeoutMs?: number;
  /** How long all of it may take from its making, in ms. */
  deadlineMs?: number;
  /** At most so many at once. */
  concurrency?: ConcurrencyLimit;
  /** At most so often. */
  rateLimit?: RateLimit;
  /** The task it is a part of; cancelled with it. */
  parentTaskId?: string;
  /** Joins it to others. */
  correlationId?: string;
  /** How patient it is. */
  taskClass?: TaskClass;
  /** Slots it takes at its worker; 1 when left out. */
  weight?: number;
  /** Said to the workflow engine when it is over. */
  completionEvent?: { name?: string; onStatuses?: TaskStatus[] };
  /** For whoever has to launch its worker first. */
  launchParams?: Record<string, string>;
}

/** Why a task is not completed. */
export interface TaskError {
  /** Name of the error's class. */
  name: string;
  /** In words. */
  message: string;
  /** A code, when it had one. */
  code?: string;
  /** Facts for a program. */
  details?: Record<string, unknown>;
}

/** A task as everybody sees it. Times are ms since epoch. */
export interface TaskInfo {
  /** Its id. */
  taskId: string;
  /** What is to be done. */
  taskType: string;
  /** Where it is in its life. */
  status: TaskStatus;
  /** Its workspace. */
  workspace: string;
  /** The pool that does it. */
  implementation: string;
  /** How it finds its worker. */
  assignmentMode: TaskAssignmentMode;
  /** Topic of who does it, or did it last. */
  assignedTo?: string;
  /** Who it is meant for, when targeted. */
  target?: string;
  /** Topic of who made it. */
  creator: string;
  /** When it was made. */
  createdAt: number;
  /** When its last attempt began. */
  startedAt?: number;
  /** When it was over. */
  completedAt?: number;
  /** Not before this. */
  runAt?: number;
  /** Not after this. */
  deadlineAt?: number;
  /** Number of its attempt, 0 before the first. An older attempt can change nothing. */
  attempt: number;
  /** Attempts that failed. */
  failures: number;
  /** Attempts there may be. */
  maxAttempts: number;
  /** Why it failed last. */
  error?: TaskError;
  /** Why it was cancelled, rejected or waits. */
  reason?: string;
  /** Texts that go with it. */
  metadata: Record<string, string>;
  /** Goes before lower ones. */
  priority: number;
  /** The task it is a part of. */
  parentTaskId?: string;
  /** The one at the top. */
  rootTaskId: string;
  /** What it waits for. */
  dependsOn: string[];
  /** The key that made it unique. */
  idempotencyKey?: string;
  /** Joins it to others. */
  correlationId?: string;
  /** How patient it is. */
  taskClass?: TaskClass;
  /** When it runs again and again. */
  cron?: { expression: string; timeZone?: string };
  /** How far it is, as last reported. */
  progress?: ProgressReport;
  /** Slots it takes at its worker. */
  weight: number;
}

/** Why an attempt must stop. */
export type RevokeKind = "cancelled" | "deadline" | "timeout" | "lease_lost" | "paused" | "drain";

/** An attempt that must stop: nothing of it counts any more. */
export interface TaskRevocation {
  /** The task. */
  taskId: string;
  /** The attempt. */
  attempt: number;
  /** Why, for a program. */
  kind: RevokeKind;
  /** Why, in words. */
  reason: string;
}

/** What a task waits for while nobody works on it. */
export interface TaskWait {
  /** What it waits for. */
  for: "input" | "authority" | "dependency" | "hibernation";
  /** Why, in words. */
  reason?: string;
  /** For dependency: these must be completed. */
  dependsOn?: string[];
  /** Goes on at this moment, ms since epoch, whatever else. */
  wakeAt?: number;
  /** For hibernation: goes on when an event with one of these names is sent in its workspace. */
  wakeOnEvents?: string[];
  /** Gives up waiting after so many ms … */
  timeoutMs?: number;
  /** … and then fails, is tried again, or goes on; fails when left out. */
  onTimeout?: "fail" | "retry" | "resume";
}

/** How an attempt ended. */
export type TaskOutcome =
  | { kind: "completed"; result?: Uint8Array; isStructured?: boolean }
  | { kind: "failed"; error: TaskError; isRetryable?: boolean; retryAfterMs?: number }
  /** Handed back unfinished, without blame: the worker drains. */
  | { kind: "released"; reason?: string }
  | { kind: "waiting"; wait: TaskWait }
  | { kind: "rejected"; reason?: string };

/** What happened to a task. `sequence` grows by 1; `at` is ms since epoch. */
export type TaskEvent = { sequence: number; at: number } & TaskEventBody;
/** The kinds of events. */
export type TaskEventBody =
  | { type: "status"; status: TaskStatus; attempt: number; reason?: string; error?: TaskError }
  | { type: "progress"; report: ProgressReport }
  | { type: "log"; level: "debug" | "info" | "warn" | "error"; message: string; fields?: Record<string, unknown> }
  | { type: "chunk"; data: Uint8Array; isStructured?: boolean }
  | { type: "child"; taskId: string; status: TaskStatus };

/** Which tasks. Everything given must hold. */
export interface TaskFilter {
  /** Only these; by status. */
  status?: TaskStatus | TaskStatus[];
  /** Not these. */
  excludeStatus?: TaskStatus | TaskStatus[];
  /** Of this workspace; the caller's when left out. */
  workspace?: string;
  /** Of this type. */
  taskType?: string;
  /** Of this pool. */
  implementation?: string;
  /** Made by this topic. */
  creator?: string;
  /** Given to this topic. */
  assignedTo?: string;
  /** Parts of this one. */
  parentTaskId?: string;
  /** Below this one, at any depth. */
  rootTaskId?: string;
  /** Joined by this. */
  correlationId?: string;
  /** Of this class. */
  taskClass?: TaskClass;
  /** At least this priority. */
  minPriority?: number;
  /** Made at or after this, ms since epoch. */
  createdAfter?: number;
  /** Made before this. */
  createdBefore?: number;
}

/** A pool and its work. */
export interface PoolInfo {
  /** Its workspace. */
  workspace: string;
  /** Its name. */
  implementation: string;
  /** Whether it gives out nothing. */
  isPaused: boolean;
  /** Who works. */
  workers: number;
  /** Slots they have. */
  slots: number;
  /** Slots in use. */
  busy: number;
  /** Tasks that could begin now. */
  queued: number;
}
