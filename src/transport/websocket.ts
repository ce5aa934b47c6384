// edge: no Deno, Bun, node: or cloudflare: names
import { ConnectionError, InvalidArgumentError } from "../errors.ts";
import { base64url, utf8 } from "../base/bytes.ts";
import { BEARER_PREFIX, SUBPROTOCOL } from "../protocol/limits.ts";
import { closeReason, type Dial, PING, PONG, type Transport } from "./transport.ts";

/** The part of a WebSocket class that is needed here; the global one and the `ws` package both fit. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocket;

/**
 * A {@link Dial} over a WebSocket class. Platform rules it follows: `binaryType` pinned before a frame can arrive
 * (workerd delivers Blobs by default since compatibility date 2026-03-17), only 1000 and 3000–4999 as close codes, no
 * reliance on `bufferedAmount`, whichever of `error` and `close` comes first ends the dial (Node 22 fires no `close`).
 */
export function webSocketDial(Socket?: WebSocketConstructor): Dial {
  return (url, sink, { signal, token, tls }) =>
    new Promise<Transport>((resolve, reject) => {
      signal.throwIfAborted();
      if (tls) {
        throw new InvalidArgumentError(
          "Cannot use tls certificates: a WebSocket takes none here; give a dial that does",
          "tls",
        );
      }
      const WebSocketClass = Socket ?? globalThis.WebSocket;
      if (!WebSocketClass) {
        throw new ConnectionError(
          "Cannot dial: there is no WebSocket here; use webSocketDial(WebSocket)",
        );
      }
      const protocols = token ? [SUBPROTOCOL, BEARER_PREFIX + base64url(utf8(token))] : [SUBPROTOCOL];
      const socket = new WebSocketClass(url.href, protocols);
      socket.binaryType = "arraybuffer";
      let open = false;
      let over = false;
      const end = (code: number, reason: string): void => {
        if (over) return;
        over = true;
        signal.removeEventListener("abort", abort);
        if (open) sink.closed({ code, reason });
        else {reject(
            new ConnectionError(`Cannot connect to ${url.host}: ${reason || "nobody answers there"}`, {
              details: { closeCode: code },
            }),
          );}
      };
      const abort = (): void => {
        over = true;
        reject(signal.reason);
        socket.close();
      };
      const transport: Transport = {
        send(bytes) {
          if (!over && socket.readyState === 1) socket.send(bytes as Uint8Array<ArrayBuffer>);
        },
        ping() {
          if (!over && socket.readyState === 1) socket.send(PING);
        },
        close(code = 1000, reason = "") {
          if (!over) socket.close(code, closeReason(reason));
        },
        abandon() {
          if (over) return;
          // A half-open socket never completes its closing handshake: report the end now, let the platform clean up later.
          socket.close(4408, "silent for too long");
          end(1006, "silent for too long");
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      socket.onopen = () => {
        open = true;
        signal.removeEventListener("abort", abort);
        resolve(transport);
      };
      socket.onmessage = (event: MessageEvent) => {
        if (over) return;
        const data: unknown = event.data;
        if (typeof data !== "string") return sink.received(new Uint8Array(data as ArrayBuffer));
        if (data === PING && socket.readyState === 1) socket.send(PONG);
        sink.alive();
      };
      socket.onerror = (event) => {
        if (!open) end(0, (event as ErrorEvent).message ?? "");
      };
      socket.onclose = (event) => end(event.code, event.reason);
    });
}
