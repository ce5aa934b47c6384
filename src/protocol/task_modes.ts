// edge: no Deno, Bun, node: or cloudflare: names
// Apart from what a task is: everybody has these two names, and not everybody has tasks.

/** How a task finds its worker. Numbers are those of the older system. */
export const TaskAssignmentMode = {
  /** The creator does it. */
  SelfAssign: 0,
  /** One named principal does it. */
  Targeted: 1,
  /** Whoever of a pool is free does it. */
  Pool: 2,
} as const;
/** One of {@link TaskAssignmentMode}'s values. */
export type TaskAssignmentMode = (typeof TaskAssignmentMode)[keyof typeof TaskAssignmentMode];

/** Which of the waiting tasks goes first; a running one is never interrupted. Numbers are those of the older system. */
export const TaskPriority = { XLow: 10, Low: 20, Normal: 30, High: 40, Preempt: 50 } as const;
/** One of {@link TaskPriority}'s values, or a number between. */
export type TaskPriority = number;
