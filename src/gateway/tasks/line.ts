// edge: no Deno, Bun, node: or cloudflare: names
import type { Limiter } from "./limiter.ts";
import type { TaskQueue } from "./queue.ts";
import type { Task } from "./task.ts";

/** Tasks of one type in a pool: who waits, and what holds them back. */
export interface TaskLine {
  readonly type: string;
  readonly limiter: Limiter;
  readonly queue: TaskQueue;
}

/** The task that a line has shown leaves it, and counts against its limits. */
export function take({ queue, limiter }: TaskLine, task: Task, now: number): void {
  queue.shift();
  limiter.enter(task.state, now);
}
