// edge: no Deno, Bun, node: or cloudflare: names
import { Deque } from "./deque.ts";
import type { Limiter } from "./limiter.ts";
import type { Task } from "./task.ts";

interface Place {
  task: Task;
  ticket: number;
}

/** Tasks with the same key, oldest first. */
class Line {
  readonly key: string;
  readonly places = new Deque<Place>();

  constructor(key: string) {
    this.key = key;
  }

  /** The first that still waits here. */
  head(): Task | undefined {
    for (let place = this.places.first; place; place = this.places.first) {
      const { task, ticket } = place;
      if (task.ticket === ticket && task.state.status === "pending") return task;
      this.places.shift();
    }
    return undefined;
  }
}

/** Lines of one priority, each with its turn. */
interface Level {
  readonly priority: number;
  readonly lines: Map<string, Line>;
  /** Lines that may have a turn, in order. */
  ring: Deque<Line>;
}

/**
 * Tasks of one type that wait: the highest priority first, then the keys in turn, then age. A key that has reached its
 * limit is taken out of the ring, so that it costs nothing while it waits. All steps are O(1) but for the few priorities.
 */
export class TaskQueue {
  readonly #limiter: Limiter;
  #levels: Level[] = [];
  /** Lines that wait for one of their key to be over. */
  readonly #parked = new Map<string, [Level, Line][]>();
  /** Lines that wait for a moment. */
  #delayed: { until: number; level: Level; line: Line }[] = [];
  #ticket = 0;
  /** How many wait; those that were taken out since are counted until they are met. */
  size = 0;

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  /** Waits; `isFirst` for one that has waited before. */
  push(task: Task, isFirst = false): void {
    const { priority, concurrency, rateLimit } = task.state;
    const key = concurrency?.key ?? rateLimit?.key ?? "";
    const level = this.#level(priority);
    let line = level.lines.get(key);
    if (!line) {
      level.lines.set(key, line = new Line(key));
      level.ring.push(line);
    }
    task.ticket = ++this.#ticket;
    const place = { task, ticket: task.ticket };
    if (isFirst) line.places.unshift(place);
    else line.places.push(place);
    this.size++;
  }

  #level(priority: number): Level {
    let at = 0;
    while (at < this.#levels.length && this.#levels[at].priority > priority) at++;
    if (this.#levels[at]?.priority === priority) return this.#levels[at];
    const level: Level = { priority, lines: new Map(), ring: new Deque() };
    this.#levels.splice(at, 0, level);
    return level;
  }

  /** The task whose turn it is; it stays until `shift()`. */
  peek(now: number): Task | undefined {
    this.#wake(now);
    for (const level of this.#levels) {
      for (let line = level.ring.first; line; line = level.ring.first) {
        const task = line.head();
        if (!task) {
          level.ring.shift();
          level.lines.delete(line.key);
          continue;
        }
        const blocked = this.#limiter.blocked(task.state, now);
        if (!blocked) return task;
        if (blocked.by === "total") return undefined;
        level.ring.shift();
        if (blocked.by === "rate") this.#delayed.push({ until: blocked.until, level, line });
        else this.#park(task.state.concurrency?.key ?? "", level, line);
      }
    }
    return undefined;
  }

  #park(key: string, level: Level, line: Line): void {
    const parked = this.#parked.get(key);
    if (parked) parked.push([level, line]);
    else this.#parked.set(key, [[level, line]]);
  }

  /** Takes out what `peek` has shown; its key goes to the end of the turns. */
  shift(): void {
    for (const level of this.#levels) {
      const line = level.ring.first;
      if (!line) continue;
      line.places.shift();
      this.size--;
      level.ring.shift();
      if (line.head()) level.ring.push(line);
      else level.lines.delete(line.key);
      return;
    }
  }

  /** One with this concurrency key is over. */
  release(key: string): void {
    const parked = this.#parked.get(key);
    if (!parked) return;
    this.#parked.delete(key);
    for (const [level, line] of parked) level.ring.push(line);
  }

  /** When a line that waits for a moment may go on; Infinity when none does. */
  get nextAt(): number {
    let next = Infinity;
    for (const { until } of this.#delayed) next = Math.min(next, until);
    return next;
  }

  #wake(now: number): void {
    if (this.#delayed.length === 0) return;
    const waiting = this.#delayed;
    this.#delayed = [];
    for (const entry of waiting) {
      if (entry.until > now) this.#delayed.push(entry);
      else entry.level.ring.push(entry.line);
    }
  }

  /** One that waited here does not any more. */
  gone(): void {
    this.size--;
  }
}
