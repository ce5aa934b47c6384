// edge: no Deno, Bun, node: or cloudflare: names
import type { Context, Next } from "hono";
import type { Clock } from "../base/clock.ts";
import { LINK, type Linked } from "../session/link.ts";
import { problem } from "./errors.ts";
import { flatHeaders } from "./heads.ts";
import type { UpgradeWebSocket } from "./hono.ts";
import { BROKEN } from "./socket_close.ts";
import { type JointSocket, type SocketData, SocketJoint } from "./socket_joint.ts";
import { type DialledTunnel, tunnelDial, type TunnelDialOptions } from "./tunnel_dial.ts";

/** How long an upgraded socket may take to say that it is open, in ms: a browser that has left meanwhile is told by nobody. */
const OPEN_MS = 10_000;

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
  upgradeWebSocket: UpgradeWebSocket,
  asked: Omit<TunnelDialOptions, "headers"> & { path: string; headers: Headers },
): Promise<Response | void> {
  const { headers } = asked;
  const protocols = headers.get("sec-websocket-protocol")?.split(",").map((name) => name.trim()) ?? [];
  for (const name of [...headers.keys()]) if (name.startsWith("sec-websocket-")) headers.delete(name);
  let tunnel: DialledTunnel;
  try {
    tunnel = await tunnelDial(via, target, "websocket", { ...asked, protocols });
  } catch (error) {
    const head = { method: "GET", path: asked.path, headers: flatHeaders(headers) };
    return problem((error as Error).cause ?? error, target, head);
  }
  const { protocol = "" } = tunnel;
  // A far end that says nothing of it leaves it to the helper, which takes the first.
  const isChosen = tunnel.protocol !== undefined && (protocol === "" || protocols.includes(protocol));
  try {
    if (isChosen) offerOnly(c, protocol);
    const upgrade = upgradeWebSocket(() => eventsOf(tunnel, via[LINK].options.clock), isChosen ? { protocol } : {});
    return await upgrade(c, () => {
      tunnel.close("it was not upgraded");
      return next();
    });
  } catch (error) {
    tunnel.close("it was not upgraded");
    throw error;
  }
}

/** Deno's helper takes what was chosen as an option. Those of Bun and Node choose the first that is offered: here there is no other. */
function offerOnly(c: Context, protocol: string): void {
  const name = "sec-websocket-protocol";
  const offered = (c.env as { incoming?: { headers: Record<string, unknown> } } | undefined)?.incoming?.headers;
  if (offered) {
    if (protocol) offered[name] = protocol;
    else delete offered[name];
  }
  try {
    if (protocol) c.req.raw.headers.set(name, protocol);
    else c.req.raw.headers.delete(name);
  } catch {
    // Deno's and Workers' requests cannot be changed.
  }
}

/** What a helper calls when something happens to the socket. */
function eventsOf(tunnel: DialledTunnel, clock: Clock): Record<string, unknown> {
  const never = clock.timer(OPEN_MS, () => tunnel.close("its WebSocket was never opened"));
  let made: SocketJoint | undefined;
  // Workers are not told of the opening; there the first message brings the socket.
  const joint = (socket: HonoSocket): SocketJoint => {
    if (made) return made;
    never();
    made = new SocketJoint(jointSocket(socket), tunnel, clock);
    made.run();
    return made;
  };
  return {
    onOpen: (_: unknown, socket: HonoSocket) => void joint(socket),
    onMessage: ({ data }: { data: SocketData }, socket: HonoSocket) => joint(socket).message(data),
    onClose: ({ code, reason }: { code: number; reason: string }, socket: HonoSocket) =>
      joint(socket).left({ code, reason }),
    onError: (_: unknown, socket: HonoSocket) => joint(socket).left(BROKEN),
  };
}

function jointSocket(socket: HonoSocket): JointSocket {
  const { raw } = socket;
  const canWait = raw?.pause && raw.resume;
  return {
    send: (packet) => socket.send(packet),
    close: ({ code, reason }) => socket.close(code, reason),
    buffered: () => raw?.getBufferedAmount?.() ?? raw?.bufferedAmount ?? 0,
    ...(canWait && { pause: () => raw.pause!(), resume: () => raw.resume!() }),
  };
}
