// edge: no Deno, Bun, node: or cloudflare: names
import type { Random } from "../../base/ids.ts";

const DIGITS = "0123456789abcdefghijklmnopqrstuv";
const TIME_DIGITS = 9;
const CHANCE_DIGITS = 10;
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
      this.#time = digits(LAST_MS - now, TIME_DIGITS);
      // 48 bits below 2 ** 50, so that there is always something to count down from.
      this.#chance = this.#random.bytes(6).reduce((sum, byte) => sum * 256 + byte, 1);
    } else this.#chance--;
    return this.#time + digits(this.#chance, CHANCE_DIGITS);
  }
}

function digits(value: number, count: number): string {
  let text = "";
  for (let left = value; count > 0; count--) {
    text = DIGITS[left % 32] + text;
    left = Math.floor(left / 32);
  }
  return text;
}
