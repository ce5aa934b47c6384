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
 * a millisecond except in workerd, nor a microtask, which runs after each single inbound message.
 */
export type EndOfTurn = (run: () => void) => void;

/** The platform's {@link EndOfTurn}. */
export const endOfTurn: EndOfTurn = pickEndOfTurn();

function pickEndOfTurn(): EndOfTurn {
  const { setImmediate: immediate, navigator } = globalThis as {
    setImmediate?: (run: () => void) => unknown;
    navigator?: { userAgent?: string };
  };
  if (immediate) return (run) => void immediate(run);
  // workerd hands a channel's message over within the turn, before any body that is bytes can be read; its timers wait
  // for the turn to be over and cost less.
  if (navigator?.userAgent === "Cloudflare-Workers") return (run) => void setTimeout(run, 0);
  let channel: MessageChannel | undefined;
  const waiting: (() => void)[] = [];
  return (run) => {
    // Made on first use: loading a module has no effects.
    if (!channel) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => waiting.shift()?.();
    }
    waiting.push(run);
    channel.port2.postMessage(0);
  };
}

/** A turn of the event loop. */
export interface Turn {
  /** Has something done at its end; once it is over, nothing of it is. */
  atEnd(run: () => void): void;
}

/**
 * Gives the turn that runs; what many ask to be done at its end is asked for once. Not to be shared between connections:
 * what workerd runs later ends with the request that asked for it.
 */
export function turns(): () => Turn {
  let running: Turn | undefined;
  return () => {
    if (running) return running;
    const waiting: (() => void)[] = [];
    endOfTurn(() => {
      running = undefined;
      for (const run of waiting) run();
    });
    return (running = { atEnd: (run) => void waiting.push(run) });
  };
}
