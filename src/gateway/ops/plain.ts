// edge: no Deno, Bun, node: or cloudflare: names
import { KV_VALUE_BYTES } from "../../protocol/limits.ts";

// What the busiest operations mostly get, checked by hand: the schemas take a tenth of a gateway's time. Whatever has
// another field, or one that is not as it should be, is for the schema to judge, which also says what is wrong.

type Body = Readonly<Record<string, unknown>>;

/** Whether it is a whole number, 0 or more. */
export function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whether it is a text, neither empty nor longer. */
export function isText(value: unknown, most: number): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= most;
}

/** Whether it is bytes that fit into a value. */
export function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array && value.length <= KV_VALUE_BYTES;
}

function isMap(value: unknown): value is Body {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether a body has only fields that are right, and those that it must have. */
export function isPlain(
  body: unknown,
  isRight: (name: string, value: unknown) => boolean,
  one: string,
  two: string = one,
): boolean {
  if (!isMap(body) || body[one] === undefined || body[two] === undefined) return false;
  for (const name in body) if (!isRight(name, body[name])) return false;
  return true;
}
