// edge: no Deno, Bun, node: or cloudflare: names
import type { AssignmentNotice, AssignmentRest } from "../../protocol/task_assignment.ts";
import { TaskAssignmentMode, TaskPriority } from "../../protocol/task_modes.ts";
import { infoOf, type TaskState } from "./record.ts";

/** What its worker is told of an attempt that has just been given to it. */
export function noticeOf(state: TaskState, payload: Uint8Array): AssignmentNotice {
  const { id, type, attempt, workspace, implementation, creator, createdAt, assignedTo, startedAt } = state;
  const notice: AssignmentNotice = [
    id,
    type,
    attempt,
    workspace,
    implementation,
    creator,
    createdAt,
    assignedTo!,
    startedAt!,
    payload,
    state.isStructured ?? false,
  ];
  if (!isUsual(state)) notice.push(restOf(state));
  return notice;
}

/** Whether nothing has to be said but what has a place of its own. */
function isUsual(state: TaskState): boolean {
  const { retry, metadata, dependsOn } = state;
  for (const _ in metadata) return false;
  return state.status === "running" && state.mode === TaskAssignmentMode.Pool && state.root === state.id &&
    (retry.maxAttempts ?? 1) === 1 && state.failures === 0 && state.priority === TaskPriority.Normal &&
    state.weight === 1 && dependsOn.length === 0 && state.runAt === undefined && state.deadlineAt === undefined &&
    state.error === undefined && state.reason === undefined && state.idempotencyKey === undefined &&
    state.correlationId === undefined && state.taskClass === undefined && state.cron === undefined &&
    state.progress === undefined && state.input === undefined && state.launchParams === undefined &&
    state.timeoutMs === undefined;
}

/** What has no place of its own, without what is as it mostly is. */
function restOf(state: TaskState): AssignmentRest {
  const {
    taskId,
    taskType: _type,
    attempt: _attempt,
    workspace: _workspace,
    implementation: _implementation,
    creator: _creator,
    createdAt: _createdAt,
    assignedTo: _assignedTo,
    startedAt: _startedAt,
    ...rest
  } = infoOf(state);
  const brief: AssignmentRest = rest;
  if (brief.status === "running") brief.status = undefined;
  if (brief.assignmentMode === TaskAssignmentMode.Pool) brief.assignmentMode = undefined;
  if (brief.failures === 0) brief.failures = undefined;
  if (brief.maxAttempts === 1) brief.maxAttempts = undefined;
  if (Object.keys(state.metadata).length === 0) brief.metadata = undefined;
  if (brief.priority === TaskPriority.Normal) brief.priority = undefined;
  if (brief.rootTaskId === taskId) brief.rootTaskId = undefined;
  if (state.dependsOn.length === 0) brief.dependsOn = undefined;
  if (brief.weight === 1) brief.weight = undefined;
  brief.input = state.input;
  brief.launchParams = state.launchParams;
  brief.timeoutMs = state.timeoutMs;
  return brief;
}
