// edge: no Deno, Bun, node: or cloudflare: names
import type { Chore } from "./caretaker.ts";
import type { Connection } from "./connection.ts";
import type { Core } from "./core.ts";
import type { Registry } from "./registry.ts";
import type { Router } from "./router.ts";
import type { Session } from "./session.ts";
import type { TaskEngine } from "./tasks/engine.ts";

/** How often old things are looked for, in ms. */
const AGE_MS = 60_000;
/** Lanes, removals and records looked at in one slice: a few ms on the slowest store. */
const SLICE = 200;

/** Sockets that do not say hello are turned away. */
export class Greetings implements Chore {
  readonly #connections: Iterable<Connection>;
  readonly #core: Core;

  constructor(core: Core, connections: Iterable<Connection>) {
    this.#core = core;
    this.#connections = connections;
  }

  run(now: number): number {
    let next = Infinity;
    for (const connection of this.#connections) {
      connection.expire(now);
      if (!connection.session) next = Math.min(next, connection.openedAt + this.#core.limits.helloMs);
    }
    return next;
  }
}

/** What happens to sessions as time passes. */
export interface SessionFate {
  /** A socket was given up. */
  abandoned(session: Session): void;
  /** Its resume window is over. */
  expired(session: Session): void;
}

/** Silence and resume windows: one pass over the sessions, no timer of their own. */
export class Liveness implements Chore {
  readonly #core: Core;
  readonly #registry: Registry;
  readonly #fate: SessionFate;

  constructor(core: Core, registry: Registry, fate: SessionFate) {
    this.#core = core;
    this.#registry = registry;
    this.#fate = fate;
  }

  run(now: number): number {
    let next = Infinity;
    for (const session of [...this.#registry.all()]) next = Math.min(next, this.#look(session, now));
    return next;
  }

  #look(session: Session, now: number): number {
    const { pingAfterMs, deadAfterMs, resumeMs, redeliverAfterMs } = this.#core.limits;
    if (!session.connected) {
      const away = now - session.detachedAt;
      if (away >= resumeMs) {
        this.#fate.expired(session);
        return Infinity;
      }
      if (away < redeliverAfterMs) return session.detachedAt + redeliverAfterMs;
      session.giveBack();
      return session.detachedAt + resumeMs;
    }
    const silent = now - session.heardAt;
    if (silent >= deadAfterMs) {
      session.abandon();
      this.#fate.abandoned(session);
      return now + redeliverAfterMs;
    }
    if (silent >= pingAfterMs && !session.pinged) session.ping();
    if (session.owesAck) {
      session.sayReceived();
      session.touch();
    }
    return session.heardAt + (session.pinged ? deadAfterMs : pingAfterMs);
  }
}

/** Messages, ids, removals and tasks that are too old are forgotten, a slice at a time. */
export class Ageing implements Chore {
  readonly #core: Core;
  readonly #registry: Registry;
  readonly #router: Router;
  readonly #tasks: TaskEngine;
  #at: number;

  constructor(core: Core, registry: Registry, router: Router, tasks: TaskEngine) {
    this.#core = core;
    this.#registry = registry;
    this.#router = router;
    this.#tasks = tasks;
    this.#at = core.clock.now() + AGE_MS;
  }

  run(now: number): number {
    if (now < this.#at) return this.#at;
    const { store, limits } = this.#core;
    // A cursor ages from its last use, and listening is use.
    for (const session of this.#registry.all()) {
      for (const consumer of session.consumers) consumer.lane.touch(consumer);
    }
    const gone = store.log.expire(now - limits.retentionMs, SLICE);
    store.dedupe.expire(now - limits.dedupeMs);
    const forgotten = store.kv.forget(now - limits.retentionMs, SLICE);
    this.#router.sweep();
    const over = this.#tasks.expire(SLICE);
    this.#tasks.sweep();
    this.#core.commitSoon();
    return (this.#at = Math.max(gone, forgotten, over) >= SLICE ? now : now + AGE_MS);
  }
}
