// edge: no Deno, Bun, node: or cloudflare: names
/**
 * HTTP and tunnels over the connection: `fetch` to a service that has no port, and answering it.
 * @module
 */
export { AetherFetchTransport } from "./fetch_transport.ts";
export type { FetchInit, FetchTransportOptions } from "./fetch_transport.ts";
export { proxyHttp } from "./proxy_http.ts";
export type { ProxyHttpOptions } from "./proxy_http.ts";
export { serveHttp } from "./serve.ts";
export type { HttpCaller, HttpContext, HttpHandler, HttpLogEntry, HttpService, ServeHttpOptions } from "./serve.ts";
export { tunnelDial } from "./tunnel_dial.ts";
export type { DialledTunnel, TunnelDialOptions } from "./tunnel_dial.ts";
export { serveTunnels } from "./serve_tunnels.ts";
export type { AcceptOptions, IncomingTunnel, ServeTunnelsOptions } from "./serve_tunnels.ts";
export { httpUpstream } from "./upstream.ts";
export { webSocketUpstream } from "./socket_upstream.ts";
export type { Tunnel, TunnelLimits, TunnelProtocol } from "./tunnel.ts";
export type { Packet } from "./packets.ts";
export type { SocketClose } from "./socket_close.ts";
export type { BodySource } from "./body.ts";
export type { HeadersSource } from "./heads.ts";
export type { ExchangeOptions } from "./exchange.ts";
export type { HttpRules } from "../protocol/http.ts";
export type { Linked } from "../session/link.ts";
export { ProxyErrorKind, ProxyHttpError, TunnelClosedError } from "../errors.ts";
export type { TunnelCloseReason } from "../errors.ts";
