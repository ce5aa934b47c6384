// edge: no Deno, Bun, node: or cloudflare: names
/**
 * The gateway: embed it, serve it, or dial it in process.
 * @module
 */
export { createGateway } from "./gateway.ts";
export type { Gateway, SessionInfo } from "./gateway.ts";
export type { GatewayOptions } from "./options.ts";
export type { IngressOptions } from "./ingress.ts";
export { allowAll, tokenAuth } from "./auth.ts";
export type { Authenticator, Claim, Decision, TokenAuthOptions, TokenKey } from "./auth.ts";
export type { Identity, PrincipalType } from "../protocol/principals.ts";
export type { Limits } from "../protocol/limits.ts";
export type { CancelTimer, Clock, EndOfTurn } from "../base/clock.ts";
export type { Random } from "../base/ids.ts";
export type { Logger, LogLevel } from "../base/logger.ts";
export type { Carry } from "../transport/memory.ts";
export type { CloseInfo, Dial, DialTls, Transport, TransportSink } from "../transport/transport.ts";
export type {
  DedupeStore,
  KvChange,
  KvExpired,
  KvRecord,
  KvStore,
  KvWrite,
  LaneExtent,
  LogRecord,
  LogStore,
  MaybePromise,
  Store,
} from "../store/store.ts";
