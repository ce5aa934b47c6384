// edge: no Deno, Bun, node: or cloudflare: names
/**
 * Every limit of the protocol in one place, with its unit and its reason. A gateway may be given others by
 * `createGateway({ limits })`; it says the ones a client needs in its welcome.
 */
export interface Limits {
  /** Bytes of one message payload. Larger ones stall every frame behind them; big data belongs in streams. */
  payloadBytes: number;
  /** Bytes of one frame's structured body: calls, notifications, handshake. */
  structuredBytes: number;
  /** Nesting of structured bodies: deeper than any honest call, shallow enough for every runtime's stack. */
  structuredDepth: number;
  /** Bytes of a message's encoded metadata: headers, not a second payload. */
  metadataBytes: number;
  /** Bytes of one WebSocket message. Bun's server default is 16 MiB, workerd's 32; two is enough for one payload and its turn. */
  socketMessageBytes: number;
  /** Silence after which a side asks the other for a sign of life, in ms. */
  pingAfterMs: number;
  /** Inbound silence after which the other side is taken for dead, in ms: two missed pings. */
  deadAfterMs: number;
  /** How long a session without a socket can be resumed, in ms. Its identity is free for another claimant at once. */
  resumeMs: number;
  /** How long work of a queue lane stays with a worker whose socket is gone, in ms: a blip does not hand it on twice. */
  redeliverAfterMs: number;
  /** Messages handed to one client and not yet handled. */
  windowMessages: number;
  /** Bytes of messages handed to one client and not yet handled; one message may exceed it. */
  windowBytes: number;
  /** Bytes of frames a side keeps for replay. Beyond it the session cannot be resumed and is closed. */
  replayBytes: number;
  /** Live broadcasts waiting for one slow client; beyond it the oldest is dropped and the client is told. */
  broadcastQueue: number;
  /** Messages one lane keeps for somebody absent. */
  laneMessages: number;
  /** Bytes one lane keeps for somebody absent. */
  laneBytes: number;
  /** How long a lane keeps a message, in ms (24 h, as the older system did). */
  retentionMs: number;
  /** Keys of one namespace of the key-value store, members of one set, checkpoints of one identity; as the older system had it. */
  kvKeys: number;
  /** How long a task of no class waits for its worker when the gateway itself was away, in ms. */
  taskGraceMs: number;
  /** How long a task that is over is kept, with its result, in ms. */
  taskRetentionMs: number;
  /** How long an audit event is kept, in ms (7 d, as the older system did). */
  auditRetentionMs: number;
  /** How long a message id is remembered, in ms. */
  dedupeMs: number;
  /** How many message ids are remembered; the window is the shorter of the two. */
  dedupeIds: number;
  /** How long a client may take to say hello, in ms. */
  helloMs: number;
  /** Requests one client may leave unanswered, each way. */
  pendingRequests: number;
  /** How long a requester waits unless it says otherwise, in ms. */
  requestTimeoutMs: number;
  /** Streams one client may have open, each way: a stream holds up to the window it began with in memory, all together 16 MiB more. */
  streams: number;
  /** Bytes of an HTTP request's or response's head; servers of the web take 8 to 64 KiB. */
  httpHeadBytes: number;
  /** Services a request may pass through, one calling the next, as the older system had it. */
  proxyDepth: number;
  /** Connections the gateway takes at most. */
  connections: number;
}

// The few a client needs before its welcome have names of their own: a client's bundle carries these and not the table.

