// Node has a global WebSocket from 22 on; it takes no certificates, so the `ws` package stands in where there are some.
import type { Dial } from "../transport/transport.ts";
import { type WebSocketConstructor, webSocketDial } from "../transport/websocket.ts";

type WsWebSocket = new (url: string, protocols: string[] | undefined, options: Record<string, unknown>) => WebSocket;

/** Dials by the global WebSocket, or by `ws` where there is none, or where certificates are given. */
export const dial: Dial = async (url, sink, { tls, ...options }) => {
  if (!tls && globalThis.WebSocket) return await webSocketDial()(url, sink, options);
  const { WebSocket } = await import("ws") as unknown as { WebSocket: WsWebSocket };
  const settings = {
    ca: tls?.rootCerts,
    cert: tls?.certChain,
    key: tls?.privateKey,
    servername: tls?.serverNameOverride,
    perMessageDeflate: false,
  };
  const Socket = function (at: string, protocols?: string[]): WebSocket {
    return new WebSocket(at, protocols, settings);
  };
  return await webSocketDial(Socket as unknown as WebSocketConstructor)(url, sink, options);
};
