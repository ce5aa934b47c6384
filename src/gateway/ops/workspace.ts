// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { ConnectionClosedError, PermissionDeniedError } from "../../errors.ts";
import type { ConfigSnapshot } from "../../protocol/config.ts";
import type { OpOutput } from "../../protocol/ops.ts";
import { type Identity, identityTopic } from "../../protocol/principals.ts";
import type { Consumer } from "../consumer.ts";
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
  readonly #moved: (session: Session) => void;

  /** @param moved hears of every session that is somewhere else now */
  constructor(
    core: Core,
    entrance: Entrance,
    registry: Registry,
    router: Router,
    moved: (session: Session) => void = () => {},
  ) {
    this.#core = core;
    this.#entrance = entrance;
    this.#registry = registry;
    this.#router = router;
    this.#moved = moved;
  }

  readonly ops: OpGroup["ops"] = {
    "workspace.switch": {
      check: checked("workspace.switch", v.object({ workspace: segment })),
      run: (session, { workspace }) => this.#switch(session, workspace),
    },
  };

  /** Whatever fails before the move itself leaves everything as it was. */
  async #switch(session: Session, workspace: string): Promise<OpOutput<"workspace.switch">> {
    const identity = movedTo(session.identity, workspace);
    if (workspace === session.workspace) return this.#answer(session, await configSnapshot(this.#core, session));
    const { promise: moving, resolve: moved } = Promise.withResolvers<void>();
    session.moving = moving;
    try {
      await this.#entrance.admit(identity, workspace, session.credentials);
      const config = await configSnapshot(this.#core, { identity, workspace });
      await this.#move(session, identity, workspace);
      return this.#answer(session, config);
    } finally {
      session.moving = undefined;
      moved();
    }
  }

  #answer({ identity, topic }: Session, config: ConfigSnapshot): OpOutput<"workspace.switch"> {
    return { identity, topic, config };
  }

  /** The new identity's lock is taken first, its lanes are listened to, and only then is the old one let go. */
  async #move(session: Session, identity: Identity, workspace: string): Promise<void> {
    requireLife(session);
    const topic = identityTopic(identity);
    const former = session.topic;
    if (topic !== former) this.#entrance.claim(topic, false, "");
    this.#registry.hold(topic, session);
    const kept = new Set(lanesOf(session.identity, former, session.workspace).map(([lane]) => lane));
    const wanted = lanesOf(identity, topic, workspace);
    let fresh: Consumer[] = [];
    try {
      fresh = await subscribe(session, this.#router, wanted.filter(([lane]) => !kept.has(lane)), topic);
      requireLife(session);
    } catch (error) {
      for (const consumer of fresh) consumer.lane.detach(consumer);
      if (topic !== former) this.#registry.release(topic, session);
      throw error;
    }
    const names = new Set(wanted.map(([lane]) => lane));
    const isKept = (consumer: Consumer): boolean => names.has(consumer.lane.topic);
    const [stay, go] = [session.consumers.filter(isKept), session.consumers.filter((consumer) => !isKept(consumer))];
    this.#registry.leave(session);
    session.become(identity, workspace, [...stay, ...fresh]);
    this.#registry.enter(session);
    for (const consumer of go) session.leave(consumer);
    if (topic !== former) this.#registry.release(former, session);
    this.#moved(session);
    // What was kept for the new identity comes now, and what came while it was not it yet.
    session.resume();
  }
}

function requireLife(session: Session): void {
  if (session.ended) throw new ConnectionClosedError(`Cannot switch "${session.topic}": its session has ended`);
}

function movedTo(identity: Identity, workspace: string): Identity {
  if (identity.type === "user") return identity;
  if ("workspace" in identity) return { ...identity, workspace };
  throw new PermissionDeniedError(`A ${identity.type} has no workspace to switch`);
}
