// edge: no Deno, Bun, node: or cloudflare: names
import type { Identity } from "../protocol/principals.ts";
import { parseTopic, type Topic, topicWorkspace } from "../protocol/topics.ts";

/** Who asks: an identity and the workspace it is in now. */
export interface Subject {
  readonly identity: Identity;
  readonly workspace: string | undefined;
}

/**
 * Whether a subject may send (or put a request) to a topic: undefined for yes, otherwise the reason. The permission
 * matrix, closed: system lanes are nobody's, workspace-bound senders stay in their workspace, and a user without a
 * workspace reaches only its own windows. Rules will be added here and nowhere else.
 */
export function sendFault(subject: Subject, topic: Topic): string | undefined {
  const type = subject.identity.type;
  if (topic.lane === "progress" || topic.lane === "task_lane") return "only the gateway writes progress and task lanes";
  switch (type) {
    case "service":
    case "bridge":
    case "workflow_engine":
      return undefined;
    case "metrics_bridge":
      return "a metrics bridge only receives";
    case "orchestrator":
      return ["agent", "unique_task", "task", "task_broadcast"].includes(topic.lane)
        ? undefined
        : "an orchestrator sends to agents and tasks only";
    case "user":
      if (topic.lane === "event" || topic.lane === "metric") return "users send no events or metrics";
      break;
  }
  if (topic.lane === "user_broadcast") return "only platform principals reach every window of a user";
  const target = topicWorkspace(topic);
  if (target !== undefined && target !== "*" && target !== subject.workspace) {
    return subject.workspace === undefined
      ? `a user without a workspace may not send into workspace "${target}": switch to it first`
      : `a sender of workspace "${subject.workspace}" may not send into workspace "${target}"`;
  }
  if (subject.workspace === undefined) {
    const own = subject.identity as { userId?: string };
    if (topic.lane !== "user" || topic.userId !== own.userId) {
      return "a user without a workspace reaches only its own windows";
    }
  }
  return undefined;
}

const CALLABLE: readonly Topic["lane"][] = ["agent", "unique_task", "task", "user", "bridge", "service", "service_any"];

/** Whether a subject may open streams to a topic: undefined for yes, otherwise the reason. The gateway's own program may. */
export function callFault(subject: Partial<Subject>, topic: Topic): string | undefined {
  if (!CALLABLE.includes(topic.lane)) return "only one principal or a service can answer";
  return subject.identity && sendFault({ identity: subject.identity, workspace: subject.workspace }, topic);
}

/** Whether a subject may use keys of a workspace or a user: undefined for yes, otherwise the reason. */
export function kvFault(subject: Subject, place: { workspace?: string; userId?: string }): string | undefined {
  const { identity, workspace } = subject;
  const isBound = identity.type === "user" || "workspace" in identity;
  if (isBound && place.workspace !== undefined && place.workspace !== workspace) {
    return workspace === undefined
      ? `a user without a workspace has no keys in workspace "${place.workspace}": switch to it first`
      : `a principal of workspace "${workspace}" may not use keys of workspace "${place.workspace}"`;
  }
  if (identity.type === "user" && place.userId !== undefined && place.userId !== identity.userId) {
    return `user "${identity.userId}" may not use keys of user "${place.userId}"`;
  }
  return undefined;
}

/** Whether a subject may report progress at all, and to whom: undefined for yes, otherwise the reason. */
export function progressFault(subject: Subject, recipientWorkspace: string | undefined): string | undefined {
  const { type } = subject.identity;
  if (type === "user" || type === "metrics_bridge") return `a ${type} reports no progress`;
  if (!("workspace" in subject.identity)) return undefined;
  return recipientWorkspace === undefined || recipientWorkspace === subject.workspace
    ? undefined
    : `a reporter of workspace "${subject.workspace}" may not report into workspace "${recipientWorkspace}"`;
}

/** Whether a subject may act in a workspace: undefined for yes, otherwise the reason. */
export function workspaceFault({ identity, workspace }: Subject, target: string): string | undefined {
  if (identity.type === "metrics_bridge") return "a metrics bridge only receives";
  const isBound = identity.type === "user" || "workspace" in identity;
  return isBound && workspace !== target
    ? `a principal of ${
      workspace === undefined ? "no workspace" : `workspace "${workspace}"`
    } may not act in workspace "${target}"`
    : undefined;
}

/** Whether a subject may work on tasks, of a pool if one is named. */
export function serveFault({ identity }: Subject, implementation?: string): string | undefined {
  if (identity.type === "user" || identity.type === "metrics_bridge") return `a ${identity.type} works on no tasks`;
  if (implementation !== undefined && "implementation" in identity && identity.implementation !== implementation) {
    return `its implementation is "${identity.implementation}"`;
  }
  return undefined;
}

/** Whether a subject may have a principal do a task. @throws {InvalidArgumentError} when that is no topic */
export function targetFault(subject: Subject, target: string): string | undefined {
  const topic = parseTopic(target);
  const works = ["agent", "unique_task", "task", "service", "bridge"];
  if (!works.includes(topic.lane)) return `"${target}" works on no tasks`;
  const workspace = topicWorkspace(topic);
  return workspace === undefined ? undefined : workspaceFault(subject, workspace);
}

/** Whether a subject may see a task and act on it: those of its workspace, its maker, its worker, and platform principals. */
export function taskFault(
  subject: Subject & { readonly topic: string },
  task: { readonly workspace: string; readonly creator: string; readonly assignedTo?: string },
): string | undefined {
  if (task.creator === subject.topic || task.assignedTo === subject.topic) return undefined;
  return workspaceFault(subject, task.workspace);
}

/** Whether a subject may say how others are launched. */
export function registerFault({ identity }: Subject): string | undefined {
  return identity.type === "user" || identity.type === "metrics_bridge"
    ? `a ${identity.type} registers nobody`
    : undefined;
}

/** Whether a subject may look at and change what is everybody's: undefined for yes, otherwise the reason. */
export function adminFault({ identity, isAdmin }: Subject & { readonly isAdmin: boolean }): string | undefined {
  const isEngine = identity.type === "orchestrator" || identity.type === "workflow_engine";
  return isAdmin || isEngine ? undefined : "its credentials are not an administrator's";
}
