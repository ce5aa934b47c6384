// What the three server rims share: subprotocol choice, bearer tokens, the loopback rule, the answer to pings.
import { InvalidArgumentError } from "../errors.ts";
import { fromBase64url, fromUtf8 } from "../base/bytes.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { BEARER_PREFIX, CONNECT_PATH, SUBPROTOCOL } from "../protocol/limits.ts";

/** Where to serve. */
export interface ServeOptions {
  /** Address to listen on; 127.0.0.1 by default. */
  hostname?: string;
  /** Port; 0, the default, takes a free one. */
  port?: number;
  /** PEM texts of a certificate and its key. */
  tls?: { cert: string; key: string };
}

/** A port that is open. */
export interface Server {
  /** What clients connect to: `ws://host:port`. */
  readonly url: string;
  /** The same place for a browser or curl: `http://host:port`. */
  readonly httpUrl: string;
  /** The port. */
  readonly port: number;
  /** Closes the port. The gateway itself is closed by `gateway.close()`. */
  close(): Promise<void>;
}

/** Options with defaults; refuses to show a gateway that lets everybody in to other machines. */
export function checkServe(
  gateway: Gateway,
  options: ServeOptions,
): { hostname: string; port: number; tls?: { cert: string; key: string } } {
  const hostname = options.hostname ?? "127.0.0.1";
  if (gateway.loopbackOnly && !/^(127\.|localhost$|::1$|\[::1\]$)/.test(hostname)) {
    throw new InvalidArgumentError(
      `Cannot serve on "${hostname}": the gateway lets everybody in (allowAll), which is for loopback only; use tokenAuth, or allowAll({ insecure: true })`,
      "hostname",
    );
  }
  return { hostname, port: options.port ?? 0, tls: options.tls };
}

/** Addresses of a server. */
export function addresses(
  hostname: string,
  port: number,
  secure: boolean,
): { url: string; httpUrl: string; port: number } {
  const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  return {
    url: `${secure ? "wss" : "ws"}://${host}:${port}`,
    httpUrl: `${secure ? "https" : "http"}://${host}:${port}`,
    port,
  };
}

/** Base of addresses that are only a path. */
const NO_ORIGIN = "http://local";

/**
 * Reads an upgrade request: whether it may pass, and the token it offers.
 * @param address as the request line has it: a path, or whatever else somebody sent
 */
export function readUpgrade(
  address: string,
  protocols: string | null | undefined,
): { ok: true; token?: string } | { ok: false; status: number; text: string } {
  const path = URL.canParse(address, NO_ORIGIN) ? new URL(address, NO_ORIGIN).pathname : undefined;
  if (path !== CONNECT_PATH) return { ok: false, status: 404, text: `WebSockets connect at ${CONNECT_PATH}\n` };
  const offered = (protocols ?? "").split(",").map((name) => name.trim());
  if (!offered.includes(SUBPROTOCOL)) return { ok: false, status: 400, text: `Offer the subprotocol ${SUBPROTOCOL}\n` };
  const bearer = offered.find((name) => name.startsWith(BEARER_PREFIX));
  if (!bearer) return { ok: true };
  try {
    return { ok: true, token: fromUtf8(fromBase64url(bearer.slice(BEARER_PREFIX.length))) };
  } catch {
    return { ok: false, status: 400, text: "The bearer subprotocol is not base64url\n" };
  }
}
