// The dialer where nothing better is known: the global WebSocket.
import type { Dial } from "../transport/transport.ts";
import { webSocketDial } from "../transport/websocket.ts";

/** Dials by the global WebSocket. */
export const dial: Dial = webSocketDial();
