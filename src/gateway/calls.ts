// edge: no Deno, Bun, node: or cloudflare: names
import { ChurnMap } from "../base/churn_map.ts";
import { InvalidArgumentError } from "../errors.ts";
import { FLAG_ERROR, type FrameWriter } from "../protocol/frames.ts";
import { toWireError } from "../protocol/error_wire.ts";
import { encodeBriefly } from "../protocol/structured.ts";

/** What the table needs of its session. */
export interface Caller {
  readonly writer: FrameWriter;
  readonly ended: boolean;
  touch(): void;
}

/** Operations a session has asked for and waits on. */
export class CallTable {
  readonly #caller: Caller;
  readonly #open = new Map<number, AbortController>();
  /** Replies that another call has asked for, and what to do when nobody waits for them any more. */
  readonly #watches = new ChurnMap<number, () => void>();

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** How many replies are owed that another call has asked for. */
  get watches(): number {
    return this.#watches.size;
  }

  /**
   * Refuses a second one under the id of one that is open: their answers could not be told apart.
   * @throws {InvalidArgumentError} then
   */
  requireNew(id: number): void {
    if (this.#open.has(id) || this.#watches.has(id)) {
      throw new InvalidArgumentError(`Cannot take call ${id}: one with this id is open already`);
    }
  }

  /** Notes one that takes longer than its turn; the signal aborts when nobody waits for it any more. */
  open(id: number): AbortSignal {
    const controller = new AbortController();
    this.#open.set(id, controller);
    return controller.signal;
  }

  /**
   * Notes a reply that another call has asked for, under an id that is new. It does not count as a call.
   * @param gone hears that nobody waits for it any more
   */
  watch(id: number, gone: () => void): void {
    this.#watches.set(id, gone);
  }

  /** Answers. */
  answer(id: number, output: unknown): void {
    this.#reply(id, 0, output);
  }

  /** Answers with the typed error. */
  refuse(id: number, error: unknown): void {
    this.#reply(id, FLAG_ERROR, toWireError(error));
  }

  #reply(id: number, flags: number, body: unknown): void {
    this.#open.delete(id);
    this.#watches.delete(id);
    if (this.#caller.ended) return;
    this.#caller.writer.reply(id, flags, 0, encodeBriefly(body));
    this.#caller.touch();
  }

  /** Nobody waits for it any more; what was begun may still happen. */
  cancel(id: number): void {
    const controller = this.#open.get(id);
    this.#open.delete(id);
    controller?.abort();
    this.#watches.get(id)?.();
    this.#watches.delete(id);
  }

  /** The session is over. */
  end(): void {
    for (const controller of this.#open.values()) controller.abort();
    this.#open.clear();
    for (const gone of this.#watches.values()) gone();
    this.#watches.clear();
  }
}
