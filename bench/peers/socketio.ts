/** Parties over socket.io with its MessagePack parser, by WebSocket from the start. */
import { Buffer } from "node:buffer";
import { framed } from "../controls/framed.ts";
import type { Party } from "../lib/scenario.ts";
import { peerOf } from "./packages.ts";

interface Socket {
  on(event: string, heard: (value: unknown) => void): void;
  emit(event: string, bytes: Uint8Array): void;
  disconnect(): void;
}
interface Client {
  io(url: string, options: Record<string, unknown>): Socket;
}

/** Connects a client. */
export async function join(url: string, index: number): Promise<Party> {
  const socket = peerOf<Client>("socket.io-client").io(url, {
    transports: ["websocket"],
    parser: peerOf("socket.io-msgpack-parser"),
    query: { party: String(index) },
    forceNew: true,
    reconnection: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("connect", () => resolve());
    socket.on("connect_error", (error) => reject(error as Error));
  });
  // Only of a Buffer does the parser make bytes as such.
  const close = (): Promise<void> => Promise.resolve(socket.disconnect());
  const { party, received } = framed(index, (bytes) => socket.emit("m", Buffer.from(bytes.buffer)), close);
  socket.on("m", (bytes) => received(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes as Uint8Array));
  return party;
}
