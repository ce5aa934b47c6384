// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { PermissionDeniedError } from "../../errors.ts";
import type { ConnectionInfo, HealthInfo } from "../../protocol/admin.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import { PrincipalType } from "../../protocol/principals.ts";
import { adminFault } from "../access.ts";
import type { OpGroup } from "../ops.ts";
import type { Registry } from "../registry.ts";
import { segment, text } from "../schemas.ts";
import type { Session } from "../session.ts";
import { checked } from "./kv_schemas.ts";

const PAGE = 200;

/** What an administrator may have the gateway do. */
export interface Administered {
  health(): HealthInfo;
  disconnect(sessionId: string, reason?: string): boolean;
}

/** Who is here, and how the gateway is. */
export class AdminOps implements OpGroup {
  readonly #registry: Registry;
  readonly #gateway: Administered;

  constructor(registry: Registry, gateway: Administered) {
    this.#registry = registry;
    this.#gateway = gateway;
  }

  readonly ops: OpGroup["ops"] = {
    "admin.health": {
      check: checked("admin.health", v.object({})),
      run: (session) => {
        require(session);
        return this.#gateway.health();
      },
    },
    "admin.sessions": {
      check: checked(
        "admin.sessions",
        v.object({
          workspace: v.optional(segment),
          principalType: v.optional(v.picklist(Object.values(PrincipalType))),
          cursor: v.optional(v.pipe(v.string(), v.maxLength(512))),
          limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
        }),
      ),
      run: (session, input) => {
        require(session);
        return this.#list(input);
      },
    },
    "admin.disconnect": {
      check: checked("admin.disconnect", v.object({ sessionId: text, reason: v.optional(text) })),
      run: (session, { sessionId, reason }) => {
        require(session);
        return { found: this.#gateway.disconnect(sessionId, reason) };
      },
    },
  };

  #list(
    { workspace, principalType, cursor = "", limit = PAGE }: OpInput<"admin.sessions">,
  ): OpOutput<"admin.sessions"> {
    const wanted = [...this.#registry.all()].filter((session) =>
      session.topic > cursor && (workspace === undefined || session.workspace === workspace) &&
      (principalType === undefined || session.identity.type === principalType)
    ).sort((a, b) => (a.topic < b.topic ? -1 : 1));
    const sessions = wanted.slice(0, limit).map(infoOf);
    return wanted.length > limit ? { sessions, nextCursor: sessions.at(-1)!.topic } : { sessions };
  }
}

function infoOf({ id, identity, topic, workspace, connected, createdAt, heardAt }: Session): ConnectionInfo {
  const info: ConnectionInfo = {
    sessionId: id,
    principalType: identity.type,
    topic,
    connected,
    connectedAt: createdAt,
    lastActivityAt: heardAt,
  };
  return workspace === undefined ? info : { ...info, workspace };
}

function require(session: Session): void {
  const fault = adminFault(session);
  if (fault) throw new PermissionDeniedError(`Cannot administrate: ${fault}`);
}
