// edge: no Deno, Bun, node: or cloudflare: names
import { type Unsubscribe, unsubscriber } from "../base/emitter.ts";
import type { IncomingMessage } from "./incoming.ts";

/** Handles one message; a promise holds the next one back. */
export type MessageHandler = (message: IncomingMessage) => unknown;

interface Entry {
  message: IncomingMessage;
  /** Subscriptions that have not finished it. */
  open: number;
}

interface Subscription {
  readonly wants: (message: IncomingMessage) => boolean;
  readonly handler: MessageHandler;
  queue: Entry[];
  running: boolean;
  active: boolean;
}

/**
 * Hands messages to subscriptions: each gets every message it wants, one after the other. A message counts as handled
 * when all of them are done with it, and only a closed run of handled messages is said to the gateway, whose window
 * therefore shuts when handlers are slow. Without any subscription messages wait here, unhandled.
 */
export class Inbound {
  #subscriptions: readonly Subscription[] = [];
  #waiting: IncomingMessage[] = [];
  /** Messages not handled yet, oldest first. */
  #open: Entry[] = [];
  #openHead = 0;
  /** Messages handled, as a closed run from the first. */
  handled = 0;
  readonly #advanced: () => void;
  readonly #report: (error: unknown) => void;

  constructor(advanced: () => void, report: (error: unknown) => void) {
    this.#advanced = advanced;
    this.#report = report;
  }

  /** A new session counts from nothing; handlers that still work on messages of the old one finish unheard. */
  reset(): void {
    this.#open = [];
    this.#openHead = 0;
    this.handled = 0;
    this.#waiting = [];
    for (const subscription of this.#subscriptions) subscription.queue = [];
  }

  /** Takes a message. Hot path: one subscription with a synchronous handler allocates nothing. */
  take(message: IncomingMessage): void {
    const subscriptions = this.#subscriptions;
    if (subscriptions.length === 1 && this.#open.length === this.#openHead && this.#waiting.length === 0) {
      const only = subscriptions[0];
      if (!only.running) {
        const result = only.wants(message) ? this.#call(only, message) : undefined;
        if (!(result instanceof Promise)) {
          this.handled++;
          return this.#advanced();
        }
        const entry: Entry = { message, open: 1 };
        this.#open.push(entry);
        this.#await(only, entry, result);
        return;
      }
    }
    if (subscriptions.length === 0) {
      this.#waiting.push(message);
      this.#open.push({ message, open: 1 });
      return;
    }
    const entry: Entry = { message, open: 1 };
    this.#open.push(entry);
    this.#offer(entry);
  }

  #offer(entry: Entry): void {
    const takers = this.#subscriptions.filter((subscription) => subscription.wants(entry.message));
    entry.open = takers.length;
    if (takers.length === 0) return this.#settle();
    for (const subscription of takers) {
      subscription.queue.push(entry);
      this.#run(subscription);
    }
  }

  #call(subscription: Subscription, message: IncomingMessage): unknown {
    try {
      return subscription.handler(message);
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #await(subscription: Subscription, entry: Entry, result: Promise<unknown>): void {
    subscription.running = true;
    result.catch(this.#report).then(() => {
      subscription.running = false;
      this.#done(entry);
      this.#run(subscription);
    });
  }

  #run(subscription: Subscription): void {
    while (!subscription.running && subscription.queue.length > 0) {
      const entry = subscription.queue.shift()!;
      subscription.running = true;
      const result = this.#call(subscription, entry.message);
      subscription.running = false;
      if (result instanceof Promise) return this.#await(subscription, entry, result);
      this.#done(entry);
    }
  }

  #done(entry: Entry): void {
    if (--entry.open === 0) this.#settle();
  }

  #settle(): void {
    let moved = false;
    while (this.#openHead < this.#open.length && this.#open[this.#openHead].open === 0) {
      this.#openHead++;
      this.handled++;
      moved = true;
    }
    if (this.#openHead === this.#open.length || this.#openHead > 1024) {
      this.#open = this.#open.slice(this.#openHead);
      this.#openHead = 0;
    }
    if (moved) this.#advanced();
  }

  /** Subscribes; what has been waiting for a first subscription comes right after. */
  subscribe(wants: (message: IncomingMessage) => boolean, handler: MessageHandler): Unsubscribe {
    const subscription: Subscription = { wants, handler, queue: [], running: false, active: true };
    this.#subscriptions = [...this.#subscriptions, subscription];
    if (this.#waiting.length > 0) queueMicrotask(() => this.#release());
    return unsubscriber(() => {
      if (!subscription.active) return;
      subscription.active = false;
      this.#subscriptions = this.#subscriptions.filter((other) => other !== subscription);
      const queue = subscription.queue;
      subscription.queue = [];
      // What the last subscription leaves unhandled waits for the next one: nothing is lost by unsubscribing.
      if (this.#subscriptions.length === 0) this.#waiting.push(...queue.map((entry) => entry.message));
      else for (const entry of queue) this.#done(entry);
    });
  }

  #release(): void {
    if (this.#subscriptions.length === 0) return;
    const waiting = new Set(this.#waiting);
    this.#waiting = [];
    for (const entry of this.#open.slice(this.#openHead)) if (waiting.has(entry.message)) this.#offer(entry);
  }

  /** Messages as an async iterator: asking for the next one handles the last. */
  iterate(wants: (message: IncomingMessage) => boolean, signal?: AbortSignal): AsyncIterableIterator<IncomingMessage> {
    const ready: { message: IncomingMessage; handled: () => void }[] = [];
    let current: (() => void) | undefined;
    let wake: PromiseWithResolvers<IteratorResult<IncomingMessage>> | undefined;
    let over: { error?: unknown } | undefined;
    const give = (): IteratorResult<IncomingMessage> => {
      const next = ready.shift()!;
      current = next.handled;
      return { done: false, value: next.message };
    };
    // Each message is its own promise: the subscription holds the next one back until this one is handled, so at most
    // one is ready here and the rest stay under the gateway's window.
    const unsubscribe = this.subscribe(wants, (message) =>
      new Promise<void>((handled) => {
        ready.push({ message, handled });
        const waiter = wake;
        wake = undefined;
        waiter?.resolve(give());
      }));
    const finish = (error?: { error: unknown }): void => {
      if (over) return;
      over = error ?? {};
      signal?.removeEventListener("abort", abort);
      unsubscribe();
      current?.();
      // Never shown to anybody: it waits for the next subscription unless others have it too.
      for (const { message, handled } of ready) {
        this.#subscriptions.length === 0 ? this.#waiting.unshift(message) : handled();
      }
      if (error) wake?.reject(error.error);
      else wake?.resolve({ done: true, value: undefined });
    };
    const abort = (): void => finish({ error: signal!.reason });
    if (signal?.aborted) finish({ error: signal.reason });
    else signal?.addEventListener("abort", abort, { once: true });
    return {
      next: () => {
        if (over) {
          return "error" in over ? Promise.reject(over.error) : Promise.resolve({ done: true, value: undefined });
        }
        current?.();
        current = undefined;
        if (ready.length > 0) return Promise.resolve(give());
        wake = Promise.withResolvers();
        return wake.promise;
      },
      return: () => {
        finish();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
