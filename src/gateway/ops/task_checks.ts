// edge: no Deno, Bun, node: or cloudflare: names
import { KV_VALUE_BYTES } from "../../protocol/limits.ts";
import { segmentFault } from "../../protocol/principals.ts";

// What the busiest operations mostly get, checked by hand: the schemas take a tenth of a gateway's time. Whatever has
// another field, or one that is not as it should be, is for the schema to judge, which also says what is wrong.

type Body = Readonly<Record<string, unknown>>;

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown, most: number): boolean {
  return typeof value === "string" && value.length > 0 && value.length <= most;
}

function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array && value.length <= KV_VALUE_BYTES;
}

function isMap(value: unknown): value is Body {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether a body has only fields that are right, and those that it must have. */
function isPlain(body: unknown, isRight: (name: string, value: unknown) => boolean, one: string, two = one): boolean {
  if (!isMap(body) || body[one] === undefined || body[two] === undefined) return false;
  for (const name in body) if (!isRight(name, body[name])) return false;
  return true;
}

function isRightInCreate(name: string, value: unknown): boolean {
  switch (name) {
    case "type":
    case "workspace":
    case "implementation":
      return segmentFault(value) === undefined;
    case "payload":
      return isBytes(value);
    case "isStructured":
      return typeof value === "boolean";
    case "watch":
      return isCount(value) && (value as number) < 2 ** 32;
    case "idempotencyKey":
    case "correlationId":
      return isText(value, 256);
    case "parentTaskId":
      return isText(value, 128);
    case "priority":
      return isCount(value) && (value as number) <= 100;
    case "timeoutMs":
    case "deadlineMs":
      return isCount(value) && (value as number) > 0 && (value as number) < 1e12;
    default:
      return false;
  }
}

function isRightInOutcome(name: string, value: unknown): boolean {
  switch (name) {
    case "kind":
      return value === "completed";
    case "result":
      return isBytes(value);
    case "isStructured":
      return typeof value === "boolean";
    default:
      return false;
  }
}

function isRightInSettle(name: string, value: unknown): boolean {
  switch (name) {
    case "taskId":
      return isText(value, 128);
    case "attempt":
      return isCount(value);
    case "outcome":
      return isPlain(value, isRightInOutcome, "kind");
    default:
      return false;
  }
}

/** A task as most are made. */
export function isPlainCreate(body: unknown): boolean {
  return isPlain(body, isRightInCreate, "type", "payload");
}

/** A task that is completed. */
export function isPlainSettle(body: unknown): boolean {
  return isPlain(body, isRightInSettle, "taskId", "outcome");
}
