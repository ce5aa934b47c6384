// edge: no Deno, Bun, node: or cloudflare: names
import type { CancelTimer, Clock } from "../base/clock.ts";

const EMPTY_MS = 60_000;
const LEAST_MS = 5;

/** Something that has work to do when time has passed. */
export interface Chore {
  /** Does what is due and says when to come again, ms since epoch; Infinity for no wish. */
  run(now: number): number;
}

/** The gateway's one timer: wakes when the soonest chore is due, and runs them all. */
export class Caretaker {
  readonly #clock: Clock;
  readonly #chores: readonly Chore[];
  readonly #report: (error: unknown) => void;
  #timer: CancelTimer | undefined;
  #at = Infinity;
  #isStopped = false;

  constructor(clock: Clock, chores: readonly Chore[], report: (error: unknown) => void) {
    this.#clock = clock;
    this.#chores = chores;
    this.#report = report;
  }

  /** Wakes at a moment at the latest. */
  wakeAt(at: number): void {
    if (this.#isStopped || at >= this.#at) return;
    this.#timer?.();
    this.#at = at;
    this.#timer = this.#clock.timer(Math.max(0, at - this.#clock.now()), () => this.#wake());
  }

  #wake(): void {
    this.#timer = undefined;
    this.#at = Infinity;
    const now = this.#clock.now();
    let next = now + EMPTY_MS;
    for (const chore of this.#chores) {
      try {
        next = Math.min(next, chore.run(now));
      } catch (error) {
        // The store may have failed; the next turn's commit will say so to everybody, and this is tried again.
        this.#report(error);
      }
    }
    // What is due at once again is a chore done in slices: others get their turn between two.
    this.wakeAt(next > now ? next : now + LEAST_MS);
  }

  /** Never again. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.();
  }
}
