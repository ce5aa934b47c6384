// edge: no Deno, Bun, node: or cloudflare: names
import type { CloseInfo, Transport, TransportSink } from "./transport.ts";

/** Carries something to the other end: by microtask, or by whatever a test puts here. MUST keep the order per direction. */
export type Carry = (direction: "up" | "down", run: () => void) => void;

/** Two pipes that are each other's far end, in one process; what one sends the other's sink receives. */
export interface MemoryPair {
  /** The dialling end; its sink hears what `far` sends. */
  near: Transport;
  /** The accepting end. */
  far: Transport;
}

/** Makes a pair. Nothing is delivered synchronously, so that no handler runs inside a caller's send. */
export function memoryPair(
  nearSink: TransportSink,
  farSink: TransportSink,
  carry: Carry = (_, run) => queueMicrotask(run),
): MemoryPair {
  let over = false;
  const end = (info: CloseInfo, local: TransportSink, remote: TransportSink, direction: "up" | "down"): void => {
    if (over) return;
    over = true;
    queueMicrotask(() => local.closed(info));
    carry(direction, () => remote.closed(info));
  };
  const side = (own: TransportSink, other: TransportSink, direction: "up" | "down"): Transport => ({
    send(bytes) {
      if (over) return;
      carry(direction, () => {
        if (!over) other.received(bytes);
      });
    },
    ping() {
      if (over) return;
      const back = direction === "up" ? "down" : "up";
      carry(direction, () => {
        if (over) return;
        other.alive();
        carry(back, () => {
          if (!over) own.alive();
        });
      });
    },
    close: (code = 1000, reason = "") => {
      if (over) return;
      // What was sent before the close still arrives first.
      carry(direction, () => end({ code, reason }, other, own, direction === "up" ? "down" : "up"));
    },
    abandon: () => end({ code: 1006, reason: "abandoned" }, own, other, direction),
  });
  return { near: side(nearSink, farSink, "up"), far: side(farSink, nearSink, "down") };
}
