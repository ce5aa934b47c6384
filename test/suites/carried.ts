import type { Carry } from "../../src/transport/memory.ts";
import type { Dial } from "../../src/transport/transport.ts";

/** A pipe on which everything that passes is carried by whatever a test puts there, as by `memoryPair`. */
export function carried(dial: Dial, carry: Carry = (_, run) => run()): Dial {
  return async (url, sink, options) => {
    // Each end knows for itself whether it is over: what is carried no more does not tell.
    let isOver = false;
    const end = (run: () => void): void => {
      if (isOver) return;
      isOver = true;
      run();
    };
    const transport = await dial(url, {
      received: (bytes) => carry("down", () => isOver || sink.received(bytes)),
      alive: () => carry("down", () => isOver || sink.alive()),
      closed: (info) => carry("down", () => end(() => sink.closed(info))),
    }, options);
    const up = (run: () => void): void => {
      if (!isOver) carry("up", run);
    };
    return {
      isCopying: true,
      send(bytes) {
        // What is delayed must be what was sent.
        const sent = bytes.slice();
        up(() => transport.send(sent));
      },
      ping: () => up(() => transport.ping()),
      close(code = 1000, reason = "") {
        up(() => transport.close(code, reason));
        end(() => queueMicrotask(() => sink.closed({ code, reason })));
      },
      abandon() {
        up(() => transport.abandon());
        end(() => queueMicrotask(() => sink.closed({ code: 1006, reason: "abandoned" })));
      },
    };
  };
}
