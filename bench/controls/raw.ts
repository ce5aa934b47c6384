/** Parties over a plain WebSocket: no receipts, no session, one frame per message. */
import type { Party } from "../lib/scenario.ts";
import { framed } from "./framed.ts";

/** Connects a socket. */
export async function join(url: string, index: number): Promise<Party> {
  const socket = new WebSocket(`${url}/?party=${index}`);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Cannot connect to ${url}`));
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      socket.onclose = () => resolve();
      socket.close();
    });
  const { party, received } = framed(index, (bytes) => socket.send(bytes), close);
  socket.onmessage = (event: MessageEvent<ArrayBuffer>) => received(new Uint8Array(event.data));
  return party;
}
