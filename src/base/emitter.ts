// edge: no Deno, Bun, node: or cloudflare: names
/** Ends a subscription; doing so again is harmless. Also works with `using`. */
export type Unsubscribe = (() => void) & Disposable;

/** Makes an {@link Unsubscribe} out of a function. */
export function unsubscriber(run: () => void): Unsubscribe {
  return Object.assign(run, { [Symbol.dispose]: run });
}

/** Any number of handlers for one kind of event. One that throws is reported and never stops the others. */
export class Handlers<T> {
  #handlers: readonly ((value: T) => unknown)[] = [];
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** How many are subscribed. */
  get size(): number {
    return this.#handlers.length;
  }

  /** Adds a handler. */
  add(handler: (value: T) => unknown): Unsubscribe {
    // Copied on write: a handler may subscribe or leave while others are being called.
    this.#handlers = [...this.#handlers, handler];
    return unsubscriber(() => {
      this.#handlers = this.#handlers.filter((other) => other !== handler);
    });
  }

  /** Calls every handler; rejections of async ones are reported too. */
  emit(value: T): void {
    for (const handler of this.#handlers) {
      try {
        const result = handler(value);
        if (result instanceof Promise) result.catch(this.#report);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
