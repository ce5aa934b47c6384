// edge: no Deno, Bun, node: or cloudflare: names
import type { Session } from "../session.ts";
import type { Give, Pool, TaskLine } from "./pool.ts";
import type { Task } from "./task.ts";

/** A session that works, with the slots it has announced for one pool; what is meant for it alone takes of them too. */
export class Worker {
  readonly session: Session;
  readonly pools: readonly Pool[];
  /** Types it takes; undefined for all. */
  types: ReadonlySet<string> | undefined;
  slots = 0;
  /** Slots in use. */
  busy = 0;
  isAutoStart = false;
  graceMs = 0;
  /** Attempts it has, by task id; one that was taken from it stays until it lets go. */
  readonly running = new Map<string, { task: Task; attempt: number; weight: number }>();

  constructor(session: Session, pools: readonly Pool[]) {
    this.session = session;
    this.pools = pools;
  }

  /** Whether it has any room. */
  get hasRoom(): boolean {
    return this.busy < this.slots;
  }

  /** Whether it could take a task now. One that is heavier than all its slots goes to an idle worker. */
  canTake(type: string, weight: number): boolean {
    if (!this.hasRoom || !this.session.connected) return false;
    if (this.types && !this.types.has(type)) return false;
    return this.busy + weight <= this.slots || this.busy === 0;
  }

  /** Has one more. */
  take(task: Task): void {
    const { id, attempt, weight } = task.state;
    this.running.set(id, { task, attempt, weight });
    this.busy += weight;
  }

  /** Has let go of an attempt; false when it did not have it. */
  free(id: string, attempt: number | undefined): boolean {
    const entry = this.running.get(id);
    if (!entry || (attempt !== undefined && entry.attempt !== attempt)) return false;
    this.running.delete(id);
    this.busy -= entry.weight;
    return true;
  }

  /** Takes what waits for it as long as there is room, the best of all its lines first. Returns when to try again. */
  serve(now: number, give: Give): number {
    let next = Infinity;
    while (this.hasRoom && this.session.connected) {
      let best: { line: TaskLine; task: Task } | undefined;
      for (const line of this.#lines()) {
        const task = line.queue.peek(now);
        next = Math.min(next, line.queue.nextAt);
        if (!task || !this.canTake(line.type, task.state.weight)) continue;
        if (!best || goesBefore(task, best.task)) best = { line, task };
      }
      if (!best) break;
      best.line.queue.shift();
      best.line.limiter.enter(best.task.state, now);
      give(best.task, this);
    }
    return next;
  }

  *#lines(): Iterable<TaskLine> {
    for (const pool of this.pools) if (!pool.isPaused) yield* pool.linesFor(this.types);
  }
}

function goesBefore(a: Task, b: Task): boolean {
  return a.state.priority !== b.state.priority
    ? a.state.priority > b.state.priority
    : a.state.createdAt < b.state.createdAt;
}
