// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, InvalidArgumentError, QuotaError } from "../errors.ts";
import { FLAG_REFUSED } from "../protocol/frames.ts";
import { StreamKind } from "../protocol/stream_frames.ts";
import { decodeStructured } from "../protocol/structured.ts";
import { channelsOf, type IncomingChannel } from "../session/channels.ts";
import { LINK, type Linked, type StreamLink } from "../session/link.ts";
import { requireLink } from "./exchange.ts";
import { pairs } from "./heads.ts";
import type { Packet } from "./packets.ts";
import type { SocketClose } from "./socket_close.ts";
import { ChannelTunnel, type Tunnel, type TunnelLimits, type TunnelProtocol } from "./tunnel.ts";
import type { TunnelHead } from "./tunnel_dial.ts";

/** A tunnel somebody has opened. It is taken when `accept` is called, or a stream of it asked for; throwing refuses it. */
export interface IncomingTunnel extends Tunnel {
  /** What it carries. */
  readonly protocol: TunnelProtocol;
  /** Topic of who opened it, as the gateway says. */
  readonly caller: string;
  /** Its workspace, when it has one. */
  readonly workspace?: string;
  /** Where its opener wants to be connected to. What is allowed is the handler's to say. */
  readonly remoteHint?: string;
  /** The backend its opener asks for. */
  readonly backend?: string;
  /** A secret from its opener. */
  readonly sessionToken?: string;
  /** Texts from its opener. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of a WebSocket: path and query. */
  readonly path?: string;
  /** Of a WebSocket: the subprotocols that were offered. */
  readonly protocols: readonly string[];
  /** Headers, with those by which the gateway says who calls. */
  readonly headers: Headers;
  /** Aborts when it is over, taken or not: what a handler waits for elsewhere can be given up. */
  readonly signal: AbortSignal;
  /** Takes it. */
  accept(options?: AcceptOptions): void;
}

/** How a tunnel is taken. */
export interface AcceptOptions {
  /** Of a WebSocket: the one of `protocols` that is spoken; empty for none of them. */
  protocol?: string;
}

/** Options of {@link serveTunnels}. */
export interface ServeTunnelsOptions extends TunnelLimits {
  /** Tunnels open at once; 256 by default. Beyond it they are refused. */
  maxTunnels?: number;
}

/**
 * Takes tunnels that reach a principal. A handler that throws before it has accepted refuses the tunnel with its reason; one
 * that throws afterwards closes it. What to connect to is the handler's choice: check `remoteHint` against a list.
 * @returns what ends it; tunnels that are open stay
 * @throws {InvalidArgumentError} when it takes tunnels already
 */
export function serveTunnels(
  client: Linked,
  handler: (tunnel: IncomingTunnel) => unknown,
  options: ServeTunnelsOptions = {},
): () => void {
  const link = requireLink(client?.[LINK]);
  const open = new Set<Taken>();
  const off = channelsOf(link).accept(StreamKind.Tunnel, (incoming) => {
    const { maxTunnels = 256 } = options;
    if (open.size >= maxTunnels) {
      const details = { limit: maxTunnels, current: open.size };
      return incoming.channel.reset(new QuotaError(`${open.size} tunnels are open`, { details }), FLAG_REFUSED);
    }
    const taken = new Taken(link, incoming, options);
    open.add(taken);
    // The place is free when the tunnel is over, whether its handler has noticed or not.
    taken.over.then(() => open.delete(taken));
    taken.run(handler);
  });
  if (!off) throw new InvalidArgumentError("Cannot serve tunnels: this client does already", "client");
  return off;
}

class Taken implements IncomingTunnel {
  readonly #link: StreamLink;
  readonly #incoming: IncomingChannel;
  readonly #head: TunnelHead;
  readonly #limits: TunnelLimits;
  readonly #over: PromiseWithResolvers<void> = Promise.withResolvers();
  #tunnel: Tunnel | undefined;
  #isOver = false;
  #signal: AbortSignal | undefined;

  constructor(link: StreamLink, incoming: IncomingChannel, limits: TunnelLimits) {
    this.#link = link;
    this.#incoming = incoming;
    this.#head = decodeStructured(incoming.head) as TunnelHead;
    this.#limits = limits;
    // Until it is taken; then the tunnel tells.
    incoming.channel.onReset = () => this.#over.resolve();
    this.#over.promise.then(() => this.#isOver = true);
  }

  /** Resolves when the tunnel is over, taken or not. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  async run(handler: (tunnel: IncomingTunnel) => unknown): Promise<void> {
    try {
      await handler(this);
      this.accept();
      await this.closed;
    } catch (error) {
      const { channel } = this.#incoming;
      if (channel.error) return;
      if (this.#tunnel) this.#link.report(error);
      const words = error instanceof Error ? error.message : String(error);
      channel.reset(error instanceof AetherError ? error : new AetherError(words, "ABORTED", { cause: error }));
    }
  }

  accept(options: AcceptOptions = {}): void {
    this.#taken(options.protocol);
  }

  #taken(protocol?: string): Tunnel {
    if (this.#tunnel) return this.#tunnel;
    const { channel } = this.#incoming;
    channel.answer(protocol === undefined ? {} : { protocol }, false);
    const limits = {
      idleTimeoutMs: least(this.#head.idleTimeoutMs, this.#limits.idleTimeoutMs),
      maxBytes: least(this.#head.maxBytes, this.#limits.maxBytes),
    };
    const tunnel = new ChannelTunnel(channel, this.#head.protocol, this.#link.options.clock, limits);
    const over = (): void => this.#over.resolve();
    tunnel.closed.then(over, over);
    return (this.#tunnel = tunnel);
  }

  get signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    const over = new AbortController();
    if (this.#isOver) over.abort();
    else this.#over.promise.then(() => over.abort());
    return (this.#signal = over.signal);
  }

  get readable(): ReadableStream<Packet> {
    return this.#taken().readable;
  }
  get writable(): WritableStream<Packet> {
    return this.#taken().writable;
  }
  get closed(): Promise<void> {
    return this.#taken().closed;
  }
  close(reason?: string): void {
    this.#taken().close(reason);
  }
  get ownClose(): SocketClose | undefined {
    return this.#tunnel?.ownClose;
  }
  set ownClose(end: SocketClose | undefined) {
    this.#taken().ownClose = end;
  }
  get farClose(): SocketClose | undefined {
    return this.#tunnel?.farClose;
  }
  get protocol(): TunnelProtocol {
    return this.#head.protocol;
  }
  get caller(): string {
    return this.#incoming.topic;
  }
  get workspace(): string | undefined {
    return this.#incoming.workspace || undefined;
  }
  get remoteHint(): string | undefined {
    return this.#head.remoteHint;
  }
  get backend(): string | undefined {
    return this.#head.backend;
  }
  get sessionToken(): string | undefined {
    return this.#head.sessionToken;
  }
  get metadata(): Readonly<Record<string, string>> {
    return this.#head.metadata ?? {};
  }
  get path(): string | undefined {
    return this.#head.path;
  }
  get protocols(): readonly string[] {
    return this.#head.protocols ?? [];
  }
  get headers(): Headers {
    return new Headers(pairs(this.#head.headers ?? []));
  }
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : other === undefined ? one : Math.min(one, other);
}
