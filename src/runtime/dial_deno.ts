// Replaced by a dialer with TCP_NODELAY where the platform allows it; see docs/architecture.md.
import type { Dial } from "../transport/transport.ts";
import { webSocketDial } from "../transport/websocket.ts";

/** Dials by the global WebSocket. */
export const dial: Dial = webSocketDial();
