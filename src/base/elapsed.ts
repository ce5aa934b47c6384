// edge: no Deno, Bun, node: or cloudflare: names
import { type Clock, systemClock } from "./clock.ts";

// Apart from the clock: a client that sends no HTTP does not load it.

/** Milliseconds since some moment, to be compared with each other: a wall clock that is set changes nothing of it. */
export function elapsed(clock: Clock): number {
  return clock === systemClock ? performance.now() : clock.now();
}
