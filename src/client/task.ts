// edge: no Deno, Bun, node: or cloudflare: names
import { requireSegment } from "../protocol/principals.ts";
import { AetherClient } from "./aether_client.ts";
import { onTaskAssignment } from "./assignments.ts";
import type { ClientOptions } from "./options.ts";
import * as verbs from "./senders.ts";
import type { OnTaskAssignment } from "./task_taker.ts";
import { type SwitchWorkspace, switchWorkspace } from "./workspace.ts";

/** Options of a {@link TaskClient}. */
export interface TaskClientOptions extends ClientOptions {
  /** Workspace it works in. */
  workspace: string;
  /** What kind of task; the pool's name for one without specifier. */
  implementation: string;
  /** Makes it unique: one live connection of this name. Without it, it is a worker of the pool. */
  uniqueSpecifier?: string;
}

/** A task: unique by name, or one worker of a pool with an id that the gateway gives (`assignedId`). */
export class TaskClient extends AetherClient {
  /** What kind of task. */
  readonly implementation: string;
  /** Its name, when it is unique. */
  readonly uniqueSpecifier: string | undefined;
  /** See {@link verbs.SendToAgent}. */
  readonly sendToAgent: verbs.SendToAgent = verbs.sendToAgent(this.session);
  /** See {@link verbs.SendToTask}. */
  readonly sendToTask: verbs.SendToTask = verbs.sendToTask(this.session);
  /** See {@link verbs.SendToPool}. */
  readonly sendToPool: verbs.SendToPool = verbs.sendToPool(this.session);
  /** See {@link verbs.SendToUser}. */
  readonly sendToUser: verbs.SendToUser = verbs.sendToUser(this.session);
  /** See {@link verbs.SendToService}. */
  readonly sendToService: verbs.SendToService = verbs.sendToService(this.session);
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
  constructor(options: TaskClientOptions) {
    const workspace = requireSegment(options.workspace, "workspace");
    const implementation = requireSegment(options.implementation, "implementation");
    const unique = options.uniqueSpecifier === undefined
      ? undefined
      : requireSegment(options.uniqueSpecifier, "uniqueSpecifier");
    const type = unique === undefined ? "non_unique_task" : "unique_task";
    super({ type, workspace, implementation, specifier: unique ?? "" }, options, workspace);
    this.implementation = implementation;
    this.uniqueSpecifier = unique;
  }

  /** Whether it has a name of its own. */
  get isUnique(): boolean {
    return this.uniqueSpecifier !== undefined;
  }

  /** Workspace it works in. */
  get workspace(): string {
    return this.session.workspace!;
  }
}
