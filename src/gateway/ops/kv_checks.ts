// edge: no Deno, Bun, node: or cloudflare: names
import { KV_KEY_BYTES } from "../../protocol/limits.ts";
import { segmentFault } from "../../protocol/principals.ts";
import { isBytes, isCount, isPlain, isText } from "./plain.ts";

/** 2 to the power of 31, the most seconds a key may last. */
const MOST_TTL = 2 ** 31;

function isRightInGet(name: string, value: unknown): boolean {
  switch (name) {
    case "key":
      // No character of a text takes more than three bytes.
      return isText(value, Math.floor(KV_KEY_BYTES / 3)) && (value as string).isWellFormed();
    case "scope":
      return isCount(value) && (value as number) >= 1 && (value as number) <= 8;
    case "workspace":
    case "userId":
      return segmentFault(value) === undefined;
    default:
      return false;
  }
}

function isRightInPut(name: string, value: unknown): boolean {
  switch (name) {
    case "value":
      return isBytes(value);
    case "ttl":
      return typeof value === "number" && value >= 0 && value <= MOST_TTL;
    default:
      return isRightInGet(name, value);
  }
}

/** A key as most are. */
export function isPlainKey(body: unknown): boolean {
  return isPlain(body, isRightInGet, "key");
}

/** A key and what is written there. */
export function isPlainPut(body: unknown): boolean {
  return isPlain(body, isRightInPut, "key", "value");
}
