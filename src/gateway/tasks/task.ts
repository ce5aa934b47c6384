// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskState } from "./record.ts";
import type { Worker } from "./worker.ts";

/** A live task: what is kept of it, and what only this process knows. */
export interface Task {
  readonly state: TaskState;
  /** Who works on it now. */
  worker?: Worker;
  /** Names its place in a queue; any other place of it is void. */
  ticket: number;
  /** The kept record is not what it is now. */
  isDirty: boolean;
  /** How many of its dependencies are open. */
  open: number;
  /** When its attempt must be over, ms since epoch; Infinity for never. */
  dueAt: number;
  /** Until when its worker may come back, ms since epoch; 0 when it is here. */
  graceUntil: number;
}

/** Wraps what is kept. */
export function liveTask(state: TaskState): Task {
  return { state, ticket: 0, isDirty: false, open: 0, dueAt: Infinity, graceUntil: 0 };
}
