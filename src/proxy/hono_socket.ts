// edge: no Deno, Bun, node: or cloudflare: names
import type { Context, MiddlewareHandler, Next } from "hono";
import type { Clock } from "../base/clock.ts";
import { LINK, type Linked } from "../session/link.ts";
import { problem } from "./errors.ts";
import { flatHeaders } from "./heads.ts";
import { BROKEN } from "./socket_close.ts";
import { type JointSocket, SocketJoint } from "./socket_joint.ts";
import { type DialledTunnel, tunnelDial, type TunnelDialOptions } from "./tunnel_dial.ts";
import { type SocketEvents, upgradeOnWorker, workerPair } from "./worker_socket.ts";

/** A helper of Hono's to upgrade: what it takes besides differs. */
type Upgrade = (createEvents: () => unknown, options?: unknown) => MiddlewareHandler;

/** How long an upgraded socket may take to say that it is open, in ms: a browser that has left meanwhile is told by nobody. */
const OPEN_MS = 10_000;

/** From when on it is asked whether the page has left, in ms: most are taken before, and on Deno to ask costs. */
const LEAVING_MS = 20;

const PROTOCOL = "sec-websocket-protocol";

/** What Hono's helpers hand over as a socket, on every runtime. */
interface HonoSocket {
  send(packet: unknown): void;
  close(code?: number, reason?: string): void;
  /** The runtime's own. */
  raw?: RawSocket;
}

/** What some of them can, and Hono does not show. */
interface RawSocket {
  /** Deno, and `ws` on Node. */
  bufferedAmount?: number;
  /** Bun. */
  getBufferedAmount?(): number;
  /** Bun, and `ws` on Node. */
  pause?(): void;
  resume?(): void;
  ping?(): void;
}

/**
 * Forwards a WebSocket to a service. The tunnel comes first, so that a refusal is an answer, and the upgrade can name the
 * subprotocol that the far end has chosen.
 */
export async function forwardSocket(
  via: Linked,
  target: string,
  c: Context,
  next: Next,
  upgradeWebSocket: Upgrade,
  asked: Omit<TunnelDialOptions, "headers"> & { path: string; headers: Headers },
): Promise<Response | void> {
  const { headers } = asked;
  const protocols = headers.get(PROTOCOL)?.split(",").map((name) => name.trim()) ?? [];
  for (const name of [...headers.keys()]) if (name.startsWith("sec-websocket-")) headers.delete(name);
  const page = pageOf(c.req.raw, via[LINK]?.options.clock);
  let tunnel: DialledTunnel;
  try {
    tunnel = await tunnelDial(via, target, "websocket", { ...asked, protocols, signal: page.signal });
  } catch (error) {
    const head = { method: "GET", path: asked.path, headers: flatHeaders(headers) };
    return problem((error as Error).cause ?? error, target, head);
  } finally {
    page.stays();
  }
  // A far end that says nothing of it leaves it to the helper, which takes the first; what was not offered is none.
  const chosen = tunnel.protocol !== undefined && !protocols.includes(tunnel.protocol) ? "" : tunnel.protocol;
  const events = eventsOf(tunnel, via[LINK].options.clock);
  try {
    const Pair = workerPair();
    if (Pair) return upgradeOnWorker(Pair, events, chosen ?? protocols[0]);
    if (chosen !== undefined) offerOnly(c, chosen);
    const upgrade = upgradeWebSocket(() => events, chosen === undefined ? {} : { protocol: chosen });
    return await upgrade(c, () => {
      tunnel.close("it was not upgraded");
      return next();
    });
  } catch (error) {
    tunnel.close("it was not upgraded");
    throw error;
  }
}

/** Says that a page has left while its tunnel is being opened; afterwards its socket does. */
function pageOf(request: Request, clock: Clock | undefined): { signal: AbortSignal; stays(): void } {
  const controller = new AbortController();
  let asked: AbortSignal | undefined;
  const left = (): void => controller.abort(asked!.reason);
  const cancel = clock?.timer(LEAVING_MS, () => {
    asked = request.signal;
    if (asked.aborted) left();
    else asked.addEventListener("abort", left, { once: true });
  });
  return {
    signal: controller.signal,
    stays() {
      cancel?.();
      asked?.removeEventListener("abort", left);
    },
  };
}

/** Deno's helper takes what was chosen as an option. Those of Bun and Node choose the first that is offered: here there is no other. */
function offerOnly(c: Context, protocol: string): void {
  const offered = (c.env as { incoming?: { headers: Record<string, unknown> } } | undefined)?.incoming?.headers;
  if (offered) {
    if (protocol) offered[PROTOCOL] = protocol;
    else delete offered[PROTOCOL];
  }
  try {
    if (protocol) c.req.raw.headers.set(PROTOCOL, protocol);
    else c.req.raw.headers.delete(PROTOCOL);
  } catch {
    // Deno's requests cannot be changed.
  }
}

/** What a helper calls when something happens to the socket. */
function eventsOf(tunnel: DialledTunnel, clock: Clock): SocketEvents<HonoSocket> {
  const never = clock.timer(OPEN_MS, () => tunnel.close("its WebSocket was never opened"));
  let made: SocketJoint | undefined;
  const joint = (socket: HonoSocket): SocketJoint => {
    if (made) return made;
    never();
    made = new SocketJoint(jointSocket(socket), tunnel, clock);
    made.run();
    return made;
  };
  return {
    onOpen: (_, socket) => void joint(socket),
    onMessage: ({ data }, socket) => joint(socket).message(data),
    onClose: ({ code, reason }, socket) => joint(socket).left({ code, reason }),
    onError: (_, socket) => joint(socket).left(BROKEN),
  };
}

function jointSocket(socket: HonoSocket): JointSocket {
  const { raw } = socket;
  const canWait = raw?.pause && raw.resume;
  return {
    send: (packet) => socket.send(packet),
    close: ({ code, reason }) => socket.close(code, reason),
    buffered: () => raw?.getBufferedAmount?.() ?? raw?.bufferedAmount ?? 0,
    ...(canWait && { pause: () => raw.pause!(), resume: () => raw.resume!(), ping: () => raw.ping?.() }),
  };
}
