// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, type AetherErrorOptions, ConnectionError, QuotaError, TimeoutError } from "../errors.ts";
import type { OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import { heard, type Link } from "../session/link.ts";

/** Longest wait of one call, in ms; then it asks again. Below what keeps a call's state alive for a client that is gone. */
const WAIT_MS = 600_000;

/** Asks until there is an answer: a call that took too long, or whose session was lost, is made once more. */
export async function insist<Op extends OpName>(
  link: Link,
  op: Op,
  input: OpInput<Op>,
  signal?: AbortSignal,
): Promise<OpOutput<Op>> {
  for (;;) {
    try {
      return await link.call(op, input, { signal, timeoutMs: WAIT_MS });
    } catch (error) {
      if (signal?.aborted || !(error instanceof AetherError)) throw error;
      const { retryable, retryAfterMs } = error;
      // A session that was lost is followed by another; one of too many calls will be over; a store may heal. A client that
      // is closed says so without retryable.
      const mayHeal = error instanceof TimeoutError ||
        (retryable && (error instanceof ConnectionError || (error instanceof QuotaError && retryAfterMs)));
      if (!mayHeal) throw error;
      if (retryAfterMs) await new Promise<void>((resolve) => link.options.clock.timer(retryAfterMs, resolve));
      signal?.throwIfAborted();
    }
  }
}

/** How long to wait for the gateway's answer. */
export interface CallOptions {
  /** In ms; 10 000 by default. */
  timeout?: number;
  /** Stops waiting; what was asked for may be done all the same. */
  signal?: AbortSignal;
}

/** What an internal fault of the gateway becomes at the caller. */
type Fault = new (message: string, options: AetherErrorOptions) => AetherError;

/** Asks once. */
export async function once<Op extends OpName, T>(
  link: Link,
  op: Op,
  input: () => OpInput<Op> | Promise<OpInput<Op>>,
  { timeout: timeoutMs = 10_000, signal }: CallOptions,
  read: (output: OpOutput<Op>) => T,
  Internal?: Fault,
): Promise<T> {
  try {
    const given = input();
    return read(await link.call(op, given instanceof Promise ? await given : given, { timeoutMs, signal }));
  } catch (cause) {
    if (!Internal || !(cause instanceof AetherError) || cause.code !== "INTERNAL") throw cause;
    throw new Internal(cause.message, { cause, retryable: cause.retryable, details: cause.details });
  }
}

/** Asks once; the promise may be ignored. */
export function ask<Op extends OpName, T>(
  link: Link,
  op: Op,
  input: () => OpInput<Op> | Promise<OpInput<Op>>,
  options: CallOptions | undefined,
  read: (output: OpOutput<Op>) => T,
  Internal?: Fault,
): Promise<T> {
  return heard(link, once(link, op, input, { ...options }, read, Internal), options?.signal);
}

/**
 * Items as they come, by asking again and again; the gateway answers when there is something. Taking slowly costs nothing
 * there, and a reconnect only asks once more.
 */
export function follow<T>(
  read: (signal: AbortSignal) => Promise<{ items: T[]; isOver?: boolean }>,
  signal?: AbortSignal,
): AsyncIterableIterator<T> {
  const done = new AbortController();
  const stop = (): void => done.abort(signal?.reason);
  let ready: T[] = [];
  let taken = 0;
  let isLast = false;
  let over = false;

  const finish = (): void => {
    over = true;
    signal?.removeEventListener("abort", stop);
    done.abort();
  };
  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop, { once: true });

  const step = async (): Promise<IteratorResult<T>> => {
    while (!over && taken === ready.length) {
      if (isLast) {
        finish();
        break;
      }
      try {
        const page = await read(done.signal);
        ready = page.items;
        isLast = page.isOver ?? false;
        taken = 0;
      } catch (error) {
        // It ends with its client; anything else that ends it is said.
        const isEnded = over || (error instanceof ConnectionError && error.details.isDeliberate === true);
        finish();
        if (!isEnded) throw error;
      }
    }
    return over ? { done: true, value: undefined } : { done: false, value: ready[taken++] };
  };
  let last: Promise<unknown> = Promise.resolve();

  return {
    // One after the other, also when asked at once.
    next() {
      const next = last.then(step, step);
      last = next;
      return next;
    },
    return() {
      finish();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
