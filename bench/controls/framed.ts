/** A party over anything that carries frames of `frame.ts`. */
import type { Party } from "../lib/scenario.ts";
import { EVERYBODY, frame, HEAD, Kind, numberOf, sourceOf } from "./frame.ts";

/** The party, and what is to be called with every frame that comes in. */
export interface Framed {
  readonly party: Party;
  received(bytes: Uint8Array): void;
}

/** @param write hands a frame to the wire; no receipts, no session */
export function framed(
  index: number,
  write: (bytes: Uint8Array<ArrayBuffer>) => unknown,
  close: () => Promise<void>,
): Framed {
  const waiting = new Map<number, (bytes: Uint8Array) => void>();
  let next = 0;
  let heard: (bytes: Uint8Array) => void = () => {};
  let echoes = false;
  const send = (to: number, kind: number, number: number, bytes: Uint8Array): undefined => {
    write(frame(to, index, kind, number, bytes));
  };
  return {
    received(bytes) {
      const payload = bytes.subarray(HEAD);
      if (bytes[4] === Kind.Message) return heard(payload);
      const number = numberOf(bytes);
      if (bytes[4] === Kind.Request) {
        if (echoes) send(sourceOf(bytes), Kind.Reply, number, payload);
        return;
      }
      waiting.get(number)?.(payload);
      waiting.delete(number);
    },
    party: {
      send: (to, bytes) => send(to, Kind.Message, 0, bytes),
      broadcast: (bytes) => send(EVERYBODY, Kind.Message, 0, bytes),
      onMessage: (handler) => void (heard = handler),
      request: (to, bytes) =>
        new Promise((resolve) => {
          waiting.set(++next, resolve);
          send(to, Kind.Request, next, bytes);
        }),
      echo: () => void (echoes = true),
      close,
    },
  };
}
