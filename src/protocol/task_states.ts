// edge: no Deno, Bun, node: or cloudflare: names
/** Where a task is in its life. */
export type TaskStatus =
  | "pending"
  | "assigned"
  | "running"
  | "waiting_input"
  | "waiting_authority"
  | "waiting_dependency"
  | "hibernated"
  | "completed"
  | "failed"
  | "cancelled"
  | "timed_out"
  | "rejected"
  | "dead";

/** What can happen to it. */
export type TaskTransition =
  | "assign"
  | "start"
  | "complete"
  | "fail"
  | "retry"
  | "die"
  | "time_out"
  | "release"
  | "cancel"
  | "reject"
  | "await_input"
  | "await_authority"
  | "await_dependency"
  | "hibernate"
  | "resume"
  | "redrive"
  | "finish";

// Written out, without spreads: a bundler leaves out a table that nobody asks only when making it cannot do anything.
const WAITS = ["waiting_input", "waiting_authority", "waiting_dependency", "hibernated"] as const;
const ACTIVE = ["assigned", "running"] as const;
const BEGUN = [
  "assigned",
  "running",
  "waiting_input",
  "waiting_authority",
  "waiting_dependency",
  "hibernated",
] as const;
/** Statuses of tasks that are not over. */
export const ALIVE = [
  "pending",
  "assigned",
  "running",
  "waiting_input",
  "waiting_authority",
  "waiting_dependency",
  "hibernated",
] as const;
/** Statuses of tasks that are over, and not completed. */
export const ENDED = ["failed", "cancelled", "timed_out", "rejected", "dead"] as const;

/** From where each transition may happen, and where it leads. What is not in here cannot be. */
const TABLE: Readonly<Record<TaskTransition, readonly [to: TaskStatus, from: readonly TaskStatus[]]>> = {
  assign: ["assigned", ["pending"]],
  start: ["running", ["assigned"]],
  complete: ["completed", ACTIVE],
  fail: ["failed", BEGUN],
  retry: ["pending", BEGUN],
  die: ["dead", BEGUN],
  time_out: ["timed_out", ALIVE],
  release: ["pending", ACTIVE],
  cancel: ["cancelled", ALIVE],
  reject: ["rejected", ["pending", "assigned", "running", "waiting_input", "waiting_authority"]],
  await_input: ["waiting_input", ACTIVE],
  await_authority: ["waiting_authority", ACTIVE],
  await_dependency: ["waiting_dependency", ["pending", "assigned", "running"]],
  hibernate: ["hibernated", ACTIVE],
  resume: ["pending", WAITS],
  redrive: ["pending", ENDED],
  // A schedule that will never come again.
  finish: ["completed", ["pending"]],
};

/** Where a transition leads, or undefined when it cannot happen there. */
export function nextStatus(from: TaskStatus, transition: TaskTransition): TaskStatus | undefined {
  const [to, sources] = TABLE[transition];
  return sources.includes(from) ? to : undefined;
}

/** Whether a task in this status is over; only a redrive brings it back, and nothing brings back a completed one. */
export function isTerminal(status: TaskStatus): boolean {
  return status === "completed" || (ENDED as readonly TaskStatus[]).includes(status);
}

/** Whether a worker has it. */
export function isActive(status: TaskStatus): boolean {
  return status === "running" || status === "assigned";
}
