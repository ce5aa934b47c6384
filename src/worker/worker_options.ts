// edge: no Deno, Bun, node: or cloudflare: names
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { TaskOutcome } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import type { AnyTask } from "./define_task.ts";

/** How a worker works. */
export interface WorkerOptions {
  /** Tasks it can do. */
  tasks: readonly AnyTask[];
  /** How much it does at a time; a task takes as many slots as its weight. 1 when left out. */
  slots?: number;
  /** How long `drain()` lets tasks finish before they are handed back, in ms; 10 000 when left out. */
  drainMs?: number;
  /** How long a task that was told to stop may take to end; then its slot is freed all the same. 5 000 ms when left out. */
  graceMs?: number;
  /**
   * How long its tasks wait for it when its connection breaks, in ms. 0, when left out, gives them to others at once;
   * more lets them survive a blip of the network, but also makes them wait after a crash.
   */
  reconnectMs?: number;
  /** Where; the client's own workspace when left out. A service has none and must say it. */
  workspace?: string;
}

/** What a worker has done and does. */
export interface WorkerStats {
  /** Attempts that run. */
  running: number;
  /** Attempts that completed. */
  done: number;
  /** Attempts that failed. */
  failed: number;
  /** Attempts that were handed back, wait or were taken away. */
  released: number;
  /** Attempts that end in a second, lately. */
  perSecond: number;
}

/** An attempt that has ended. */
export interface EndedAttempt {
  /** What it was. */
  assignment: TaskAssignment;
  /** How it ended. */
  outcome: TaskOutcome;
  /** Whether that counts: false when it was another worker's by then, or over. */
  isAccepted: boolean;
}

/** Who runs attempts: this very process when nothing else is said. */
export interface Executor {
  /** Types it can do. */
  readonly types: readonly string[];
  /** Runs an attempt to its end; never rejects. */
  execute(assignment: TaskAssignment, signal: AbortSignal, link: Link): Promise<TaskOutcome>;
  /** Ends an attempt that does not end by itself. */
  kill?(assignment: TaskAssignment): void;
}
