// edge: no Deno, Bun, node: or cloudflare: names
import type { CancelTimer, Clock } from "../base/clock.ts";
import { elapsed } from "../base/elapsed.ts";
import type { StreamLink } from "../session/link.ts";

/** What is to be done at its time, unless it is taken back. */
export interface Deadline {
  /** When, as {@link elapsed} has it. */
  readonly at: number;
  /** What. */
  readonly run: () => void;
}

/** No platform's timer takes more. */
const LONGEST_MS = 2 ** 31 - 1;

/** Deadlines of one connection behind one timer: most are taken back, and a timer each would cost more than the wait. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #open = new Set<Deadline>();
  #timer: CancelTimer | undefined;
  #timerAt = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has something done after so many ms; never when they are infinite. */
  add(ms: number, run: () => void): Deadline {
    const deadline = { at: elapsed(this.#clock) + ms, run };
    if (deadline.at === Infinity) return deadline;
    this.#open.add(deadline);
    if (deadline.at < this.#timerAt) this.#arm(deadline.at, ms);
    return deadline;
  }

  /** Takes it back; nothing happens when it was done. */
  remove(deadline: Deadline): void {
    // The timer stays for the others: to look for the next one each time would be the work that is spared here.
    if (this.#open.delete(deadline) && this.#open.size === 0) this.#disarm();
  }

  #arm(at: number, ms: number): void {
    this.#disarm();
    const wait = Math.min(ms, LONGEST_MS);
    this.#timerAt = at - (ms - wait);
    this.#timer = this.#clock.timer(wait, () => this.#wake());
  }

  #disarm(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #wake(): void {
    this.#disarm();
    const now = elapsed(this.#clock);
    const due: Deadline[] = [];
    let next = Infinity;
    for (const deadline of this.#open) {
      if (deadline.at <= now) due.push(deadline);
      else next = Math.min(next, deadline.at);
    }
    // Before what is due is done: that may add others, or take some back.
    if (next < Infinity) this.#arm(next, next - now);
    try {
      for (const deadline of due) if (this.#open.delete(deadline)) deadline.run();
    } finally {
      // What one of them throws must not cost the others their time.
      if (this.#open.size === 0) this.#disarm();
      else if (this.#timerAt === Infinity) this.#arm(now, 0);
    }
  }
}

const all = new WeakMap<StreamLink, Deadlines>();

/** The deadlines of a connection. */
export function deadlinesOf(link: StreamLink): Deadlines {
  let deadlines = all.get(link);
  if (!deadlines) all.set(link, deadlines = new Deadlines(link.options.clock));
  return deadlines;
}