/** Default of {@link Limits.payloadBytes}. */
export const PAYLOAD_BYTES: number = 1024 * 1024;
/** Default of {@link Limits.metadataBytes}. */
export const METADATA_BYTES: number = 8 * 1024;
/** Default of {@link Limits.structuredBytes}: one value of the key-value store and what says where it goes. */
export const STRUCTURED_BYTES: number = PAYLOAD_BYTES + 64 * 1024;
/** Default of {@link Limits.structuredDepth}. */
export const STRUCTURED_DEPTH = 32;
/** Default of {@link Limits.requestTimeoutMs}. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** The limits of a gateway that was given none. */
export const DEFAULT_LIMITS: Readonly<Limits> = {
  payloadBytes: PAYLOAD_BYTES,
  structuredBytes: STRUCTURED_BYTES,
  structuredDepth: STRUCTURED_DEPTH,
  metadataBytes: METADATA_BYTES,
  socketMessageBytes: 2 * 1024 * 1024,
  pingAfterMs: 15_000,
  deadAfterMs: 30_000,
  resumeMs: 60_000,
  redeliverAfterMs: 5_000,
  windowMessages: 1024,
  windowBytes: 1024 * 1024,
  replayBytes: 8 * 1024 * 1024,
  broadcastQueue: 1024,
  laneMessages: 10_000,
  laneBytes: 64 * 1024 * 1024,
  retentionMs: 24 * 3600_000,
  kvKeys: 10_000,
  taskGraceMs: 30_000,
  taskRetentionMs: 7 * 24 * 3600_000,
  auditRetentionMs: 7 * 24 * 3600_000,
  dedupeMs: 600_000,
  dedupeIds: 1_000_000,
  helloMs: 10_000,
  pendingRequests: 1024,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  streams: 1024,
  httpHeadBytes: 64 * 1024,
  proxyDepth: 8,
  connections: 100_000,
};

/** Bytes a side may send on a new stream before it is given credit: a round trip of 1 ms then allows 256 MB/s. */
export const STREAM_WINDOW: number = 256 * 1024;
/** A reader that keeps up grants more, up to this: 100 ms away it is 40 MB/s. */
export const STREAM_WINDOW_MOST: number = 4 * 1024 * 1024;
/** Bytes of stream data a side may have on its way in a socket: what a message has to wait behind. */
export const SOCKET_WINDOW: number = 1024 * 1024;
/** Bytes of one chunk: large enough to cost nothing, small enough to share a socket. */
export const CHUNK_BYTES: number = 64 * 1024;

/** Bytes of one topic segment, as the older system had it. */
export const SEGMENT_BYTES = 128;
/** Bytes of a whole topic: a prefix and at most four segments with their separators. */
export const TOPIC_BYTES = 512;
/** Bytes of a message id given by a user. */
export const MESSAGE_ID_BYTES = 128;
/** WebSocket subprotocol; the number changes when an old client could no longer be understood. */
export const SUBPROTOCOL = "aether.v1";
/** Prefix of the second subprotocol with which a browser may offer a token; never echoed. */
export const BEARER_PREFIX = "aether.bearer.";
/** The path a client dials when its address has none. */
export const CONNECT_PATH = "/v1/connect";
/** Target size of one WebSocket message when frames of a turn are joined: past this, joining wins nothing. */
export const BATCH_BYTES = 64 * 1024;

/** Longest key, in bytes of UTF-8. */
export const KV_KEY_BYTES = 512;
/** Largest value, in bytes: that of a message payload. */
export const KV_VALUE_BYTES: number = 1024 * 1024;

/** Bytes of keys and values in one config snapshot; what is beyond is named without its value. */
export const CONFIG_BYTES: number = 256 * 1024;
/** Bytes of names without their values in one config snapshot. */
export const CONFIG_NAME_BYTES: number = 256 * 1024;
/** Bytes of a checkpoint: a large state, and one that still fits into memory a few times. */
export const CHECKPOINT_BYTES: number = 16 * 1024 * 1024;
/** Bytes of a checkpoint in one call: large enough to be few, small enough for nothing to wait long behind one. */
export const CHECKPOINT_PART_BYTES: number = 512 * 1024;
/** Bytes of one message in a tunnel, as a WebSocket at the far end may take them. */
export const PACKET_BYTES: number = 16 * 1024 * 1024;
/** Audit events a session may submit a second, as the older system had it. */
export const AUDIT_PER_SECOND = 100;
/** Bytes of one audit event: what was done, not what it was done to. */
export const AUDIT_EVENT_BYTES: number = 16 * 1024;
