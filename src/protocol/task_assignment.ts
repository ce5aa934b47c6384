// edge: no Deno, Bun, node: or cloudflare: names
import { TaskAssignmentMode, TaskPriority } from "./task_modes.ts";
import type { TaskInfo } from "./tasks.ts";

/** What a worker is given. */
export interface TaskAssignment {
  /** The task. */
  task: TaskInfo;
  /** Same as `task.taskId`. */
  taskId: string;
  /** Same as `task.taskType`. */
  taskType: string;
  /** The attempt: it names the lease, and an older one can change nothing. */
  attempt: number;
  /** What to work on. */
  payload: Uint8Array;
  /** Whether the payload is a structured value. */
  isStructured: boolean;
  /** What whoever resumed it after a wait has given. */
  input?: Uint8Array;
  /** Topic of who it is given to. */
  assignedTo: string;
  /** When, ms since epoch. */
  assignedAt: number;
  /** Its workspace. */
  workspace: string;
  /** The pool, or whom an orchestrator is to launch. */
  targetImplementation: string;
  /** Which one an orchestrator is to launch. */
  specifier?: string;
  /** For an orchestrator: how to launch. */
  profile?: string;
  /** For an orchestrator: what with. */
  launchParams: Record<string, string>;
  /** Texts that go with it. */
  metadata: Record<string, string>;
  /** How long this attempt may take, in ms. */
  timeoutMs?: number;
}

/** What of a task is left out of an assignment where it is as it mostly is. */
type Usual =
  | "status"
  | "assignmentMode"
  | "failures"
  | "maxAttempts"
  | "metadata"
  | "priority"
  | "rootTaskId"
  | "dependsOn"
  | "weight";

/** What travels of an assignment: the rest of it is in the task, or is as it mostly is. */
export type AssignmentNotice =
  & { task: Omit<TaskInfo, Usual> & Partial<Pick<TaskInfo, Usual>> }
  & Pick<TaskAssignment, "payload" | "input" | "timeoutMs">
  & Partial<Pick<TaskAssignment, "isStructured" | "launchParams">>;

/** A task without what is as it mostly is. */
export function briefly(task: TaskInfo): AssignmentNotice["task"] {
  const { status, assignmentMode, failures, maxAttempts, metadata, priority, rootTaskId, dependsOn, weight } = task;
  const brief: AssignmentNotice["task"] = task;
  if (status === "running") brief.status = undefined;
  if (assignmentMode === TaskAssignmentMode.Pool) brief.assignmentMode = undefined;
  if (failures === 0) brief.failures = undefined;
  if (maxAttempts === 1) brief.maxAttempts = undefined;
  if (Object.keys(metadata).length === 0) brief.metadata = undefined;
  if (priority === TaskPriority.Normal) brief.priority = undefined;
  if (rootTaskId === task.taskId) brief.rootTaskId = undefined;
  if (dependsOn.length === 0) brief.dependsOn = undefined;
  if (weight === 1) brief.weight = undefined;
  return brief;
}

/** The whole assignment. */
export function assignmentOf(notice: AssignmentNotice): TaskAssignment {
  const { payload, input, timeoutMs, launchParams = {}, isStructured = false } = notice;
  const task: TaskInfo = {
    status: "running",
    assignmentMode: 2,
    failures: 0,
    maxAttempts: 1,
    metadata: {},
    priority: 30,
    rootTaskId: notice.task.taskId,
    dependsOn: [],
    weight: 1,
    ...notice.task,
  };
  const { taskId, taskType, attempt, workspace, metadata } = task;
  return {
    task,
    taskId,
    taskType,
    attempt,
    payload,
    isStructured,
    input,
    timeoutMs,
    assignedTo: task.assignedTo!,
    assignedAt: task.startedAt!,
    workspace,
    targetImplementation: task.implementation,
    specifier: launchParams.specifier,
    profile: launchParams.profile,
    launchParams,
    metadata,
  };
}
