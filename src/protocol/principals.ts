// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { utf8 } from "../base/bytes.ts";
import { SEGMENT_BYTES } from "./limits.ts";

/** Kinds of principals. */
export const PrincipalType = {
  Agent: "agent",
  UniqueTask: "unique_task",
  NonUniqueTask: "non_unique_task",
  User: "user",
  Service: "service",
  Bridge: "bridge",
  Orchestrator: "orchestrator",
  WorkflowEngine: "workflow_engine",
  MetricsBridge: "metrics_bridge",
} as const;
/** One of {@link PrincipalType}'s values. */
export type PrincipalType = (typeof PrincipalType)[keyof typeof PrincipalType];

/** Who connects, by type; what a client says in its hello. */
export type Identity =
  | { type: "agent"; workspace: string; implementation: string; specifier: string }
  | { type: "unique_task"; workspace: string; implementation: string; specifier: string }
  | { type: "non_unique_task"; workspace: string; implementation: string; specifier: string }
  | { type: "user"; userId: string; windowId: string }
  | { type: "service"; implementation: string; specifier: string }
  | { type: "bridge"; implementation: string; specifier: string }
  | { type: "orchestrator"; implementation: string; specifier: string; profiles: string[] }
  | { type: "workflow_engine" }
  | { type: "metrics_bridge" };

/**
 * The topic an identity owns; also the key of its lock. Orchestrators, the workflow engine and the metrics bridge own
 * names nobody can send to (`orc::`) or that fan in (`event::receiver0`, `metric::receiver0`).
 */
export function identityTopic(identity: Identity): string {
  const { type } = identity;
  if (type === "workflow_engine") return "event::receiver0";
  if (type === "metrics_bridge") return "metric::receiver0";
  const parts = type === "user" ? [identity.userId, identity.windowId] : [identity.implementation, identity.specifier];
  if ("workspace" in identity) parts.unshift(identity.workspace);
  return [PREFIXES[type], ...parts].join("::");
}

const PREFIXES = {
  agent: "ag",
  unique_task: "tu",
  non_unique_task: "ta",
  user: "us",
  service: "sv",
  bridge: "br",
  orchestrator: "orc",
} as const;

/** Why a text cannot be a topic segment, or undefined when it can. */
export function segmentFault(text: unknown): string | undefined {
  if (typeof text !== "string") return `must be a text, not ${text === null ? "null" : typeof text}`;
  if (text === "") return "must not be empty";
  if (text.includes("::")) return 'must not contain "::"';
  if (text.startsWith(":") || text.endsWith(":")) return 'must not begin or end with ":"';
  // deno-lint-ignore no-control-regex
  if (/[*>\s\u0000-\u001f\u007f]/.test(text)) return 'must not contain "*", ">", white space or control characters';
  if (text.length > SEGMENT_BYTES || (text.length * 3 > SEGMENT_BYTES && utf8(text).length > SEGMENT_BYTES)) {
    return `must not be longer than ${SEGMENT_BYTES} bytes`;
  }
  return undefined;
}

/** Returns the text when it can be a segment of a topic; throws {@link InvalidArgumentError} naming the argument otherwise. */
export function requireSegment(text: unknown, argument: string): string {
  const fault = segmentFault(text);
  if (fault) throw new InvalidArgumentError(`Cannot use ${JSON.stringify(text)} as ${argument}: it ${fault}`, argument);
  return text as string;
}
