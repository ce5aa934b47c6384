// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, ConnectionError, TimeoutError } from "../errors.ts";
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { CloseClass } from "../protocol/close_codes.ts";
import type { CloseInfo, Dial, Transport, TransportSink } from "../transport/transport.ts";

/** Where to, and how long to wait for the welcome. */
export interface AttemptOptions {
  url: URL;
  dial: Dial;
  credentials: () => Promise<Record<string, string> | undefined>;
  connectTimeoutMs: number;
  clock: Clock;
}

/** What an attempt tells its session. */
export interface AttemptLink extends TransportSink {
  /** The socket is open: time to say hello. */
  opened(transport: Transport, credentials: Record<string, string> | undefined): void;
  /** It did not come to a welcome. */
  failed(error: AetherError, closeClass: CloseClass): void;
}

/** One try to connect and the socket it made. Once stopped it says nothing any more, whatever its socket still does. */
export class Attempt implements TransportSink {
  readonly #options: AttemptOptions;
  readonly #link: AttemptLink;
  readonly #controller = new AbortController();
  #transport: Transport | undefined;
  #late: CancelTimer | undefined;
  #stopped = false;

  constructor(options: AttemptOptions, link: AttemptLink) {
    this.#options = options;
    this.#link = link;
  }

  /** Dials. */
  async start(): Promise<void> {
    const { url, dial, credentials, connectTimeoutMs, clock } = this.#options;
    this.#late = clock.timer(connectTimeoutMs, () => {
      const late = new TimeoutError(`No welcome from ${url.host} within ${connectTimeoutMs} ms`);
      this.#give(late, late);
    });
    try {
      const shown = await credentials();
      if (this.#stopped) return;
      const transport = await dial(url, this, { signal: this.#controller.signal });
      if (this.#stopped) return transport.close();
      this.#transport = transport;
      this.#link.opened(transport, shown);
    } catch (error) {
      const words = `Cannot connect to ${url.host}: ${error instanceof Error ? error.message : error}`;
      this.#give(error instanceof AetherError ? error : new ConnectionError(words, { cause: error }), error);
    }
  }

  #give(error: AetherError, reason: unknown): void {
    if (this.#stopped) return;
    this.stop(reason);
    this.#transport?.abandon();
    this.#link.failed(error, error.retryable ? "retry" : "terminal");
  }

  /** The welcome is here. */
  welcomed(): void {
    this.#late?.();
  }

  /** Nothing of it counts any more. */
  stop(reason?: unknown): void {
    this.#stopped = true;
    this.#late?.();
    this.#controller.abort(reason);
  }

  received(bytes: Uint8Array): void {
    if (!this.#stopped) this.#link.received(bytes);
  }

  alive(): void {
    if (!this.#stopped) this.#link.alive();
  }

  closed(info: CloseInfo): void {
    if (!this.#stopped) this.#link.closed(info);
  }
}
