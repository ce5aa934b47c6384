// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { fromUtf8 } from "../base/bytes.ts";
import { type Random, systemRandom } from "../base/ids.ts";
import { type Logger, silent } from "../base/logger.ts";
import { CONNECT_PATH } from "../protocol/limits.ts";
import type { Identity } from "../protocol/principals.ts";
import type { ReconnectPolicy } from "../session/state.ts";
import type { SessionOptions } from "../session/session.ts";
import type { Dial, DialTls } from "../transport/transport.ts";
import type { Credentials } from "./credentials.ts";
import { dial as defaultDial } from "#dial";

/** Finer points of connecting. */
export interface ConnectionOptions {
  /** Reconnection attempts before giving up with a ReconnectionError; 0, the default, never gives up. */
  maxRetries?: number;
  /** Factor from one attempt's longest wait to the next; 2 by default. */
  backoffMultiplier?: number;
  /** How long connecting may take, in ms; 30 000 by default. */
  connectTimeout?: number;
  /** Same as the client option of that name. */
  retryOnDuplicate?: boolean;
  /** Same as the client option of that name. */
  retryOnDuplicateDelay?: number;
  /** How often to wait for a taken identity; 5 by default. */
  retryOnDuplicateMaxAttempts?: number;
}

/** What a client keeps while it has no connection. */
export interface OutboxOptions {
  /** Messages without a receipt at most; 10 000 by default. */
  maxMessages?: number;
  /** Bytes of them at most; 16 MiB by default. */
  maxBytes?: number;
  /** When it is full: refuse the new message, or drop the oldest one that is not on the wire yet. `reject` by default. */
  overflow?: "reject" | "drop-oldest";
}

/** Options every client takes. */
export interface ClientOptions {
  /** `ws://…`, `wss://…`, `http(s)://…` or `host:port`; a missing path means `/v1/connect`. Not needed with `dial`. */
  address?: string;
  /** What to show the gateway; a function is asked before every attempt. */
  credentials?: Credentials | (() => Credentials | Promise<Credentials>);
  /**
   * Certificates for a `wss:` address, as PEM: authorities to trust (on Deno besides, elsewhere instead of the known ones),
   * a certificate of the client's own with its key, and the name to expect of the server where it is not that of the
   * address. On Deno, Bun and Node; Workers and browsers take none.
   */
  tls?: {
    rootCerts?: string | Uint8Array;
    privateKey?: string | Uint8Array;
    certChain?: string | Uint8Array;
    serverNameOverride?: string;
  };
  /** Whether to reconnect after a connection that was ready; true by default. */
  reconnect?: boolean;
  /** Longest first wait before reconnecting, in ms; 1000 by default. Waits are drawn evenly below it (full jitter). */
  reconnectDelay?: number;
  /** Longest wait of all, in ms; 30 000 by default. */
  maxReconnectDelay?: number;
  /** Finer points. */
  connection?: ConnectionOptions;
  /** Whether to wait for an identity that is taken; false by default. */
  retryOnDuplicate?: boolean;
  /** How long between such attempts, in ms; 5000 by default. */
  retryOnDuplicateDelay?: number;
  /** Whether to replace a live holder of the identity; false by default. */
  takeover?: boolean;
  /** Opens the connection: `gateway.dial()`, `webSocketDial(YourWebSocket)`, or your own. */
  dial?: Dial;
  /** What is kept without a connection. */
  outbox?: OutboxOptions;
  /** Where time comes from. */
  clock?: Clock;
  /** Where chance comes from. */
  random?: Random;
  /** Hears what happens; says nothing by default. */
  logger?: Logger;
}

