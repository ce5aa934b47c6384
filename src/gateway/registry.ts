// edge: no Deno, Bun, node: or cloudflare: names
import type { Session } from "./session.ts";

/** Sessions by id and by the topic they hold: a topic in here is an identity's lock. */
export class Registry {
  readonly #byId = new Map<string, Session>();
  readonly #byTopic = new Map<string, Session>();
  readonly #services = new Map<string, Set<Session>>();

  /** All of them. */
  all(): Iterable<Session> {
    return this.#byId.values();
  }

  /** How many, with or without a socket. */
  get size(): number {
    return this.#byId.size;
  }

  /** The holder of an identity. */
  holder(topic: string): Session | undefined {
    return this.#byTopic.get(topic);
  }

  /** By session id. */
  session(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  /** The instances of a service. */
  services(implementation: string): Iterable<Session> {
    return this.#services.get(implementation) ?? [];
  }

  /** Takes the lock of its identity. The caller has made sure that it is free. */
  add(session: Session): void {
    this.#byId.set(session.id, session);
    this.#byTopic.set(session.topic, session);
    if (session.identity.type !== "service") return;
    const { implementation } = session.identity;
    let instances = this.#services.get(implementation);
    if (!instances) this.#services.set(implementation, instances = new Set());
    instances.add(session);
  }

  /** Frees the lock, if it is still this session's. */
  remove(session: Session): void {
    this.#byId.delete(session.id);
    if (this.#byTopic.get(session.topic) === session) this.#byTopic.delete(session.topic);
    if (session.identity.type !== "service") return;
    const instances = this.#services.get(session.identity.implementation);
    instances?.delete(session);
    if (instances?.size === 0) this.#services.delete(session.identity.implementation);
  }
}
