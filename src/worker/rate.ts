// edge: no Deno, Bun, node: or cloudflare: names

/** Over how many ms a rate is taken, about. */
const SPAN_MS = 5_000;

/** How often something happens, lately: an average that forgets. */
export class Rate {
  #perSecond = 0;
  #at: number;
  readonly #since: number;

  constructor(now: number) {
    this.#at = this.#since = now;
  }

  /** It happened. */
  hit(now: number): void {
    this.#perSecond = this.#decayed(now) + 1000 / SPAN_MS;
    this.#at = now;
  }

  #decayed(now: number): number {
    return this.#perSecond * Math.exp((this.#at - now) / SPAN_MS);
  }

  /** Times a second. */
  perSecond(now: number): number {
    // What has only just begun has not had the time to fill the average.
    const filled = 1 - Math.exp((this.#since - now) / SPAN_MS);
    return filled > 0 ? this.#decayed(now) / filled : 0;
  }
}
