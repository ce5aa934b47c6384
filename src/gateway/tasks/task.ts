// edge: no Deno, Bun, node: or cloudflare: names
import type { Session } from "../session.ts";
import type { Alarm } from "./alarms.ts";
import type { TaskState } from "./record.ts";

/** Who works on a task. */
export interface Holder {
  readonly session: Session;
  /** Lets go of an attempt; false when it does not have it. */
  free(id: string, attempt: number): boolean;
}

/** Where tasks wait, and count while they run. */
export interface Place {
  /** It does not wait any more. */
  dequeue(task: Task): void;
  /** Its attempt is over. */
  leave(task: Task): void;
}

/** A creator that hears what became of its task by a reply it has named when it made it. */
export interface Watcher {
  readonly session: Session;
  /** Id of that reply. */
  readonly call: number;
}

/** A live task: what is kept of it, and what only this process knows. Moments are ms since epoch, Infinity for never. */
export interface Task {
  readonly state: TaskState;
  /** Who works on it now. */
  worker: Holder | undefined;
  /** Where it waits or counts, or did so last. */
  place: Place | undefined;
  /** Names its place in a queue; any other place of it is void. */
  ticket: number;
  /** The kept record is not what it is now. */
  isDirty: boolean;
  /** It does not live any more. */
  isOver: boolean;
  /** Hears what became of it. */
  watcher: Watcher | undefined;
  /** What is kept of it tells all that does not change. */
  isMade: boolean;
  /** When it may begin. */
  readyAt: number;
  /** When its attempt must be over. */
  dueAt: number;
  /** Until when its worker, which is away, may come back. */
  graceUntil: number;
  /** When it has waited long enough. */
  wakeAt: number;
  /** Rings at the soonest of its moments. */
  alarm: Alarm<Task> | undefined;
}

/** Wraps what is kept. */
export function liveTask(state: TaskState): Task {
  return {
    state,
    worker: undefined,
    place: undefined,
    ticket: 0,
    isDirty: false,
    isOver: false,
    watcher: undefined,
    isMade: false,
    readyAt: Infinity,
    dueAt: Infinity,
    graceUntil: Infinity,
    wakeAt: Infinity,
    alarm: undefined,
  };
}

/** When something has to be done about it next. */
export function nextMoment({ state, readyAt, dueAt, graceUntil, wakeAt }: Task): number {
  return Math.min(state.deadlineAt ?? Infinity, readyAt, dueAt, graceUntil, wakeAt);
}
