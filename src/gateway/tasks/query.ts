// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskStatus } from "../../protocol/task_states.ts";
import type { TaskFilter } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import { then } from "../soon.ts";
import type { TaskEngine } from "./engine.ts";
import { decodeTask, type TaskState } from "./record.ts";

/** Records read at once. */
const PAGE = 200;
/** Records looked at for one answer, and bytes of those found; a page may be shorter than asked for, and goes on after them. */
const LOOKED_AT = 2_000;
const FOUND_BYTES = 512 * 1024;

/** A page of tasks, newest first. */
export interface TaskPage {
  states: TaskState[];
  nextCursor?: string;
}

/** Finds tasks, alive or over, that meet a filter. `may` hides what the caller must not see. */
export function queryTasks(
  engine: TaskEngine,
  filter: TaskFilter,
  may: (state: TaskState) => boolean,
  limit: number,
  cursor: string | undefined,
): MaybePromise<TaskPage> {
  const states: TaskState[] = [];
  let looked = 0;
  let bytes = 0;
  const next = (after: string | undefined): MaybePromise<TaskPage> =>
    then(engine.shelf.records(after, PAGE), (page) => {
      let last = after;
      for (const record of page) {
        const { id } = record;
        if (states.length === limit || looked === LOOKED_AT || bytes > FOUND_BYTES) return { states, nextCursor: last };
        last = id;
        looked++;
        const state = engine.now(id) ?? (engine.shelf.isKept(record) ? decodeTask(record) : undefined);
        if (!state || !meets(state, filter) || !may(state)) continue;
        states.push(state);
        bytes += record.made.length + (record.state?.length ?? 0);
      }
      return page.length < PAGE ? { states } : next(last);
    });
  return next(cursor);
}

/** Whether a task is one of those that are meant. */
export function meets(state: TaskState, filter: TaskFilter): boolean {
  const { status, excludeStatus, minPriority, createdAfter, createdBefore } = filter;
  return (status === undefined || has(status, state.status)) &&
    (excludeStatus === undefined || !has(excludeStatus, state.status)) &&
    is(filter.workspace, state.workspace) && is(filter.taskType, state.type) &&
    is(filter.implementation, state.implementation) && is(filter.creator, state.creator) &&
    is(filter.assignedTo, state.assignedTo) && is(filter.parentTaskId, state.parent) &&
    is(filter.rootTaskId, state.root) && is(filter.correlationId, state.correlationId) &&
    is(filter.taskClass, state.taskClass) &&
    (minPriority === undefined || state.priority >= minPriority) &&
    (createdAfter === undefined || state.createdAt >= createdAfter) &&
    (createdBefore === undefined || state.createdAt < createdBefore);
}

function has(wanted: TaskStatus | TaskStatus[], status: TaskStatus): boolean {
  return Array.isArray(wanted) ? wanted.includes(status) : wanted === status;
}

function is(wanted: string | undefined, value: string | undefined): boolean {
  return wanted === undefined || wanted === value;
}
