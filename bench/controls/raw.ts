/** Parties over a plain WebSocket: no receipts, no session, one frame per message. */
import type { Party } from "../lib/scenario.ts";
import { EVERYBODY, frame, HEAD, Kind, numberOf, sourceOf } from "./frame.ts";

/** Connects a socket. */
export async function join(url: string, index: number): Promise<Party> {
  const socket = new WebSocket(`${url}/?party=${index}`);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Cannot connect to ${url}`));
  });
  const waiting = new Map<number, (bytes: Uint8Array) => void>();
  let next = 0;
  let heard: (bytes: Uint8Array) => void = () => {};
  let echoes = false;
  const send = (to: number, kind: number, number: number, bytes: Uint8Array): undefined => {
    socket.send(frame(to, index, kind, number, bytes));
  };
  socket.onmessage = (event: MessageEvent<ArrayBuffer>) => {
    const bytes = new Uint8Array(event.data);
    const payload = bytes.subarray(HEAD);
    if (bytes[4] === Kind.Message) return heard(payload);
    const number = numberOf(bytes);
    if (bytes[4] === Kind.Request) {
      if (echoes) send(sourceOf(bytes), Kind.Reply, number, payload);
      return;
    }
    waiting.get(number)?.(payload);
    waiting.delete(number);
  };
  return {
    send: (to, bytes) => send(to, Kind.Message, 0, bytes),
    broadcast: (bytes) => send(EVERYBODY, Kind.Message, 0, bytes),
    onMessage: (handler) => void (heard = handler),
    request: (to, bytes) =>
      new Promise((resolve) => {
        waiting.set(++next, resolve);
        send(to, Kind.Request, next, bytes);
      }),
    echo: () => void (echoes = true),
    close: () =>
      new Promise((resolve) => {
        socket.onclose = () => resolve();
        socket.close();
      }),
  };
}
