// edge: no Deno, Bun, node: or cloudflare: names
import { MessageType, type Receipt } from "../protocol/messages.ts";
import {
  agentTopic,
  globalAgentsTopic,
  globalUsersTopic,
  serviceTopic,
  taskBroadcastTopic,
  uniqueTaskTopic,
  userBroadcastTopic,
  userTopic,
  userWorkspaceTopic,
} from "../protocol/topics.ts";
import { outgoing } from "../session/outgoing.ts";
import type { Session } from "../session/session.ts";
import type { SendOptions } from "./aether_client.ts";
import { encodeMetric, type Metric } from "./metrics.ts";

/** Sends to one agent. */
export type SendToAgent = (
  workspace: string,
  implementation: string,
  specifier: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends to one unique task; without specifier (an empty text), to exactly one free worker of the pool. */
export type SendToTask = (
  workspace: string,
  implementation: string,
  specifier: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends to one window of a user. */
export type SendToUser = (
  userId: string,
  windowId: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends to a user's windows in a workspace. */
export type SendToUserWorkspace = (
  userId: string,
  workspace: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends to every window of a user. */
export type SendToUserBroadcast = (
  userId: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends to everybody of a kind in a workspace; the sender does not hear itself. */
export type Broadcast = (
  workspace: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends to exactly one free worker of a pool. */
export type SendToPool = (
  workspace: string,
  implementation: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends to a service: one instance, or any with an empty specifier. */
export type SendToService = (
  implementation: string,
  specifier: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
/** Sends an event of the own workspace to the workflow engine. */
export type SendEvent = (payload: Uint8Array, options?: SendOptions) => Promise<Receipt>;
/** Sends a metric of the own workspace to the metrics bridge. */
export type SendMetric = (metric: Metric | Uint8Array, options?: SendOptions) => Promise<Receipt>;

/** A function that remembers the topic it built last: senders repeat themselves, and building is checking. */
function remember<A extends string[]>(build: (...parts: A) => string): (...parts: A) => string {
  let last: A | undefined;
  let topic = "";
  return (...parts) => {
    if (last && last.every((part, index) => part === parts[index])) return topic;
    topic = build(...parts);
    last = parts;
    return topic;
  };
}

function post(
  session: Session,
  topic: string,
  payload: Uint8Array,
  messageType: MessageType,
  options: SendOptions | undefined,
): Promise<Receipt> {
  return session.send(outgoing(topic, payload, messageType, options));
}

type ThreeParts = (
  workspace: string,
  implementation: string,
  specifier: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
type TwoParts = (
  first: string,
  second: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;
type OnePart = (
  first: string,
  payload: Uint8Array,
  messageType?: MessageType,
  options?: SendOptions,
) => Promise<Receipt>;

function three(session: Session, build: (a: string, b: string, c: string) => string): ThreeParts {
  const topic = remember(build);
  return (a, b, c, payload, type = MessageType.Opaque, options) =>
    post(session, topic(a, b, c), payload, type, options);
}
function two(session: Session, build: (a: string, b: string) => string): TwoParts {
  const topic = remember(build);
  return (a, b, payload, type = MessageType.Opaque, options) => post(session, topic(a, b), payload, type, options);
}
function one(session: Session, build: (a: string) => string): OnePart {
  const topic = remember(build);
  return (a, payload, type = MessageType.Opaque, options) => post(session, topic(a), payload, type, options);
}

/** Makes the verb. */
export const sendToAgent = (session: Session): SendToAgent => three(session, agentTopic);
/** Makes the verb. */
export const sendToTask = (session: Session): SendToTask =>
  three(session, (ws, impl, spec) => (spec === "" ? taskBroadcastTopic(ws, impl) : uniqueTaskTopic(ws, impl, spec)));
/** Makes the verb. */
export const sendToUser = (session: Session): SendToUser => two(session, userTopic);
/** Makes the verb. */
export const sendToUserWorkspace = (session: Session): SendToUserWorkspace => two(session, userWorkspaceTopic);
/** Makes the verb. */
export const sendToUserBroadcast = (session: Session): SendToUserBroadcast => one(session, userBroadcastTopic);
/** Makes the verb. */
export const broadcastToAgents = (session: Session): Broadcast => one(session, globalAgentsTopic);
/** Makes the verb. */
export const broadcastToUsers = (session: Session): Broadcast => one(session, globalUsersTopic);
/** Makes the verb. */
export const sendToPool = (session: Session): SendToPool => two(session, taskBroadcastTopic);
/** Makes the verb. */
export const sendToService = (session: Session): SendToService =>
  two(session, (impl, spec) => serviceTopic(impl, spec === "" ? undefined : spec));
/** Makes the verb. */
export const sendEvent = (session: Session): SendEvent => (payload, options) =>
  post(session, "event::*", payload, MessageType.Event, options);
/** Makes the verb. */
export const sendMetric = (session: Session): SendMetric => (metric, options) =>
  post(session, "metric::*", metric instanceof Uint8Array ? metric : encodeMetric(metric), MessageType.Metric, options);
