/** Keeps a bounded number of sends on their way. */

/** A sender that has at most `size` sends without receipt, and as many not yet delivered. */
export class Window {
  #sent = 0;
  #receipts = 0;
  #stopped = false;
  #failure: unknown;

  /** @param delivered how many sends have fully arrived */
  constructor(
    private readonly size: number,
    private readonly send: () => Promise<unknown> | undefined,
    private readonly delivered: () => number,
  ) {}

  /** How many it has sent. */
  get sent(): number {
    return this.#sent;
  }

  /** Sends what the window allows; to be called after every delivery. */
  fill = (): void => {
    while (!this.#stopped && this.#sent - Math.min(this.#receipts, this.delivered()) < this.size) {
      this.#sent++;
      const receipt = this.send();
      if (receipt) receipt.then(this.#receipt, this.#failed);
      else this.#receipts++;
    }
  };

  /** Sends no more. @throws what a send failed with */
  stop(): void {
    this.#stopped = true;
    if (this.#failure) throw this.#failure;
  }

  #receipt = (): void => {
    this.#receipts++;
    this.fill();
  };
  #failed = (error: unknown): void => {
    this.#failure ??= error;
    this.#stopped = true;
  };
}
