// Bun's WebSocket takes certificates, in a place of its own.
import type { Dial } from "../transport/transport.ts";
import { type WebSocketConstructor, webSocketDial } from "../transport/websocket.ts";

type BunWebSocket = new (url: string, options: { protocols?: string[]; tls: Record<string, unknown> }) => WebSocket;

/** Dials by the global WebSocket. */
export const dial: Dial = async (url, sink, { tls, ...options }) => {
  if (!tls) return await webSocketDial()(url, sink, options);
  const settings = { ca: tls.rootCerts, cert: tls.certChain, key: tls.privateKey, serverName: tls.serverNameOverride };
  const Socket = function (at: string, protocols?: string[]): WebSocket {
    return new (globalThis.WebSocket as unknown as BunWebSocket)(at, { protocols, tls: settings });
  };
  return await webSocketDial(Socket as unknown as WebSocketConstructor)(url, sink, options);
};
