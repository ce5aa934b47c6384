// edge: no Deno, Bun, node: or cloudflare: names
import type { PrincipalType } from "./principals.ts";

/** A session as an administrator sees it. */
export interface ConnectionInfo {
  /** Its id. */
  sessionId: string;
  /** What kind of principal. */
  principalType: PrincipalType;
  /** The topic its identity owns. */
  topic: string;
  /** The workspace it is in. */
  workspace?: string;
  /** Whether it has a socket now. */
  connected: boolean;
  /** When it was made, ms since epoch. */
  connectedAt: number;
  /** When it was last heard, ms since epoch. */
  lastActivityAt: number;
}

/** How the gateway is. */
export interface HealthInfo {
  /** Whether it takes connections and writes. */
  status: "ok" | "draining" | "failing";
  /** Why not, when it does not. */
  reason?: string;
  /** Version of the gateway. */
  version: string;
  /** Sessions, with or without a socket. */
  sessions: number;
  /** Those with one. */
  connected: number;
  /** Tasks that are not over. */
  tasks: number;
}
