// edge: no Deno, Bun, node: or cloudflare: names
import { requireSegment } from "../protocol/principals.ts";
import { AetherClient } from "./aether_client.ts";
import { onTaskAssignment } from "./assignments.ts";
import type { ClientOptions } from "./options.ts";
import * as verbs from "./senders.ts";
import type { OnTaskAssignment } from "./task_taker.ts";
import { type SwitchWorkspace, switchWorkspace } from "./workspace.ts";

/** Options of an {@link AgentClient}. */
export interface AgentClientOptions extends ClientOptions {
  /** Workspace it works in. */
  workspace: string;
  /** What kind of agent. */
  implementation: string;
  /** Which one of its kind. */
  specifier: string;
}

/**
 * An agent: one live connection per workspace, implementation and specifier.
 * @example
 * ```ts
 * import { AgentClient } from "@aether-edge/sdk";
 * const agent = new AgentClient({ address: "localhost:8787", workspace: "prod", implementation: "desk", specifier: "1" });
 * if (agent.topic !== "ag::prod::desk::1") throw new Error("never");
 * ```
 */
export class AgentClient extends AetherClient {
  /** What kind of agent. */
  readonly implementation: string;
  /** Which one of its kind. */
  readonly specifier: string;
  /** See {@link verbs.SendToAgent}. */
  readonly sendToAgent: verbs.SendToAgent = verbs.sendToAgent(this.session);
  /** See {@link verbs.SendToTask}. */
  readonly sendToTask: verbs.SendToTask = verbs.sendToTask(this.session);
  /** See {@link verbs.SendToPool}. */
  readonly sendToPool: verbs.SendToPool = verbs.sendToPool(this.session);
  /** See {@link verbs.SendToUser}. */
  readonly sendToUser: verbs.SendToUser = verbs.sendToUser(this.session);
  /** See {@link verbs.SendToUserWorkspace}. */
  readonly sendToUserWorkspace: verbs.SendToUserWorkspace = verbs.sendToUserWorkspace(this.session);
  /** See {@link verbs.SendToService}. */
  readonly sendToService: verbs.SendToService = verbs.sendToService(this.session);
  /** See {@link verbs.Broadcast}. */
  readonly broadcastToAgents: verbs.Broadcast = verbs.broadcastToAgents(this.session);
  /** See {@link verbs.Broadcast}. */
  readonly broadcastToUsers: verbs.Broadcast = verbs.broadcastToUsers(this.session);
  /** See {@link verbs.SendEvent}. */
  readonly sendEvent: verbs.SendEvent = verbs.sendEvent(this.session);
  /** See {@link verbs.SendMetric}. */
  readonly sendMetric: verbs.SendMetric = verbs.sendMetric(this.session);
  /** Hears of every task it is given; see {@link OnTaskAssignment}. */
  readonly onTaskAssignment: OnTaskAssignment = onTaskAssignment(this.session);

  /** Moves it to another workspace without a reconnect: its identity and topic move, the lock of the new one is taken first. */
  readonly switchWorkspace: SwitchWorkspace = switchWorkspace(this.session);

  /**
   * Makes one.
   * @throws {InvalidArgumentError} for a part that cannot be in a topic
   */
  constructor(options: AgentClientOptions) {
    const workspace = requireSegment(options.workspace, "workspace");
    const implementation = requireSegment(options.implementation, "implementation");
    const specifier = requireSegment(options.specifier, "specifier");
    super({ type: "agent", workspace, implementation, specifier }, options, workspace);
    this.implementation = implementation;
    this.specifier = specifier;
  }

  /** Workspace it works in. */
  get workspace(): string {
    return this.session.workspace!;
  }
}
