// edge: no Deno, Bun, node: or cloudflare: names
import { fromUtf8, utf8 } from "../base/bytes.ts";

/** How a pipe ended. */
export interface CloseInfo {
  /** WebSocket close code; 0 and 1006 mean the wire broke. */
  code: number;
  /** The peer's words, often empty. */
  reason: string;
}

/** Hears what comes out of a pipe. Given at dial time, so nothing can arrive before someone listens. */
export interface TransportSink {
  /** One binary WebSocket message. The bytes are the receiver's. */
  received(bytes: Uint8Array): void;
  /** A sign of life that carries nothing: the peer's `ping` or `pong`. The rim has answered it. */
  alive(): void;
  /** The pipe is gone. Called exactly once, also after a local `close`. */
  closed(info: CloseInfo): void;
}

/** A pipe for WebSocket messages. */
export interface Transport {
  /** Sends one binary message. MUST NOT throw once closed, MUST NOT change the bytes; they may be kept by the caller. */
  send(bytes: Uint8Array): void;
  /**
   * Whether `send` has copied what it was given when it returns: the bytes are then written over, or their memory let go, at once. Who
   * wraps a transport and sends later must not say so. A peer's word that it has them is not enough: it may lie, and read later
   * what somebody else has written there since.
   */
  readonly isCopying?: boolean;
  /** Asks the peer's rim for a sign of life. */
  ping(): void;
  /** Closes; further calls do nothing. A code a client may send: 1000 or 3000–4999. */
  close(code?: number, reason?: string): void;
  /** Gives the pipe up without waiting for the peer: for half-open sockets. The sink hears `closed` at once. */
  abandon(): void;
}

/** Certificates for a `wss:` connection, as PEM texts. */
export interface DialTls {
  /** The authorities to trust. */
  rootCerts?: string;
  /** What this client shows of itself; with `privateKey`. */
  certChain?: string;
  /** The key of `certChain`. */
  privateKey?: string;
  /** The name the server's certificate has to be for, where it is not that of the address. */
  serverNameOverride?: string;
}

/**
 * Opens a pipe. Rejects with a ConnectionError when nobody is there, with the signal's reason when it aborts, with an
 * InvalidArgumentError when it cannot use certificates and was given some. `url` has the scheme `ws:` or `wss:`.
 */
export type Dial = (
  url: URL,
  sink: TransportSink,
  options: { signal: AbortSignal; token?: string; tls?: DialTls },
) => Promise<Transport>;

/** A close reason that fits: WebSocket allows 123 bytes of UTF-8, and platforms throw over more. */
export function closeReason(text: string): string {
  const encoded = utf8(text);
  // A cut inside a character would decode to U+FFFD, three bytes again: drop it.
  return encoded.length <= 123 ? text : fromUtf8(encoded.subarray(0, 120)).replace(/\uFFFD+$/, "");
}

/** Sign of life, asked and answered: the only texts on the wire. */
export const PING = "ping";
/** The answer to {@link PING}. */
export const PONG = "pong";
