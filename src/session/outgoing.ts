// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { NO_BYTES, utf8 } from "../base/bytes.ts";
import { MESSAGE_ID_BYTES, METADATA_BYTES, TOPIC_BYTES } from "../protocol/limits.ts";
import { encodeStructured } from "../protocol/structured.ts";

/** One message to send. */
export interface Outgoing {
  topic: string;
  payload: Uint8Array;
  messageType: number;
  id?: string;
  metadata?: Record<string, string>;
  ttlMs?: number;
  signal?: AbortSignal;
}

/** A message with what its sender says besides. */
export function outgoing(
  topic: string,
  payload: Uint8Array,
  messageType: number,
  options?: Omit<Outgoing, "topic" | "payload" | "messageType">,
): Outgoing {
  // One by one, so that all of them have one shape.
  return {
    topic,
    payload,
    messageType,
    id: options?.id,
    metadata: options?.metadata,
    ttlMs: options?.ttlMs,
    signal: options?.signal,
  };
}

// What can be said about a message before it leaves is said to the caller at once.

function tooLong(argument: string, current: number, limit: number): InvalidArgumentError {
  const words = `Cannot send ${argument} of ${current} bytes: at most ${limit} are allowed`;
  return new InvalidArgumentError(words, argument, { details: { limit, current } });
}

/** Refuses what is no payload, or too large a one. */
export function requirePayload(payload: unknown, most: number): void {
  if (!(payload instanceof Uint8Array)) {
    throw new InvalidArgumentError(
      `Cannot send a payload of type ${typeof payload}: it must be a Uint8Array`,
      "payload",
    );
  }
  if (payload.length > most) {
    throw tooLong("payload", payload.length, most);
  }
}

/** Bytes of a topic. */
export function topicBytes(topic: string): Uint8Array {
  const bytes = utf8(topic);
  if (bytes.length > TOPIC_BYTES) {
    throw tooLong("topic", bytes.length, TOPIC_BYTES);
  }
  return bytes;
}

/** Bytes of a message id; none when the message has none of its own. */
export function idBytes(id: string | undefined): Uint8Array {
  if (id === undefined) return NO_BYTES;
  const bytes = typeof id === "string" ? utf8(id) : NO_BYTES;
  if (bytes.length === 0 || bytes.length > MESSAGE_ID_BYTES) {
    throw new InvalidArgumentError(
      `Cannot use ${JSON.stringify(id)} as a message id: it must be a text of 1 to ${MESSAGE_ID_BYTES} bytes`,
      "id",
    );
  }
  return bytes;
}

/** Bytes of metadata; none when there is none. */
export function metadataBytes(metadata: Record<string, string> | undefined): Uint8Array {
  if (metadata === undefined) return NO_BYTES;
  for (const [name, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      throw new InvalidArgumentError(
        `Cannot send metadata "${name}": values must be texts, not ${typeof value}`,
        "metadata",
      );
    }
  }
  const bytes = encodeStructured(metadata);
  if (bytes.length > METADATA_BYTES) {
    throw tooLong("metadata", bytes.length, METADATA_BYTES);
  }
  return bytes;
}
