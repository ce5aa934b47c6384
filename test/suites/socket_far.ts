import { dial as dialSocket } from "#dial";
import { CONNECT_PATH, type Limits } from "../../src/protocol/limits.ts";
import type { Between, Way } from "../../src/testing/mod.ts";
import { settle } from "../../src/testing/virtual_clock.ts";
import type { Dial, Transport, TransportSink } from "../../src/transport/transport.ts";
import { carried } from "./carried.ts";

interface Socket {
  transport: Transport;
  /** Who waits for the far end's answers, in order: the client that asked, or this. */
  waiting: (() => void)[];
}

/** Has a gateway opened in another process. */
export async function farSockets(controlUrl: string, limits: Partial<Limits> = {}): Promise<FarSockets> {
  const response = await fetch(controlUrl, { method: "POST", body: JSON.stringify(limits) });
  const url = await response.text();
  if (!response.ok) throw new Error(`no gateway was opened: ${url}`);
  return new FarSockets(url, () => fetch(new URL(new URL(url).port, controlUrl), { method: "DELETE" }));
}

/**
 * Puts real sockets between the clients of a fabric and a gateway in another process, whose time is real. Its own gateway stands
 * idle. A moment is over when the far one has answered pings on every socket, three times, and nothing else came: a gateway says things a turn later.
 */
class FarSockets implements Between, AsyncDisposable {
  readonly #url: URL;
  readonly #close: () => Promise<unknown>;
  readonly #sockets = new Set<Socket>();
  readonly #dials = new Set<Promise<unknown>>();
  #moves = 0;

  constructor(url: string, close: () => Promise<unknown>) {
    this.#url = new URL(CONNECT_PATH, url);
    this.#close = close;
  }

  open(): Promise<Way> {
    return Promise.resolve({ dial: (carry) => carried(this.#dial, carry), close: () => Promise.resolve() });
  }

  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      const moves = this.#moves;
      await settle();
      await Promise.all(this.#dials);
      await Promise.all([...this.#sockets].map((socket) => this.#answer(socket)));
      quiet = moves === this.#moves ? quiet + 1 : 0;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { transport } of this.#sockets) transport.abandon();
    await this.#close();
  }

  readonly #dial: Dial = (_, sink, options) => {
    const dialled = this.#open(sink, options);
    const over = dialled.catch(() => {}).finally(() => this.#dials.delete(over));
    this.#dials.add(over);
    return dialled;
  };

  async #open(sink: TransportSink, options: Parameters<Dial>[2]): Promise<Transport> {
    const transport = await dialSocket(this.#url, {
      received: (bytes) => {
        this.#moves++;
        sink.received(bytes);
      },
      alive: () => {
        // What is only known because this asked is not for the client: it would be carried in time, and make more of it pass.
        const answered = socket.waiting.shift();
        if (answered) answered();
        else sink.alive();
      },
      closed: (info) => {
        this.#moves++;
        this.#sockets.delete(socket);
        for (const go of socket.waiting) go();
        sink.closed(info);
      },
    }, options);
    const socket: Socket = { transport, waiting: [] };
    this.#sockets.add(socket);
    this.#moves++;
    const ping = (): void => {
      socket.waiting.push(() => sink.alive());
      transport.ping();
    };
    return { ...transport, ping };
  }

  async #answer(socket: Socket): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.waiting.push(resolve);
    socket.transport.ping();
    await promise;
  }
}
