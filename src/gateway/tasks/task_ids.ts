// edge: no Deno, Bun, node: or cloudflare: names
import type { Random } from "../../base/ids.ts";

const TIME_DIGITS = 9;
/** The last five digits are written apart: a small number becomes a text in a fifth of the time. */
const LOW = 32 ** 5;
/** Latest moment that nine digits can say. */
const LAST_MS = 2 ** 45 - 1;

/**
 * Makes ids of 19 characters that sort before every earlier one, so that the newest tasks come first in every list: 9 digits
 * of time, which run down, then 10 of chance, which do so within a millisecond.
 */
export class TaskIds {
  readonly #random: Random;
  #now = -1;
  /** All digits but the last five. */
  #high = "";
  #low = 0;
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
      this.#split();
    } else if (--this.#low < 0) {
      this.#chance = Math.floor(this.#chance / LOW) * LOW - 1;
      this.#split();
    }
    return this.#high + this.#low.toString(32).padStart(5, "0");
  }

  #split(): void {
    this.#low = this.#chance % LOW;
    this.#high = this.#time + Math.floor(this.#chance / LOW).toString(32);
  }
}