/** Turns user options into what a session needs. @throws {InvalidArgumentError} for what cannot work */
export function sessionOptions(identity: Identity, options: ClientOptions, workspace?: string): SessionOptions {
  const connection = options.connection ?? {};
  const policy: ReconnectPolicy = {
    enabled: options.reconnect ?? true,
    initialMs: number(options.reconnectDelay, 1000, "reconnectDelay"),
    maxMs: number(options.maxReconnectDelay, 30_000, "maxReconnectDelay"),
    multiplier: number(connection.backoffMultiplier, 2, "connection.backoffMultiplier"),
    maxRetries: number(connection.maxRetries, 0, "connection.maxRetries"),
    onDuplicate: options.retryOnDuplicate ?? connection.retryOnDuplicate ?? false,
    onDuplicateDelayMs: number(
      options.retryOnDuplicateDelay ?? connection.retryOnDuplicateDelay,
      5000,
      "retryOnDuplicateDelay",
    ),
    onDuplicateMaxAttempts: number(connection.retryOnDuplicateMaxAttempts, 5, "connection.retryOnDuplicateMaxAttempts"),
  };
  const outbox = options.outbox ?? {};
  const credentials = options.credentials;
  const url = parseAddress(options.address, options.dial !== undefined);
  const tls = certificates(options, url);
  const dial = options.dial ?? defaultDial;
  return {
    identity,
    workspace,
    url,
    dial: tls ? (url, sink, given) => dial(url, sink, { ...given, tls }) : dial,
    credentials: async () => (typeof credentials === "function" ? await credentials() : credentials),
    takeover: options.takeover ?? false,
    policy,
    connectTimeoutMs: number(connection.connectTimeout, 30_000, "connection.connectTimeout"),
    outbox: {
      maxMessages: number(outbox.maxMessages, 10_000, "outbox.maxMessages"),
      maxBytes: number(outbox.maxBytes, 16 * 1024 * 1024, "outbox.maxBytes"),
      overflow: outbox.overflow ?? "reject",
    },
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    logger: options.logger ?? silent,
  };
}

function certificates({ tls, dial }: ClientOptions, url: URL): DialTls | undefined {
  if (!tls) return undefined;
  const fault = (words: string, argument = "tls"): never => {
    throw new InvalidArgumentError(`Cannot use tls certificates: ${words}`, argument);
  };
  if (!dial && url.protocol !== "wss:") fault(`${url.protocol}//${url.host} is not encrypted; use wss:// or https://`);
  const texts: DialTls = {};
  for (const [name, value] of Object.entries(tls)) {
    if (value === undefined) continue;
    if (name === "serverNameOverride" && typeof value === "string" && value !== "") {
      texts.serverNameOverride = value;
      continue;
    }
    if (name !== "rootCerts" && name !== "certChain" && name !== "privateKey") {
      fault(`there is no ${name}`, `tls.${name}`);
    }
    const text: unknown = value instanceof Uint8Array ? fromUtf8(value) : value;
    if (typeof text === "string" && text.includes("-----BEGIN ")) texts[name as keyof DialTls] = text;
    else fault(`${name} must be PEM, a text or its bytes`, `tls.${name}`);
  }
  if (!texts.certChain !== !texts.privateKey) fault("certChain and privateKey belong together");
  return Object.keys(texts).length > 0 ? texts : undefined;
}

function number(value: number | undefined, fallback: number, name: string): number {
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !(value >= 0)) {
    throw new InvalidArgumentError(`Cannot use ${value} as ${name}: it must be a number, 0 or more`, name);
  }
  return value;
}

/** Reads an address; see {@link ClientOptions.address}. */
export function parseAddress(address: string | undefined, hasDial: boolean): URL {
  if (address === undefined && hasDial) return new URL(`ws://in-process${CONNECT_PATH}`);
  const fault = (): never => {
    throw new InvalidArgumentError(
      `Cannot connect to ${JSON.stringify(address)}: an address looks like "wss://host" or "host:port"`,
      "address",
    );
  };
  if (typeof address !== "string" || address.trim() === "") return fault();
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `ws://${address}`;
  let url: URL;
  try {
    url = new URL(text.replace(/^http(s?):/i, "ws$1:"));
  } catch {
    return fault();
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") return fault();
  if (url.pathname === "/" || url.pathname === "") url.pathname = CONNECT_PATH;
  return url;
}
