// edge: no Deno, Bun, node: or cloudflare: names
import type { Identity } from "./principals.ts";

/** What a client presents of a former session. */
export interface ResumeClaim {
  /** The session's id. */
  session: string;
  /** The secret of its last welcome. */
  token: string;
  /** Numbered frames received in it. */
  received: number;
  /** Messages handled in it. */
  handled: number;
}

/** Body of `Hello`. */
export interface Hello {
  /** Who connects. A non-unique task leaves its specifier empty. */
  identity: Identity;
  /** A user's workspace at connect. */
  workspace?: string;
  /** API key, bearer token and the like, by header-like names. */
  credentials?: Record<string, string>;
  /** 12 characters that name this client object across its sessions; message numbers count within it. */
  producer: string;
  /** A session to go on with. */
  resume?: ResumeClaim;
  /** Whether to replace a live holder of the identity. */
  takeover?: boolean;
  /** Name and version of the client, for logs. */
  client?: string;
}

/** Body of `Welcome`. */
export interface Welcome {
  /** Id of the session. */
  session: string;
  /** Secret with which to resume it. */
  token: string;
  /** Grows with every socket bound to an identity; an older socket can change nothing. */
  epoch: number;
  /** Whether the session asked for goes on. */
  resumed: boolean;
  /** Numbered frames the gateway has received in it. */
  received: number;
  /** The topic the identity owns. */
  topic: string;
  /** The id given to a non-unique task. */
  assignedId?: string;
  /** Version of the gateway. */
  version: string;
  /** The limits a client has to know. */
  limits: {
    payloadBytes: number;
    pingAfterMs: number;
    deadAfterMs: number;
    resumeMs: number;
    requestTimeoutMs: number;
  };
}

/** Body of `Bye`. */
export interface Bye {
  /** Close code that follows. */
  code: number;
  /** Why, in words. */
  reason: string;
  /** When to come back, for a gateway that drains. */
  retryAfterMs?: number;
}
