// edge: no Deno, Bun, node: or cloudflare: names

/** What the line needs of its session. */
export interface ProgressHost {
  /** Whether the client has enough to do as it is. */
  isBehind(): boolean;
  /** Puts a notice on its way. */
  tell(notice: Uint8Array): void;
  /** One was dropped, and the client must know. */
  dropped(): void;
}

/** Progress on its way to one client. Who is behind gets the latest of each piece of work when it has caught up. */
export class ProgressLine {
  readonly #host: ProgressHost;
  readonly #most: number;
  readonly #waiting = new Map<string, Uint8Array>();

  /** @param most pieces of work that may wait */
  constructor(host: ProgressHost, most: number) {
    this.#host = host;
    this.#most = most;
  }

  /** Somebody's progress. */
  add(key: string, notice: Uint8Array): void {
    // Always by way of the line: what waits in it must not come after what is newer.
    this.#waiting.delete(key);
    this.#waiting.set(key, notice);
    this.catchUp();
    if (this.#waiting.size <= this.#most) return;
    this.#waiting.delete(this.#waiting.keys().next().value!);
    this.#host.dropped();
  }

  /** Tells what waits, as far as the client is not behind. */
  catchUp(): void {
    for (const [key, notice] of this.#waiting) {
      if (this.#host.isBehind()) return;
      this.#waiting.delete(key);
      this.#host.tell(notice);
    }
  }
}
