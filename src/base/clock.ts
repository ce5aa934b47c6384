// edge: no Deno, Bun, node: or cloudflare: names
/** Cancels a timer; doing so again is harmless. */
export type CancelTimer = () => void;

/** Where all time comes from, so that tests can own it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once after `delayMs`. MUST NOT call it synchronously. */
  timer(delayMs: number, run: () => void): CancelTimer;
}

/** The real clock. The only place where `Date.now` and `setTimeout` are named. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timer(delayMs, run) {
    const handle: unknown = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(handle as number);
  },
};

/**
 * Runs a function when the event loop has handed over everything that is ready now: the point at which all frames of a
 * turn leave together. `setImmediate` where there is one, a message channel elsewhere; never a zero timer, which costs
 * a millisecond, nor a microtask, which runs after each single inbound message.
 */
export type EndOfTurn = (run: () => void) => void;

/** The platform's {@link EndOfTurn}. */
export const endOfTurn: EndOfTurn = pickEndOfTurn();

function pickEndOfTurn(): EndOfTurn {
  const immediate = (globalThis as { setImmediate?: (run: () => void) => unknown }).setImmediate;
  if (immediate) return (run) => void immediate(run);
  let channel: MessageChannel | undefined;
  const waiting: (() => void)[] = [];
  return (run) => {
    // Made on first use: workerd forbids making one while a module loads.
    if (!channel) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => waiting.shift()?.();
    }
    waiting.push(run);
    channel.port2.postMessage(0);
  };
}
