// edge: no Deno, Bun, node: or cloudflare: names
import { requireSegment } from "../protocol/principals.ts";
import { AetherClient } from "./aether_client.ts";
import { onTaskAssignment } from "./assignments.ts";
import type { ClientOptions } from "./options.ts";
import * as verbs from "./senders.ts";
import type { OnTaskAssignment } from "./task_taker.ts";

/** Receives the events of all workspaces and commands whom it likes; there is one. */
export class WorkflowEngineClient extends AetherClient {
  /** See {@link verbs.SendToAgent}. */
  readonly sendCommandToAgent: verbs.SendToAgent = verbs.sendToAgent(this.session);
  /** See {@link verbs.SendToTask}. */
  readonly sendCommandToTask: verbs.SendToTask = verbs.sendToTask(this.session);
  /** See {@link verbs.Broadcast}. */
  readonly broadcastToAgents: verbs.Broadcast = verbs.broadcastToAgents(this.session);
  /** See {@link verbs.Broadcast}. */
  readonly broadcastToUsers: verbs.Broadcast = verbs.broadcastToUsers(this.session);
  /** See {@link verbs.SendToUser}. */
  readonly sendToUser: verbs.SendToUser = verbs.sendToUser(this.session);
  /** See {@link verbs.SendToUserBroadcast}. */
  readonly sendToUserBroadcast: verbs.SendToUserBroadcast = verbs.sendToUserBroadcast(this.session);
  /** See {@link verbs.SendMetric}. */
  readonly sendMetric: verbs.SendMetric = verbs.sendMetric(this.session);

  /**
   * Makes one.
   * @param options how to connect
   */
  constructor(options: ClientOptions = {}) {
    super({ type: "workflow_engine" }, options);
  }
}

/** Receives the metrics of all workspaces and sends nothing; there is one. */
export class MetricsBridgeClient extends AetherClient {
  /**
   * Makes one.
   * @param options how to connect
   */
  constructor(options: ClientOptions = {}) {
    super({ type: "metrics_bridge" }, options);
  }
}

/** Options of a {@link BridgeClient} or {@link ServiceClient}. */
export interface PlatformClientOptions extends ClientOptions {
  /** What kind. */
  implementation: string;
  /** Which one of its kind. */
  specifier: string;
}

/** What bridges and services share: no workspace of their own, and so all of them. */
export abstract class PlatformClient extends AetherClient {
  /** What kind. */
  readonly implementation: string;
  /** Which one of its kind. */
  readonly specifier: string;
  /** See {@link verbs.SendToAgent}. */
  readonly sendToAgent: verbs.SendToAgent = verbs.sendToAgent(this.session);
  /** See {@link verbs.SendToTask}. */
  readonly sendToTask: verbs.SendToTask = verbs.sendToTask(this.session);
  /** See {@link verbs.SendToUser}. */
  readonly sendToUser: verbs.SendToUser = verbs.sendToUser(this.session);
  /** See {@link verbs.SendToUserWorkspace}. */
  readonly sendToUserWorkspace: verbs.SendToUserWorkspace = verbs.sendToUserWorkspace(this.session);
  /** See {@link verbs.SendToUserBroadcast}. */
  readonly sendToUserBroadcast: verbs.SendToUserBroadcast = verbs.sendToUserBroadcast(this.session);
  /** See {@link verbs.SendToService}. */
  readonly sendToService: verbs.SendToService = verbs.sendToService(this.session);
  /** See {@link verbs.Broadcast}. */
  readonly broadcastToAgents: verbs.Broadcast = verbs.broadcastToAgents(this.session);
  /** See {@link verbs.Broadcast}. */
  readonly broadcastToUsers: verbs.Broadcast = verbs.broadcastToUsers(this.session);

  /** Makes one. */
  constructor(type: "bridge" | "service", options: PlatformClientOptions) {
    const implementation = requireSegment(options.implementation, "implementation");
    const specifier = requireSegment(options.specifier, "specifier");
    super({ type, implementation, specifier }, options);
    this.implementation = implementation;
    this.specifier = specifier;
  }
}

/** Joins another system to the fabric, across workspaces. */
export class BridgeClient extends PlatformClient {
  /**
   * Makes one.
   * @throws {InvalidArgumentError} for a part that cannot be in a topic
   */
  constructor(options: PlatformClientOptions) {
    super("bridge", options);
  }
}

/** Offers something to everybody as `sv::implementation::specifier`; several instances share `sv::implementation`. */
export class ServiceClient extends PlatformClient {
  /** Hears of every task it is given; see {@link OnTaskAssignment}. */
  readonly onTaskAssignment: OnTaskAssignment = onTaskAssignment(this.session);

  /**
   * Makes one.
   * @throws {InvalidArgumentError} for a part that cannot be in a topic
   */
  constructor(options: PlatformClientOptions) {
    super("service", options);
  }
}
