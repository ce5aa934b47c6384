// edge: no Deno, Bun, node: or cloudflare: names
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

/** What is always said of a task that is assigned, and has a place of its own. */
type Placed =
  | "taskId"
  | "taskType"
  | "attempt"
  | "workspace"
  | "implementation"
  | "creator"
  | "createdAt"
  | "assignedTo"
  | "startedAt";

/** What is not as it mostly is. */
export type AssignmentRest =
  & Partial<Omit<TaskInfo, Placed>>
  & Partial<Pick<TaskAssignment, "input" | "launchParams" | "timeoutMs">>;

/** What travels of an assignment, by places: it is the busiest of the notices, and names would be half of it. */
export type AssignmentNotice = [
  taskId: string,
  taskType: string,
  attempt: number,
  workspace: string,
  implementation: string,
  creator: string,
  createdAt: number,
  assignedTo: string,
  startedAt: number,
  payload: Uint8Array,
  isStructured: boolean,
  rest?: AssignmentRest,
];

/** The whole assignment. */
export function assignmentOf(notice: AssignmentNotice): TaskAssignment {
  const { input, launchParams = {}, timeoutMs, ...rest } = notice[11] ?? NOTHING;
  const task: TaskInfo = {
    taskId: notice[0],
    taskType: notice[1],
    status: "running",
    workspace: notice[3],
    implementation: notice[4],
    assignmentMode: 2,
    assignedTo: notice[7],
    creator: notice[5],
    createdAt: notice[6],
    startedAt: notice[8],
    attempt: notice[2],
    failures: 0,
    maxAttempts: 1,
    metadata: {},
    priority: 30,
    rootTaskId: notice[0],
    dependsOn: [],
    weight: 1,
    ...rest,
  };
  const { taskId, taskType, attempt, workspace, metadata } = task;
  return {
    task,
    taskId,
    taskType,
    attempt,
    payload: notice[9],
    isStructured: notice[10],
    input,
    timeoutMs,
    assignedTo: notice[7],
    assignedAt: notice[8],
    workspace,
    targetImplementation: task.implementation,
    specifier: launchParams.specifier,
    profile: launchParams.profile,
    launchParams,
    metadata,
  };
}

const NOTHING: AssignmentRest = {};
