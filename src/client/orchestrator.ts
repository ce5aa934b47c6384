// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { shortId, systemRandom } from "../base/ids.ts";
import { requireSegment } from "../protocol/principals.ts";
import { AetherClient } from "./aether_client.ts";
import { onTaskAssignment } from "./assignments.ts";
import type { ClientOptions } from "./options.ts";
import * as verbs from "./senders.ts";
import type { OnTaskAssignment } from "./task_taker.ts";

/** Options of an {@link OrchestratorClient}. */
export interface OrchestratorClientOptions extends ClientOptions {
  /** What kind of orchestrator. */
  implementation: string;
  /** Profiles it can launch, at least one. */
  supportedProfiles: string[];
  /** Which one of its kind; made up when left out. */
  specifier?: string;
}

/** Launches compute for principals that are away. */
export class OrchestratorClient extends AetherClient {
  /** What kind of orchestrator. */
  readonly implementation: string;
  /** Which one of its kind. */
  readonly specifier: string;
  /** Profiles it can launch. */
  readonly supportedProfiles: readonly string[];
  /** Hears of everything that is to be launched; `completeTask` or `failTask` says how it went. See {@link OnTaskAssignment}. */
  readonly onTaskAssignment: OnTaskAssignment = onTaskAssignment(this.session);
  /** See {@link verbs.SendToAgent}. */
  readonly sendStatusToAgent: verbs.SendToAgent = verbs.sendToAgent(this.session);
  /** See {@link verbs.SendToTask}. */
  readonly sendStatusToTask: verbs.SendToTask = verbs.sendToTask(this.session);

  /**
   * Makes one.
   * @throws {InvalidArgumentError} without a profile, or for a part that cannot be in a topic
   */
  constructor(options: OrchestratorClientOptions) {
    const implementation = requireSegment(options.implementation, "implementation");
    const specifier = requireSegment(options.specifier ?? shortId(options.random ?? systemRandom), "specifier");
    if (!Array.isArray(options.supportedProfiles) || options.supportedProfiles.length === 0) {
      throw new InvalidArgumentError(
        "Cannot make an orchestrator without a profile: give supportedProfiles",
        "supportedProfiles",
      );
    }
    const profiles = options.supportedProfiles.map((profile) => requireSegment(profile, "supportedProfiles"));
    super({ type: "orchestrator", implementation, specifier, profiles }, options);
    this.implementation = implementation;
    this.specifier = specifier;
    this.supportedProfiles = profiles;
  }
}
