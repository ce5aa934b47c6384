// edge: no Deno, Bun, node: or cloudflare: names
import { MinHeap } from "../../store/heap.ts";
import { Deque } from "./deque.ts";
import type { Limiter } from "./limiter.ts";
import type { TaskState } from "./record.ts";
import type { Task } from "./task.ts";

interface Place {
  task: Task;
  ticket: number;
}

/** Void places a line may have before it is looked through for them. */
const MOST_VOID = 64;

/** Tasks with the same priority and key, oldest first. */
class Line {
  readonly key: string;
  readonly level: Level;
  readonly #places = new Deque<Place>();
  /** How many wait here. */
  #waiting = 0;

  constructor(key: string, level: Level) {
    this.key = key;
    this.level = level;
  }

  push(task: Task, ticket: number, isFirst: boolean): void {
    task.ticket = ticket;
    this.#waiting++;
    if (isFirst) this.#places.unshift({ task, ticket });
    else this.#places.push({ task, ticket });
  }

  /** The first that still waits here. */
  head(): Task | undefined {
    for (let place = this.#places.first; place; place = this.#places.first) {
      if (isValid(place)) return place.task;
      this.#places.shift();
    }
    return undefined;
  }

  /** Takes out the one that {@link Line.head} has shown. */
  shift(): void {
    this.#places.shift()!.task.ticket = 0;
    this.#waiting--;
  }

  /** One of them does not wait any more; its place is void. */
  gone(): void {
    this.#waiting--;
    const { length } = this.#places;
    if (length - this.#waiting > MOST_VOID && length > this.#waiting * 2) this.#places.keep(isValid);
  }
}

function isValid({ task, ticket }: Place): boolean {
  return task.ticket === ticket;
}

/** Lines of one priority, each with its turn. */
interface Level {
  readonly priority: number;
  readonly lines: Map<string, Line>;
  /** Lines that may have a turn, in order. */
  readonly ring: Deque<Line>;
}

/**
 * Tasks of one type that wait: the highest priority first, then the keys in turn, then age. A key that has reached its
 * limit is taken out of the ring, so that it costs nothing while it waits. All steps are O(1) but for the few priorities.
 */
export class TaskQueue {
  readonly #limiter: Limiter;
  readonly #onDelay: (until: number) => void;
  readonly #levels: Level[] = [];
  /** Lines that wait for one of their key to be over. */
  readonly #parked = new Map<string, Line[]>();
  /** Lines that wait for a moment. */
  readonly #delayed = new MinHeap<{ until: number; line: Line }>(({ until }) => until);
  /** The soonest moment that was asked for. */
  #alarmAt = Infinity;
  #ticket = 0;
  #size = 0;

  /** @param onDelay asks for another look at a moment, when a rate limit is in the way until then */
  constructor(limiter: Limiter, onDelay: (until: number) => void) {
    this.#limiter = limiter;
    this.#onDelay = onDelay;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Waits; `isFirst` for one that has waited before. */
  push(task: Task, isFirst = false): void {
    const level = this.#level(task.state.priority);
    const key = keyOf(task.state);
    let line = level.lines.get(key);
    if (!line) {
      level.lines.set(key, line = new Line(key, level));
      level.ring.push(line);
    }
    line.push(task, ++this.#ticket, isFirst);
    this.#size++;
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
    for (const { ring, lines } of this.#levels) {
      for (let line = ring.first; line; line = ring.first) {
        const task = line.head();
        if (!task) {
          ring.shift();
          lines.delete(line.key);
          continue;
        }
        const blocked = this.#limiter.blocked(task.state, now);
        if (!blocked) return task;
        if (blocked.by === "total") return undefined;
        ring.shift();
        if (blocked.by === "rate") this.#delay(blocked.until, line);
        else this.#park(task.state.concurrency!.key ?? "", line);
      }
    }
    return undefined;
  }

  #park(key: string, line: Line): void {
    const parked = this.#parked.get(key);
    if (parked) parked.push(line);
    else this.#parked.set(key, [line]);
  }

  #delay(until: number, line: Line): void {
    this.#delayed.push({ until, line });
    if (until >= this.#alarmAt) return;
    this.#alarmAt = until;
    this.#onDelay(until);
  }

  #wake(now: number): void {
    if (this.#alarmAt <= now) this.#alarmAt = Infinity;
    for (let first = this.#delayed.first; first && first.until <= now; first = this.#delayed.first) {
      this.#delayed.pop();
      first.line.level.ring.push(first.line);
    }
    const next = this.#delayed.first?.until ?? Infinity;
    if (next >= this.#alarmAt) return;
    this.#alarmAt = next;
    this.#onDelay(next);
  }

  /** Takes out what `peek` has shown; its key goes to the end of the turns. */
  shift(): void {
    for (const { ring, lines } of this.#levels) {
      const line = ring.first;
      if (!line) continue;
      line.shift();
      this.#size--;
      ring.shift();
      if (line.head()) ring.push(line);
      else lines.delete(line.key);
      return;
    }
  }

  /** One with this concurrency key is over. */
  release(key: string): void {
    const parked = this.#parked.get(key);
    if (!parked) return;
    this.#parked.delete(key);
    for (const line of parked) line.level.ring.push(line);
  }

  /** One that waits here does not any more. */
  remove(task: Task): void {
    task.ticket = 0;
    this.#size--;
    this.#level(task.state.priority).lines.get(keyOf(task.state))!.gone();
  }
}

function keyOf({ concurrency, rateLimit }: TaskState): string {
  return concurrency?.key ?? rateLimit?.key ?? "";
}
