import { eachFrame } from "../../src/protocol/frames.ts";
import type { TestFabric } from "../../src/testing/mod.ts";
import type { Dial, Transport } from "../../src/transport/transport.ts";

/** A wire that breaks at the n-th frame, counted both ways, once it is armed. Each frame is a message of its own on it. */
export class Fuse {
  #left = Infinity;
  #transport: Transport | undefined;
  hasBlown = false;
  readonly dial: Dial;

  constructor(gateway: () => TestFabric["gateway"]) {
    this.dial = async (url, sink, options) => {
      let isOver = false;
      const pass = (message: Uint8Array, on: (frame: Uint8Array) => void): void =>
        eachFrame(message, (_, bytes, start, end) => {
          if (isOver) return;
          if (--this.#left >= 0) return on(bytes.slice(start, end));
          isOver = this.hasBlown = true;
          this.#left = Infinity;
          // Both ends hear of it, but nothing that was under way.
          queueMicrotask(() => transport.abandon());
        });
      const transport = await gateway().dial()(url, {
        received: (message) => pass(message, (frame) => sink.received(frame)),
        alive: () => sink.alive(),
        closed: (info) => sink.closed(info),
      }, options);
      this.#transport = transport;
      return { ...transport, send: (message) => pass(message, (frame) => transport.send(frame)) };
    };
  }

  /** Lets so many frames pass from now on. */
  arm(count: number): void {
    this.#left = count;
  }

  cut(): void {
    this.#transport?.abandon();
  }
}
