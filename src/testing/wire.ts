// edge: no Deno, Bun, node: or cloudflare: names
import type { Clock } from "../base/clock.ts";
import { ConnectionError } from "../errors.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Dial, Transport } from "../transport/transport.ts";

/** One client's way to the gateway, which can be made worse. Order per direction is kept, as TCP keeps it. */
export class Wire {
  readonly #clock: Clock;
  readonly #gateway: () => Gateway | undefined;
  readonly #isDead: (gateway: Gateway) => boolean;
  #transport: Transport | undefined;
  #halfOpen = false;
  #delayMs = 0;
  #drop = 0;
  #lastAt: Record<"up" | "down", number> = { up: 0, down: 0 };

  /** @param isDead whether a gateway was killed: it hears nothing any more, not even the end of its connections */
  constructor(clock: Clock, gateway: () => Gateway | undefined, isDead: (gateway: Gateway) => boolean) {
    this.#clock = clock;
    this.#gateway = gateway;
    this.#isDead = isDead;
  }

  /** How the client dials. A new connection begins whole; only its delay stays. */
  readonly dial: Dial = async (url, sink, options) => {
    const gateway = this.#gateway();
    if (!gateway) throw new ConnectionError("Cannot connect: the gateway is not running");
    const state = { halfOpen: false };
    const underway = { up: 0, down: 0 };
    const hole = { up: false, down: false };
    this.#halfOpen = false;
    this.#drop = 0;
    const dial = gateway.dial((direction, arrive) => {
      if (state.halfOpen) return;
      const run = (): void => {
        if (direction === "down" || !this.#isDead(gateway)) arrive();
      };
      if (this.#drop > 0 && this.#current === state) {
        // A hole in a byte stream hides all that comes after it.
        hole[direction] = true;
        if (--this.#drop === 0) queueMicrotask(() => this.cut());
      }
      if (hole[direction]) return;
      const at = Math.max(this.#lastAt[direction], this.#clock.now() + this.#delayMs);
      this.#lastAt[direction] = at;
      // What is due now may still stand behind something due at the same moment.
      if (at <= this.#clock.now() && underway[direction] === 0) return queueMicrotask(run);
      underway[direction]++;
      this.#clock.timer(at - this.#clock.now(), () => {
        underway[direction]--;
        run();
      });
    });
    this.#current = state;
    return (this.#transport = await dial(url, sink, options));
  };
  #current: { halfOpen: boolean } | undefined;

  /** Breaks the connection; both ends hear it. */
  cut(): void {
    if (this.#current) this.#current.halfOpen = false;
    this.#transport?.abandon();
  }

  /** From now on nothing passes, and neither end hears of it. */
  halfOpen(): void {
    if (this.#current) this.#current.halfOpen = true;
  }

  /** Everything takes so long, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** The next `n` WebSocket messages, either way, vanish; then the connection breaks, as TCP's does when bytes are lost. */
  drop(n: number): void {
    this.#drop = n;
  }
}
