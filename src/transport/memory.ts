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

interface End {
  readonly sink: TransportSink;
  readonly direction: "up" | "down";
  over: boolean;
}

/**
 * Makes a pair. Nothing is delivered synchronously, so that no handler runs inside a caller's send. What is sent is copied, as by
 * a network: who receives it may keep it and write into it, and others may have been sent the very same.
 */
export function memoryPair(
  nearSink: TransportSink,
  farSink: TransportSink,
  carry?: Carry,
): MemoryPair {
  const near: End = { sink: nearSink, direction: "up", over: false };
  const far: End = { sink: farSink, direction: "down", over: false };
  return { near: side(near, far, carry), far: side(far, near, carry) };
}

/** Each end knows for itself whether it is over: on a broken wire the other one may never hear of it. */
function side(own: End, other: End, carry: Carry = (_, run) => queueMicrotask(run)): Transport {
  const end = (info: CloseInfo): void => {
    if (own.over) return;
    own.over = true;
    queueMicrotask(() => own.sink.closed(info));
    carry(own.direction, () => {
      if (other.over) return;
      other.over = true;
      other.sink.closed(info);
    });
  };
  return {
    isCopying: true,
    send(bytes) {
      if (own.over) return;
      const sent = bytes.slice();
      carry(own.direction, () => {
        if (!other.over) other.sink.received(sent);
      });
    },
    ping() {
      if (own.over) return;
      carry(own.direction, () => {
        if (other.over) return;
        other.sink.alive();
        carry(other.direction, () => {
          if (!own.over) own.sink.alive();
        });
      });
    },
    close: (code = 1000, reason = "") => end({ code, reason }),
    abandon: () => end({ code: 1006, reason: "abandoned" }),
  };
}
