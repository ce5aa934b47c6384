// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { requireSegment, segmentFault } from "./principals.ts";

/** A parsed topic; `lane` says which of the grammar's forms it has. */
export type Topic =
  | { lane: "agent" | "unique_task" | "task"; workspace: string; implementation: string; specifier: string }
  | { lane: "task_broadcast"; workspace: string; implementation: string }
  | { lane: "user"; userId: string; windowId: string }
  | { lane: "user_broadcast"; userId: string }
  | { lane: "user_workspace"; userId: string; workspace: string }
  | { lane: "global_agents" | "global_users"; workspace: string }
  | { lane: "progress"; workspace?: string; userId?: string }
  | { lane: "task_lane"; workspace: string; taskId: string; part: "events" | "msg" }
  | { lane: "event" | "metric"; workspace: string }
  | { lane: "bridge" | "service"; implementation: string; specifier: string }
  | { lane: "service_any"; implementation: string };

function join(prefix: string, segments: Record<string, string>): string {
  let topic = prefix;
  for (const name in segments) topic += `::${requireSegment(segments[name], name)}`;
  return topic;
}

/** `ag::workspace::implementation::specifier`: one agent. */
export function agentTopic(workspace: string, implementation: string, specifier: string): string {
  return join("ag", { workspace, implementation, specifier });
}
/** `ga::workspace`: all agents of a workspace. */
export function globalAgentsTopic(workspace: string): string {
  return join("ga", { workspace });
}
/** `tu::workspace::implementation::specifier`: one unique task. */
export function uniqueTaskTopic(workspace: string, implementation: string, specifier: string): string {
  return join("tu", { workspace, implementation, specifier });
}
/** `ta::workspace::implementation::id`: one pool worker, by the id the gateway gave it. */
export function taskTopic(workspace: string, implementation: string, id: string): string {
  return join("ta", { workspace, implementation, id });
}
/** `tb::workspace::implementation`: exactly one free worker of a pool. */
export function taskBroadcastTopic(workspace: string, implementation: string): string {
  return join("tb", { workspace, implementation });
}
/** `us::userId::windowId`: one window of a user. */
export function userTopic(userId: string, windowId: string): string {
  return join("us", { userId, windowId });
}
/** `uw::userId::workspace`: a user's windows in a workspace. */
export function userWorkspaceTopic(userId: string, workspace: string): string {
  return join("uw", { userId, workspace });
}
/** `uu::userId`: every window of a user. */
export function userBroadcastTopic(userId: string): string {
  return join("uu", { userId });
}
/** `gu::workspace`: all users of a workspace. */
export function globalUsersTopic(workspace: string): string {
  return join("gu", { workspace });
}
/** `event::workspace`, or `event::*` for the sender's own: to the workflow engine. */
export function eventTopic(workspace: string): string {
  return workspace === "*" ? "event::*" : join("event", { workspace });
}
/** `metric::workspace`, or `metric::*` for the sender's own: to the metrics bridge. */
export function metricTopic(workspace: string): string {
  return workspace === "*" ? "metric::*" : join("metric", { workspace });
}
/** `pg::workspace`: progress of a workspace; only the gateway writes there. */
export function progressTopic(workspace: string): string {
  return join("pg", { workspace });
}
/** `br::implementation::specifier`: one bridge. */
export function bridgeTopic(implementation: string, specifier: string): string {
  return join("br", { implementation, specifier });
}
/** `sv::implementation::specifier`: one service; without specifier, any instance. */
export function serviceTopic(implementation: string, specifier?: string): string {
  return specifier === undefined ? join("sv", { implementation }) : join("sv", { implementation, specifier });
}

const FORMS =
  "ag::ws::impl::spec, tu::ws::impl::spec, ta::ws::impl::id, tb::ws::impl, us::user::window, uw::user::ws, uu::user, " +
  "ga::ws, gu::ws, pg::ws, tk::ws::task::msg, event::ws, metric::ws, br::impl::spec, sv::impl::spec or sv::impl";

/**
 * Parses a topic.
 * @throws {InvalidArgumentError} naming the segment at fault and the forms that exist
 * @example
 * ```ts
 * import { parseTopic } from "@aether-edge/sdk";
 * const topic = parseTopic("ag::prod::worker::inst-1");
 * if (topic.lane !== "agent" || topic.specifier !== "inst-1") throw new Error("never");
 * ```
 */
export function parseTopic(text: string): Topic {
  const parts = text.split("::");
  const [prefix, a, b, c] = parts;
  const fault = (): never => {
    throw new InvalidArgumentError(`Cannot parse topic "${text.slice(0, 300)}": the forms are ${FORMS}`, "topic");
  };
  const wildcard = (prefix === "event" || prefix === "metric") && a === "*" && parts.length === 2;
  if (!wildcard) {
    for (let at = 1; at < parts.length; at++) {
      const why = segmentFault(parts[at]);
      if (why) {
        throw new InvalidArgumentError(`Cannot parse topic "${text.slice(0, 300)}": segment ${at} ${why}`, "topic");
      }
    }
  }
  const count = parts.length - 1;
  switch (prefix) {
    case "ag":
    case "tu":
    case "ta":
      if (count !== 3) return fault();
      return {
        lane: prefix === "ag" ? "agent" : prefix === "tu" ? "unique_task" : "task",
        workspace: a,
        implementation: b,
        specifier: c,
      };
    case "tb":
      return count === 2 ? { lane: "task_broadcast", workspace: a, implementation: b } : fault();
    case "us":
      return count === 2 ? { lane: "user", userId: a, windowId: b } : fault();
    case "uu":
      return count === 1 ? { lane: "user_broadcast", userId: a } : fault();
    case "uw":
      return count === 2 ? { lane: "user_workspace", userId: a, workspace: b } : fault();
    case "ga":
      return count === 1 ? { lane: "global_agents", workspace: a } : fault();
    case "gu":
      return count === 1 ? { lane: "global_users", workspace: a } : fault();
    case "pg":
      if (count === 2 && a === "us") return { lane: "progress", userId: b };
      return count === 1 ? { lane: "progress", workspace: a } : fault();
    case "tk":
      return count === 3 && (c === "events" || c === "msg")
        ? { lane: "task_lane", workspace: a, taskId: b, part: c }
        : fault();
    case "event":
    case "metric":
      return count === 1 ? { lane: prefix, workspace: a } : fault();
    case "br":
      return count === 2 ? { lane: "bridge", implementation: a, specifier: b } : fault();
    case "sv":
      if (count === 1) return { lane: "service_any", implementation: a };
      return count === 2 ? { lane: "service", implementation: a, specifier: b } : fault();
    default:
      return fault();
  }
}

/** The workspace a topic lies in, or undefined when its lane has none. */
export function topicWorkspace(topic: Topic): string | undefined {
  return "workspace" in topic ? topic.workspace : undefined;
}
