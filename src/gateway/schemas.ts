// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { InvalidArgumentError } from "../errors.ts";
import { segmentFault } from "../protocol/principals.ts";
import type { Bye, Hello } from "../protocol/handshake.ts";

/** One segment of a topic. */
export const segment = v.pipe(
  v.string(),
  v.check(
    (text) => segmentFault(text) === undefined,
    (issue) => `"${String(issue.input).slice(0, 140)}" ${segmentFault(issue.input)}`,
  ),
);
const emptyOrSegment = v.union([v.literal(""), segment]);
const named = { implementation: segment, specifier: segment };
/** A whole number, 0 or more. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
/** A short text. */
export const text = v.pipe(v.string(), v.maxLength(256));

const identity = v.variant("type", [
  v.object({ type: v.literal("agent"), workspace: segment, ...named }),
  v.object({ type: v.literal("unique_task"), workspace: segment, ...named }),
  v.object({
    type: v.literal("non_unique_task"),
    workspace: segment,
    implementation: segment,
    specifier: emptyOrSegment,
  }),
  v.object({ type: v.literal("user"), userId: segment, windowId: segment }),
  v.object({ type: v.literal("service"), ...named }),
  v.object({ type: v.literal("bridge"), ...named }),
  v.object({
    type: v.literal("orchestrator"),
    ...named,
    profiles: v.pipe(v.array(segment), v.minLength(1), v.maxLength(64)),
  }),
  v.object({ type: v.literal("workflow_engine") }),
  v.object({ type: v.literal("metrics_bridge") }),
]);

const hello = v.object({
  identity,
  workspace: v.optional(segment),
  credentials: v.optional(
    v.pipe(
      v.record(text, v.pipe(v.string(), v.maxLength(16_384))),
      v.check((map) => Object.keys(map).length <= 32, "more than 32 credentials"),
    ),
  ),
  producer: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{12}$/, "must be 12 characters of base64url")),
  resume: v.optional(v.object({ session: text, token: text, received: count, handled: count })),
  takeover: v.optional(v.boolean()),
  client: v.optional(text),
});

const bye = v.object({ code: count, reason: text, retryAfterMs: v.optional(count) });

/** Checks a stranger's body. @throws {InvalidArgumentError} naming the field at fault */
export function check<T>(schema: v.GenericSchema<unknown, T>, body: unknown, what: string): T {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = issue.path?.map((item) => String(item.key)).join(".") ?? "body";
  throw new InvalidArgumentError(`Cannot accept ${what}: ${path}: ${issue.message}`, path);
}

/** A client's hello, checked. @throws {InvalidArgumentError} naming the field at fault */
export function checkHello(body: unknown): Hello {
  return check(hello as unknown as v.GenericSchema<unknown, Hello>, body, "hello");
}

/** A client's goodbye, checked. */
export function checkBye(body: unknown): Bye {
  return check(bye as unknown as v.GenericSchema<unknown, Bye>, body, "bye");
}
