// edge: no Deno, Bun, node: or cloudflare: names
import type { MaybePromise } from "../store/store.ts";

/** Goes on with a value now, or when it is there: with a synchronous store nothing waits, and nothing comes between. */
export function then<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Visits one item after the other, in the same way. */
export function each<T>(items: readonly T[], visit: (item: T) => MaybePromise<void>, from = 0): MaybePromise<void> {
  for (let at = from; at < items.length; at++) {
    const done = visit(items[at]);
    if (done instanceof Promise) return done.then(() => each(items, visit, at + 1));
  }
}
