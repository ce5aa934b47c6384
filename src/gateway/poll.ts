// edge: no Deno, Bun, node: or cloudflare: names
import type { MaybePromise } from "../store/store.ts";

/**
 * Answers when there is something to answer: reads now and after every change that is heard of, until the read gives an
 * answer or nobody waits for it. Changes of one turn are read together.
 * @param listen begins to hear and returns how to stop
 * @throws the signal's reason when it aborts
 */
export function poll<T>(
  read: () => MaybePromise<T | undefined>,
  listen: (heard: () => void) => () => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isHeard = true;
    let isReading = false;
    const over = (): void => {
      stop();
      signal.removeEventListener("abort", abort);
    };
    const abort = (): void => {
      over();
      reject(signal.reason);
    };
    const look = async (): Promise<void> => {
      isReading = true;
      try {
        while (isHeard) {
          isHeard = false;
          const output = await read();
          if (output === undefined) continue;
          over();
          return resolve(output);
        }
      } catch (error) {
        over();
        reject(error);
      } finally {
        isReading = false;
      }
    };
    const stop = listen(() => {
      isHeard = true;
      if (!isReading) queueMicrotask(() => isReading || look());
    });
    signal.addEventListener("abort", abort, { once: true });
    // What came between the caller's last read and now was heard by nobody.
    look();
  });
}
