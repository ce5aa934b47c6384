// edge: no Deno, Bun, node: or cloudflare: names
import type { Unsubscribe } from "../base/emitter.ts";
import { type Logger, silent } from "../base/logger.ts";
import type { ConnectionAck } from "../protocol/messages.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import { OrchestratorClient, type OrchestratorClientOptions } from "./orchestrator.ts";
import type * as verbs from "./senders.ts";

/** Options of a {@link BaseOrchestrator}. */
export interface BaseOrchestratorOptions extends OrchestratorClientOptions {
  /** Whether every launch is written to the log. */
  logAssignments?: boolean;
  /** How many launches it does at once; 8 by default. */
  concurrency?: number;
}

/**
 * Launches principals that are needed and away: say how in `launchTask`. When that resolves, the launch is under way; when it
 * rejects, the launch has failed for the reason given, and is tried again a few times.
 * @example
 * ```ts
 * import { BaseOrchestrator, type TaskAssignment } from "@aether-edge/sdk";
 * class Shell extends BaseOrchestrator {
 *   override launchTask({ targetImplementation, specifier }: TaskAssignment): Promise<void> {
 *     console.log(`starting ${targetImplementation} ${specifier}`);
 *     return Promise.resolve();
 *   }
 * }
 * const shell = new Shell({ address: "localhost:8787", implementation: "shell", supportedProfiles: ["shell"] });
 * if (shell.connected) throw new Error("never");
 * ```
 */
export abstract class BaseOrchestrator {
  /** The client underneath. */
  readonly client: OrchestratorClient;

  /**
   * Makes one.
   * @throws {InvalidArgumentError} without a profile, or for a part that cannot be in a topic
   */
  constructor(options: BaseOrchestratorOptions) {
    const { logAssignments = false, concurrency = 8, logger = silent } = options;
    this.client = new OrchestratorClient(options);
    this.client.onTaskAssignment((assignment) => this.#launch(assignment, logAssignments ? logger : silent), {
      slots: concurrency,
    });
  }

  /** Launches one principal: with `assignment.launchParams`, where `auth_token` lets it in as `withTaskToken(…)`. */
  abstract launchTask(assignment: TaskAssignment): Promise<void>;

  async #launch(assignment: TaskAssignment, logger: Logger): Promise<void> {
    const { taskId, attempt, targetImplementation, specifier } = assignment;
    logger("info", "launch", { taskId, targetImplementation, specifier });
    try {
      await this.launchTask(assignment);
      await this.client.completeTask(taskId, { attempt });
    } catch (error) {
      logger("error", "launch.failed", { taskId, targetImplementation, specifier, error: String(error) });
      await this.client.failTask(taskId, error instanceof Error ? error : String(error), { attempt });
    }
  }

  /** Connects; see {@link OrchestratorClient}. */
  connect(options: { signal?: AbortSignal } = {}): Promise<ConnectionAck> {
    return this.client.connect(options);
  }
  /** Says goodbye. */
  disconnect(): Promise<void> {
    return this.client.disconnect();
  }
  /** Same as {@link BaseOrchestrator.disconnect}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }
  /** Whether it is connected now. */
  get connected(): boolean {
    return this.client.connected;
  }
  /** Id of the session. */
  get sessionId(): string {
    return this.client.sessionId;
  }
  /** What kind of orchestrator. */
  get implementation(): string {
    return this.client.implementation;
  }
  /** Which one of its kind. */
  get specifier(): string {
    return this.client.specifier;
  }
  /** Profiles it can launch. */
  get supportedProfiles(): readonly string[] {
    return this.client.supportedProfiles;
  }
  /** The gateway's welcome. */
  onConnect(handler: (ack: ConnectionAck) => unknown): Unsubscribe {
    return this.client.onConnect(handler);
  }
  /** The connection is gone. */
  onDisconnect(handler: (reason: string) => unknown): Unsubscribe {
    return this.client.onDisconnect(handler);
  }
  /** Another attempt will be made. */
  onReconnecting(handler: (attempt: number) => unknown): Unsubscribe {
    return this.client.onReconnecting(handler);
  }
  /** What went wrong and has nobody else to hear it. */
  onError(handler: (error: Error) => unknown): Unsubscribe {
    return this.client.onError(handler);
  }
  /** See {@link verbs.SendToAgent}. */
  get sendStatusToAgent(): verbs.SendToAgent {
    return this.client.sendStatusToAgent;
  }
  /** See {@link verbs.SendToTask}. */
  get sendStatusToTask(): verbs.SendToTask {
    return this.client.sendStatusToTask;
  }
}
