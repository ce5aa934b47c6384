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

// What can be said about a message before it leaves is said to the caller at once.

/** Refuses what is no payload, or too large a one. */
export function requirePayload(payload: unknown, most: number): void {
  if (!(payload instanceof Uint8Array)) {
    throw new InvalidArgumentError(
      `Cannot send a payload of type ${typeof payload}: it must be a Uint8Array`,
      "payload",
    );
  }
  if (payload.length > most) {
    throw new InvalidArgumentError(
      `Cannot send a payload of ${payload.length} bytes: at most ${most} are allowed`,
      "payload",
      { details: { limit: most, current: payload.length } },
    );
  }
}

/** Bytes of a topic. */
export function topicBytes(topic: string): Uint8Array {
  const bytes = utf8(topic);
  if (bytes.length > TOPIC_BYTES) {
    throw new InvalidArgumentError(
      `Cannot send to a topic of ${bytes.length} bytes: at most ${TOPIC_BYTES} are allowed`,
      "topic",
    );
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
    throw new InvalidArgumentError(
      `Cannot send metadata of ${bytes.length} bytes: at most ${METADATA_BYTES} are allowed`,
      "metadata",
    );
  }
  return bytes;
}
