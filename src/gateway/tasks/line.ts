// edge: no Deno, Bun, node: or cloudflare: names
import { Limiter } from "./limiter.ts";
import { TaskQueue } from "./queue.ts";
import type { Place, Task } from "./task.ts";

/** Tasks of one type in a pool: who waits, and what holds them back. */
export class TaskLine implements Place {
  readonly type: string;
  readonly limiter: Limiter = new Limiter();
  readonly queue: TaskQueue;
  readonly #onRoom: (line: TaskLine) => void;

  /**
   * @param onRoom hears that another one may begin
   * @param onDelay asks for another look at a moment
   */
  constructor(type: string, onRoom: (line: TaskLine) => void, onDelay: (line: TaskLine, until: number) => void) {
    this.type = type;
    this.queue = new TaskQueue(this.limiter, (until) => onDelay(this, until));
    this.#onRoom = onRoom;
  }

  dequeue(task: Task): void {
    this.queue.remove(task);
  }

  leave({ state }: Task): void {
    this.limiter.leave(state);
    this.queue.release(state.concurrency?.key ?? "");
    this.#onRoom(this);
  }
}

/** The task that a line has shown leaves it, and counts against its limits. */
export function take({ queue, limiter }: TaskLine, task: Task, now: number): void {
  queue.shift();
  limiter.enter(task.state, now);
}
