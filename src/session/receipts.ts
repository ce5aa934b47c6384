// edge: no Deno, Bun, node: or cloudflare: names
import type { Receipt } from "../protocol/messages.ts";

/**
 * A promise of a receipt that may be ignored: the real promise is only made when somebody asks for it, so an ignored
 * failure can never become an unhandled rejection, and a send nobody awaits allocates none.
 */
export class PendingReceipt implements Promise<Receipt> {
  readonly [Symbol.toStringTag] = "Promise";
  readonly number: number;
  readonly #name: string;
  readonly #own: boolean;
  #receipt: Receipt | undefined;
  #error: { why: unknown } | undefined;
  #asked: PromiseWithResolvers<Receipt> | undefined;

  /** @param name the message's own id, or with `own` false its producer's name */
  constructor(number: number, name: string, own: boolean) {
    this.number = number;
    this.#name = name;
    this.#own = own;
  }

  /** The message's id. */
  get id(): string {
    return this.#own ? this.#name : messageId(this.#name, this.number);
  }

  /** The gateway has taken it. */
  resolve(sequence: number, duplicate: boolean): void {
    this.#receipt = { id: this.id, sequence, duplicate };
    this.#asked?.resolve(this.#receipt);
  }

  /** It was refused, or given up. */
  reject(why: unknown): void {
    this.#error = { why };
    this.#asked?.reject(why);
  }

  #promise(): Promise<Receipt> {
    if (!this.#asked) {
      this.#asked = Promise.withResolvers();
      if (this.#receipt) this.#asked.resolve(this.#receipt);
      else if (this.#error) this.#asked.reject(this.#error.why);
    }
    return this.#asked.promise;
  }

  then<A = Receipt, B = never>(
    onFulfilled?: ((value: Receipt) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise().then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Receipt | B> {
    return this.#promise().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<Receipt> {
    return this.#promise().finally(onFinally);
  }
}

/** The id of a message that was given none: its producer and its number there. */
export function messageId(producer: string, number: number): string {
  return `${producer}-${number.toString(36)}`;
}
