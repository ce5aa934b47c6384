// edge: no Deno, Bun, node: or cloudflare: names
import { segmentFault } from "../../protocol/principals.ts";
import { isBytes, isCount, isPlain, isText } from "./plain.ts";

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
