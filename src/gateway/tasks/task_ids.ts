// edge: no Deno, Bun, node: or cloudflare: names
import type { Random } from "../../base/ids.ts";

const TIME_DIGITS = 9;
/** Latest moment that nine digits can say. */
const LAST_MS = 2 ** 45 - 1;

/**
 * Makes ids of 19 characters that sort before every earlier one, so that the newest tasks come first in every list: 9 digits
 * of time, which run down, then 10 of chance, which do so within a millisecond.
 */
export class TaskIds {
  readonly #random: Random;
  #now = -1;
  #time = "";
  #chance = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The next one. A clock that goes back makes no id that sorts wrongly. */
  next(now: number): string {
    if (now > this.#now) {
      this.#now = now;
      this.#time = (LAST_MS - now).toString(32).padStart(TIME_DIGITS, "0");
      // 48 bits of chance above 2 ** 48: ten digits, and always something to count down from.
      this.#chance = this.#random.bytes(6).reduce((sum, byte) => sum * 256 + byte, 1);
    } else this.#chance--;
    return this.#time + this.#chance.toString(32);
  }
}
