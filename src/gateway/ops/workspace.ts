// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { ConnectionClosedError, PermissionDeniedError } from "../../errors.ts";
import type { OpOutput } from "../../protocol/ops.ts";
import { type Identity, identityTopic } from "../../protocol/principals.ts";
import type { Core } from "../core.ts";
import type { Entrance } from "../entrance.ts";
import type { OpGroup } from "../ops.ts";
import type { Registry } from "../registry.ts";
import type { Router } from "../router.ts";
import { segment } from "../schemas.ts";
import type { Session } from "../session.ts";
import { lanesOf, subscribe } from "../subscriptions.ts";
import { configSnapshot } from "./config.ts";
import { checked } from "./kv_schemas.ts";

/** Moves a principal to another workspace without a reconnect. */
export class WorkspaceOps implements OpGroup {
  readonly #core: Core;
  readonly #entrance: Entrance;
  readonly #registry: Registry;
  readonly #router: Router;

  constructor(core: Core, entrance: Entrance, registry: Registry, router: Router) {
    this.#core = core;
    this.#entrance = entrance;
    this.#registry = registry;
    this.#router = router;
  }

  readonly ops: OpGroup["ops"] = {
    "workspace.switch": {
      check: checked("workspace.switch", v.object({ workspace: segment })),
      run: (session, { workspace }) => this.#switch(session, workspace),
    },
  };

  async #switch(session: Session, workspace: string): Promise<OpOutput<"workspace.switch">> {
    const identity = movedTo(session.identity, workspace);
    if (workspace !== session.workspace) await this.#move(session, identity, workspace);
    const config = await configSnapshot(this.#core, session);
    return { identity, topic: session.topic, config };
  }

  /** The new identity's lock is taken first, its lanes are listened to, and only then is the old one let go. */
  async #move(session: Session, identity: Identity, workspace: string): Promise<void> {
    await this.#entrance.admit(identity, workspace, session.credentials);
    if (session.ended) throw new ConnectionClosedError(`Cannot switch "${session.topic}": its session has ended`);
    const topic = identityTopic(identity);
    if (topic !== session.topic) this.#entrance.claim(topic, false, "");
    const former = session.topic;
    this.#registry.hold(topic, session);
    const kept = new Set(lanesOf(session.identity, former, session.workspace).map(([lane]) => lane));
    try {
      const wanted = lanesOf(identity, topic, workspace);
      const fresh = wanted.filter(([lane]) => !kept.has(lane));
      const consumers = await subscribe(session, this.#router, fresh, topic);
      const names = new Set(wanted.map(([lane]) => lane));
      const old = session.consumers.filter((consumer) => !names.has(consumer.lane.topic));
      this.#registry.leave(session);
      session.become(identity, workspace, [...session.consumers.filter((one) => !old.includes(one)), ...consumers]);
      this.#registry.enter(session);
      for (const consumer of old) session.leave(consumer);
    } catch (error) {
      if (topic !== former) this.#registry.release(topic, session);
      throw error;
    }
    if (topic !== former) this.#registry.release(former, session);
  }
}

function movedTo(identity: Identity, workspace: string): Identity {
  if (identity.type === "user") return identity;
  if ("workspace" in identity) return { ...identity, workspace };
  throw new PermissionDeniedError(`A ${identity.type} has no workspace to switch`);
}
