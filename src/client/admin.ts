// edge: no Deno, Bun, node: or cloudflare: names
import type { ConnectionInfo, HealthInfo } from "../protocol/admin.ts";
import type { AgentRegistration } from "../protocol/agents.ts";
import type { AuditQuery, AuditRecord } from "../protocol/audit.ts";
import type { PrincipalType } from "../protocol/principals.ts";
import type { PoolInfo, TaskFilter } from "../protocol/tasks.ts";
import type { Session } from "../session/session.ts";
import { type AetherClient, sessionOf } from "./aether_client.ts";

/** Which pool. */
export interface PoolOptions {
  /** Its name. */
  implementation: string;
  /** Its workspace; the caller's own by default. */
  workspace?: string;
}

/** Which connections. */
export interface ConnectionQuery {
  /** Those in this workspace. */
  workspace?: string;
  /** Those of this kind. */
  principalType?: PrincipalType;
  /** At most so many; 200 by default. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}

/**
 * Administration over any connected client whose credentials are an administrator's.
 * @example
 * ```ts
 * import { AdminClient } from "@aether-edge/sdk";
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric();
 * const agent = fabric.agent();
 * await agent.connect();
 * const admin = new AdminClient(agent);
 * await admin.registerAgent({ implementation: "worker", profile: "docker", launchParams: { image: "worker:1" } });
 * const { connections } = await admin.getConnections({ workspace: "test" });
 * if (connections.length !== 1) throw new Error("never");
 * ```
 */
export class AdminClient {
  readonly #session: Session;

  /**
   * Makes one.
   * @param client how to reach the gateway
   */
  constructor(client: AetherClient) {
    this.#session = sessionOf(client);
  }

  /** How the gateway is. */
  getHealth(): Promise<HealthInfo> {
    return this.#session.call("admin.health", {});
  }
  /** Who is connected, by topic. */
  async getConnections(
    query: ConnectionQuery = {},
  ): Promise<{ connections: ConnectionInfo[]; nextCursor: string | undefined }> {
    const { sessions, nextCursor } = await this.#session.call("admin.sessions", query);
    return { connections: sessions, nextCursor };
  }
  /** Ends a session for good; false when there is none of that id. */
  async disconnectSession(options: { sessionId: string; reason?: string }): Promise<boolean> {
    const { found } = await this.#session.call("admin.disconnect", options);
    return found;
  }
  /** Says how principals of an implementation are launched when they are needed and away. */
  async registerAgent(agent: AgentRegistration): Promise<void> {
    await this.#session.call("agent.register", agent);
  }
  /** Says it no more; false when nobody had. */
  async removeAgent(options: { implementation: string }): Promise<boolean> {
    const { found } = await this.#session.call("agent.remove", options);
    return found;
  }
  /** How an implementation is launched. */
  getAgent(options: { implementation: string }): Promise<{ agent?: AgentRegistration }> {
    return this.#session.call("agent.get", options);
  }
  /** All implementations that can be launched, a page at a time. */
  listAgents(options: { cursor?: string } = {}): Promise<{ agents: AgentRegistration[]; nextCursor?: string }> {
    return this.#session.call("agent.list", { cursor: options.cursor });
  }

  /** What principals have submitted, newest first; go on while there is a `nextCursor`. */
  queryAudit(query: AuditQuery = {}): Promise<{ events: AuditRecord[]; nextCursor?: string }> {
    return this.#session.call("admin.audit", query);
  }

  /** Cancels every task that fits, and says how many. */
  async cancelTasks(filter: TaskFilter, reason?: string): Promise<number> {
    return (await this.#session.call("task.bulk", { filter, action: "cancel", reason })).count;
  }
  /** Begins every task anew that fits and is over without being completed, and says how many. */
  async retryTasks(filter: TaskFilter): Promise<number> {
    return (await this.#session.call("task.bulk", { filter, action: "retry" })).count;
  }
  /** A pool: who works in it, what waits. */
  getPool(options: PoolOptions): Promise<PoolInfo> {
    return this.#pool(options, "get");
  }
  /** Has a pool give out nothing; what runs goes on. */
  pausePool(options: PoolOptions): Promise<PoolInfo> {
    return this.#pool(options, "pause");
  }
  /** Lets it go on. */
  resumePool(options: PoolOptions): Promise<PoolInfo> {
    return this.#pool(options, "resume");
  }

  async #pool({ implementation, workspace }: PoolOptions, action: "get" | "pause" | "resume"): Promise<PoolInfo> {
    return (await this.#session.call("task.pool", { implementation, workspace, action })).pool;
  }
}
