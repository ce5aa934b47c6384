// edge: no Deno, Bun, node: or cloudflare: names
/** What a message is about; a label the gateway passes on. */
export const MessageType = {
  Unspecified: 0,
  Chat: 1,
  Control: 2,
  ToolCall: 3,
  Event: 4,
  Metric: 5,
  Opaque: 6,
} as const;
/** One of {@link MessageType}'s values. */
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** Why the gateway ends a connection. */
export const SignalType = { ForceDisconnect: 0, GracefulDisconnect: 1 } as const;
/** One of {@link SignalType}'s values. */
export type SignalType = (typeof SignalType)[keyof typeof SignalType];

/** What the gateway says about a message it has taken. */
export interface Receipt {
  /** The message's id: yours, or the one that was made for it. */
  readonly id: string;
  /** Position in the target's lane, from 1; 0 when the lane keeps no log or the message was taken in an earlier session. */
  readonly sequence: number;
  /** Whether the same id had been taken before; it was delivered once. */
  readonly duplicate: boolean;
}

/** The gateway's welcome. */
export interface ConnectionAck {
  /** Id of the session; changes when a session could not be resumed. */
  readonly sessionId: string;
  /** Whether the former session goes on: nothing was lost on the way. */
  readonly resumed: boolean;
  /** The id the gateway gave a non-unique task. */
  readonly assignedId?: string;
  /** The topic this identity owns. */
  readonly topic: string;
  /** Version of the gateway. */
  readonly serverVersion: string;
}

/** Messages that could not be replayed. */
export interface Gap {
  /** The lane, when one is known; undefined for all live lanes of the session. */
  readonly topic?: string;
  /** Why they are gone. */
  readonly reason: "session_lost" | "trimmed" | "slow_consumer";
  /** How many, when known. */
  readonly missed?: number;
}

/** A signal of the gateway. */
export interface Signal {
  /** One of {@link SignalType}'s values. */
  readonly type: SignalType;
  /** Why, in words. */
  readonly reason: string;
}
