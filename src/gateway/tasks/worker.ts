// edge: no Deno, Bun, node: or cloudflare: names
import { ChurnMap } from "../../base/churn_map.ts";
import type { Session } from "../session.ts";
import { take, type TaskLine } from "./line.ts";
import type { Holder, Task } from "./task.ts";

/** An attempt that a worker has. */
export interface Lease {
  readonly task: Task;
  readonly attempt: number;
  readonly weight: number;
}

/** Gives a task to a worker. */
export type Give = (task: Task, worker: Worker) => void;

/** Where a worker finds work. */
export interface WorkPlace {
  readonly workspace: string;
  readonly implementation: string;
  /** Whether it gives out nothing. */
  readonly isPaused: boolean;
  /** Its lines: of all types, or of some. */
  lines(types?: ReadonlySet<string>): Iterable<TaskLine>;
  /** A worker works here. */
  add(worker: Worker): void;
  /** It gets nothing until it is looked at. */
  hold(worker: Worker): void;
  /** It may have room. */
  freed(worker: Worker): void;
  /** It is gone. */
  remove(worker: Worker): void;
}

/** A session that works, with the slots it has announced for one pool; what is meant for it alone takes of them too. */
export class Worker implements Holder {
  readonly session: Session;
  /** Where it finds work; other pools when its session moves. */
  pools: readonly WorkPlace[] = [];
  /** Types it takes; undefined for all. */
  types: ReadonlySet<string> | undefined;
  slots = 0;
  /** Slots in use. */
  busy = 0;
  isAutoStart = false;
  graceMs = 0;
  /** Attempts it has; one that was taken from it stays until it lets go, for until then its slot is in use. */
  readonly #leases = new ChurnMap<string, Lease>();

  constructor(session: Session) {
    this.session = session;
  }

  /** Attempts it has. */
  get leases(): readonly Lease[] {
    return [...this.#leases.values()];
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
    this.#leases.set(nameOf(id, attempt), { task, attempt, weight });
    this.busy += weight;
  }

  /** Whether it has not let go of an attempt. */
  has(id: string, attempt: number): boolean {
    return this.#leases.has(nameOf(id, attempt));
  }

  /** Lets go of an attempt; false when it does not have it. */
  free(id: string, attempt: number): boolean {
    const name = nameOf(id, attempt);
    const lease = this.#leases.get(name);
    if (!lease) return false;
    this.#leases.delete(name);
    this.busy -= lease.weight;
    return true;
  }

  /** Takes what waits for it as long as there is room, the best of all its lines first. */
  serve(now: number, give: Give): void {
    while (this.hasRoom && this.session.connected) {
      let best: { line: TaskLine; task: Task } | undefined;
      for (const pool of this.pools) {
        if (pool.isPaused) continue;
        for (const line of pool.lines(this.types)) {
          const task = line.queue.peek(now);
          if (!task || !this.canTake(line.type, task.state.weight)) continue;
          if (!best || goesBefore(task, best.task)) best = { line, task };
        }
      }
      if (!best) return;
      take(best.line, best.task, now);
      give(best.task, this);
    }
  }
}

/** Most are a task's first, for which no text is made. */
function nameOf(id: string, attempt: number): string {
  return attempt === 1 ? id : `${id} ${attempt}`;
}

function goesBefore(a: Task, b: Task): boolean {
  return a.state.priority !== b.state.priority
    ? a.state.priority > b.state.priority
    : a.state.createdAt < b.state.createdAt;
}
