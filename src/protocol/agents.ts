// edge: no Deno, Bun, node: or cloudflare: names

/** How principals of an implementation are launched when they are needed and away. */
export interface AgentRegistration {
  /** What kind of agent or task. */
  implementation: string;
  /** Which orchestrators can launch it: those that support this profile. */
  profile: string;
  /** What the orchestrator gets: image, command, region … */
  launchParams?: Record<string, string>;
  /** For people. */
  description?: string;
}

/** A message or task that could not reach anybody, after all attempts to launch its target. */
export interface Undeliverable {
  /** Whom it was for. */
  topic: string;
  /** Why it did not come. */
  reason: string;
  /** The task that tried to launch it. */
  launchTaskId?: string;
}

/** Type of the tasks that orchestrators are given; the older system calls them so too. */
export const LAUNCH_TASK_TYPE = "agent_startup";
