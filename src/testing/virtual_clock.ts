// edge: no Deno, Bun, node: or cloudflare: names
import { type CancelTimer, type Clock, endOfTurn } from "../base/clock.ts";
import { InvalidArgumentError } from "../errors.ts";

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

/** A clock that stands still until it is told to move, and then runs every timer at its moment, in order. */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  #timers: Timer[] = [];
  readonly #settle: () => Promise<void>;

  /**
   * Makes one.
   * @param start ms since epoch at which it begins
   * @param settleMoment waits until everything that a moment has caused is done; by default what this process has ready
   */
  constructor(start: number = Date.UTC(2026, 0, 1), settleMoment: () => Promise<void> = settle) {
    this.#now = start;
    this.#settle = settleMoment;
  }

  /** Milliseconds since the epoch, as it stands. */
  now(): number {
    return this.#now;
  }

  /** Calls back at its moment, when the clock is moved past it. */
  timer(delayMs: number, run: () => void): CancelTimer {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#timers[middle].at <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at >= 0) this.#timers.splice(at, 1);
    };
  }

  /** Moves on by a duration, e.g. `1500` (ms), `"30s"`, `"24h"`, `"7d"`; settles everything on the way. */
  async advance(duration: number | string): Promise<void> {
    const end = this.#now + parseDuration(duration);
    await this.#settle();
    while (this.#timers.length > 0 && this.#timers[0].at <= end) {
      const timer = this.#timers.shift()!;
      this.#now = Math.max(this.#now, timer.at);
      timer.run();
      await this.#settle();
    }
    this.#now = end;
  }
}

/** Lets everything that is ready run: all microtasks, however long their chain. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => endOfTurn(resolve));
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of `"90s"`, `"2h"`, `"7d"` or a number of ms. */
export function parseDuration(duration: number | string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(String(duration).trim());
  const ms = typeof duration === "number" ? duration : match ? Number(match[1]) * UNITS[match[2]] : NaN;
  if (!(ms >= 0)) {
    throw new InvalidArgumentError(
      `Cannot advance by ${JSON.stringify(duration)}: give ms, or a text like "30s", "2h" or "7d"`,
      "duration",
    );
  }
  return ms;
}
