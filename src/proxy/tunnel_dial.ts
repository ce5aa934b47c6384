// edge: no Deno, Bun, node: or cloudflare: names
import type { CancelTimer } from "../base/clock.ts";
import { AetherError, InvalidArgumentError, TimeoutError } from "../errors.ts";
import { StreamKind } from "../protocol/stream_frames.ts";
import { decodeStructured } from "../protocol/structured.ts";
import type { Channel } from "../session/channel.ts";
import { channelsOf } from "../session/channels.ts";
import { LINK, type Linked } from "../session/link.ts";
import { requireLink, untilReady } from "./exchange.ts";
import { flatHeaders, type HeadersSource } from "./heads.ts";
import { ChannelTunnel, toTunnelClosed, type Tunnel, type TunnelLimits, type TunnelProtocol } from "./tunnel.ts";

/** The head of a tunnel, as an `Open` carries it. */
export interface TunnelHead {
  /** What it carries. */
  readonly protocol: TunnelProtocol;
  /** Where the far end should connect to, in its own words: `db:5432`. */
  readonly remoteHint?: string;
  /** Which of its backends the far end should use. */
  readonly backend?: string;
  /** A secret for the far end. */
  readonly sessionToken?: string;
  /** Texts for the far end. */
  readonly metadata?: Record<string, string>;
  /** See {@link TunnelLimits}; both ends keep to it. */
  readonly idleTimeoutMs?: number;
  /** See {@link TunnelLimits}; both ends keep to it. */
  readonly maxBytes?: number;
  /** Of a WebSocket: path and query it was asked for. */
  readonly path?: string;
  /** Of a WebSocket: the subprotocols that were offered. */
  readonly protocols?: readonly string[];
  /** Of a WebSocket: headers it was asked for with; towards the far end with those that say who calls. */
  readonly headers?: readonly string[];
}

/** Options of {@link tunnelDial}. */
export interface TunnelDialOptions extends TunnelLimits {
  /** Where the far end should connect to, in its own words: `db:5432`. */
  remoteHint?: string;
  /** Which of its backends the far end should use. */
  backend?: string;
  /** A secret for the far end. */
  sessionToken?: string;
  /** Texts for the far end. */
  metadata?: Record<string, string>;
  /** Of a WebSocket: path and query. */
  path?: string;
  /** Of a WebSocket: subprotocols to offer. */
  protocols?: readonly string[];
  /** Of a WebSocket: headers. */
  headers?: HeadersSource;
  /** How long to wait for the far end to take it, in ms; 30 000 by default. */
  timeoutMs?: number;
  /** Gives it up while it is being opened, and closes it afterwards. */
  signal?: AbortSignal;
  /** Has no effect: credit is counted in bytes, and given as they are read. */
  initialCredits?: number;
}

const PROTOCOLS: readonly TunnelProtocol[] = ["tcp", "udp", "websocket"];

/** The near end of a tunnel. */
export interface DialledTunnel extends Tunnel {
  /** Of a WebSocket: the subprotocol the far end has chosen, empty for none; undefined when it said nothing. */
  readonly protocol?: string;
}

/**
 * Opens a tunnel; resolves when the far end has taken it.
 * @throws {TunnelClosedError} it was not taken; `reason` and `detail` say why
 * @example
 * ```ts
 * import { serveTunnels, tunnelDial } from "@aether-edge/sdk/proxy";
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * const service = await fabric.service({ implementation: "echo", specifier: "1" });
 * serveTunnels(service, (tunnel) => tunnel.readable.pipeTo(tunnel.writable));
 * const agent = await fabric.agent({ workspace: "prod", implementation: "desk", specifier: "1" });
 * const tunnel = await tunnelDial(agent, "sv::echo", "tcp");
 * const writer = tunnel.writable.getWriter();
 * await writer.write(new TextEncoder().encode("hello"));
 * await writer.close();
 * let heard = "";
 * for await (const bytes of tunnel.readable) heard += new TextDecoder().decode(bytes as Uint8Array);
 * if (heard !== "hello") throw new Error("not that");
 * ```
 */
export async function tunnelDial(
  client: Linked,
  target: string,
  protocol: TunnelProtocol,
  options: TunnelDialOptions = {},
): Promise<DialledTunnel> {
  if (!PROTOCOLS.includes(protocol)) {
    throw new InvalidArgumentError(
      `Cannot open a tunnel for "${protocol}": it is one of ${PROTOCOLS.join(", ")}`,
      "protocol",
    );
  }
  const link = requireLink(client?.[LINK]);
  const { signal, timeoutMs = 30_000, headers, initialCredits: _, ...rest } = options;
  signal?.throwIfAborted();
  const head: TunnelHead = { ...rest, protocol, headers: headers && flatHeaders(new Headers(headers)) };
  const { clock } = link.options;
  const channels = channelsOf(link);
  let channel: Channel | undefined;
  const giveUp = (): void => channel!.reset(new AetherError(`The opener has gone: ${signal!.reason}`, "CANCELLED"));
  const off = (): void => signal?.removeEventListener("abort", giveUp);
  let late: CancelTimer | undefined;
  try {
    const left = channels.isReady ? timeoutMs : await untilReady(link, channels, timeoutMs, signal);
    channel = channels.open(StreamKind.Tunnel, target, head, false);
    signal?.addEventListener("abort", giveUp, { once: true });
    late = clock.timer(left, () => {
      channel!.reset(new TimeoutError(`"${target}" did not take it within ${timeoutMs} ms`));
    });
    const answer = decodeStructured(await channel.answered()) as { protocol?: unknown } | null;
    const tunnel = new ChannelTunnel(channel, protocol, clock, options);
    tunnel.closed.then(off, off);
    const chosen = answer?.protocol;
    return typeof chosen === "string" ? Object.assign(tunnel, { protocol: chosen }) : tunnel;
  } catch (error) {
    off();
    // An answer that cannot be read leaves it open; a channel that is over does not mind.
    channel?.reset(new AetherError("Its opener could not read the answer", "CANCELLED"));
    if (signal?.aborted) throw signal.reason;
    throw toTunnelClosed(error, "open_timeout");
  } finally {
    late?.();
  }
}
