import { dial as dialSocket } from "#dial";
import type { Gateway } from "../../src/gateway/gateway.ts";
import { CONNECT_PATH } from "../../src/protocol/limits.ts";
import type { Server } from "../../src/runtime/rim.ts";
import { delegated } from "../../src/testing/delegated.ts";
import type { Between, Way } from "../../src/testing/mod.ts";
import { settle } from "../../src/testing/virtual_clock.ts";
import type { Dial, Transport, TransportSink } from "../../src/transport/transport.ts";
import { carried } from "./carried.ts";

/** What is under way between the two ends of one socket. */
interface Underway {
  up: number;
  down: number;
  /** Pings without an answer yet, of either end. */
  pings: number;
  /** Whether each end still is there; a gateway's that has not heard of the socket yet counts as there. */
  near: boolean;
  far: boolean;
  /** Whether one of them has ended it. */
  isEnding: boolean;
}

/**
 * Puts real sockets of this runtime between the clients of a fabric and its gateways. Time stays virtual: a moment is over when
 * everything it caused has arrived, which is known because both ends are counted.
 */
export class Sockets implements Between, AsyncDisposable {
  readonly #serve: (gateway: Gateway) => Promise<Server>;
  readonly #closes: (() => Promise<void>)[] = [];
  readonly #sockets = new Set<Underway>();
  readonly #transports = new Set<Transport>();
  /** Dials take turns, so that it is known which socket a gateway's rim has accepted. */
  #dialled: Promise<unknown> = Promise.resolve();
  #dialling: Underway | undefined;
  #moves = 0;

  constructor(serve: (gateway: Gateway) => Promise<Server>) {
    this.#serve = serve;
  }

  async open(gateway: Gateway): Promise<Way> {
    const counting = delegated(gateway, {
      opened: (transport, options) => this.#accept(transport, (counted) => gateway.opened(counted, options)),
    });
    const server = await this.#serve(counting);
    const dial: Dial = (_, sink, options) => {
      const turn = this.#dialled.then(() => this.#open(new URL(CONNECT_PATH, server.url), sink, options));
      this.#dialled = turn.catch(() => {});
      return turn;
    };
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= server.close());
    this.#closes.push(close);
    return { dial: (carry) => carried(dial, carry), close };
  }

  async settle(): Promise<void> {
    const since = Date.now();
    for (let quiet = 0; quiet < 3;) {
      const moves = this.#moves;
      await settle();
      quiet = moves === this.#moves && this.#isQuiet() ? quiet + 1 : 0;
      if (Date.now() - since > 10_000) {
        throw new Error(`the sockets never fall silent: ${JSON.stringify([...this.#sockets])}`);
      }
    }
  }

  /** Ends every socket and port. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const transport of this.#transports) transport.abandon();
    await Promise.all(this.#closes.map((close) => close()));
  }

  #isQuiet(): boolean {
    for (const { up, down, pings, near, far, isEnding } of this.#sockets) {
      const isOver = !near && !far;
      if (!isOver && (isEnding || near !== far || up > 0 || down > 0 || pings > 0)) return false;
    }
    return this.#dialling === undefined;
  }

  #moved(socket: Underway, change: Partial<Underway>): void {
    this.#moves++;
    Object.assign(socket, change);
    if (!socket.near && !socket.far) this.#sockets.delete(socket);
  }

  async #open(url: URL, sink: TransportSink, options: Parameters<Dial>[2]): Promise<Transport> {
    const socket: Underway = { up: 0, down: 0, pings: 0, near: true, far: true, isEnding: false };
    this.#dialling = socket;
    this.#sockets.add(socket);
    try {
      const transport = await dialSocket(url, {
        received: (bytes) => {
          this.#moved(socket, { down: socket.down - 1 });
          sink.received(bytes);
        },
        alive: () => {
          this.#moved(socket, { pings: 0 });
          sink.alive();
        },
        closed: (info) => {
          this.#transports.delete(transport);
          this.#moved(socket, { near: false });
          sink.closed(info);
        },
      }, options);
      this.#transports.add(transport);
      return counted(transport, socket, () => socket.up++);
    } catch (error) {
      this.#sockets.delete(socket);
      throw error;
    } finally {
      this.#dialling = undefined;
    }
  }

  #accept(transport: Transport, open: (transport: Transport) => TransportSink): TransportSink {
    const socket = this.#dialling ?? { up: 0, down: 0, pings: 0, near: false, far: true, isEnding: false };
    const sink = open(counted(transport, socket, () => socket.down++));
    return {
      received: (bytes) => {
        this.#moved(socket, { up: socket.up - 1 });
        sink.received(bytes);
      },
      alive: () => {
        this.#moved(socket, { pings: 0 });
        sink.alive();
      },
      closed: (info) => {
        this.#moved(socket, { far: false });
        sink.closed(info);
      },
    };
  }
}

function counted(transport: Transport, socket: Underway, sent: () => void): Transport {
  return {
    isCopying: transport.isCopying,
    send(bytes) {
      sent();
      transport.send(bytes);
    },
    ping() {
      socket.pings++;
      transport.ping();
    },
    close(code, reason) {
      socket.isEnding = true;
      transport.close(code, reason);
    },
    abandon() {
      socket.isEnding = true;
      transport.abandon();
    },
  };
}
