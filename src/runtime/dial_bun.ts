// Bun's WebSocket takes certificates, in a place of its own.
import type { Dial, Transport } from "../transport/transport.ts";
import { type WebSocketConstructor, webSocketDial } from "../transport/websocket.ts";

type BunWebSocket = new (url: string, options: { protocols?: string[]; tls: Record<string, unknown> }) => WebSocket;

/** Dials by the global WebSocket. */
export const dial: Dial = async (url, sink, { tls, ...options }) => {
  if (!tls) return copying(await webSocketDial()(url, sink, options));
  const settings = { ca: tls.rootCerts, cert: tls.certChain, key: tls.privateKey, serverName: tls.serverNameOverride };
  const Socket = function (at: string, protocols?: string[]): WebSocket {
    return new (globalThis.WebSocket as unknown as BunWebSocket)(at, { protocols, tls: settings });
  };
  return copying(await webSocketDial(Socket as unknown as WebSocketConstructor)(url, sink, options));
};

/** What a client sends is masked, and Bun does that in a copy, at once. */
function copying(transport: Transport): Transport {
  return Object.assign(transport, { isCopying: true });
}
