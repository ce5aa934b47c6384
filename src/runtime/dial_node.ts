// Node has a global WebSocket from 22 on; before that, the `ws` package stands in.
import type { Dial } from "../transport/transport.ts";
import { type WebSocketConstructor, webSocketDial } from "../transport/websocket.ts";

/** Dials by the global WebSocket, or by `ws` where there is none. */
export const dial: Dial = async (url, sink, options) => {
  const Socket = globalThis.WebSocket ?? ((await import("ws")).WebSocket as unknown as WebSocketConstructor);
  return webSocketDial(Socket)(url, sink, options);
};
