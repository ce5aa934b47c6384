// edge: no Deno, Bun, node: or cloudflare: names
import type { Session } from "./session.ts";

/** Sessions by id and by the topic they hold: a topic in here is an identity's lock. */
export class Registry {
  readonly #byId = new Map<string, Session>();
  readonly #byTopic = new Map<string, Session>();
  readonly #services = new Groups();
  /** Agents and users by the workspace they are in: who hears its progress. */
  readonly #audiences = new Groups();
  readonly #windows = new Groups();

  /** All of them. */
  all(): Iterable<Session> {
    return this.#byId.values();
  }

  /** How many, with or without a socket. */
  get size(): number {
    return this.#byId.size;
  }

  /** How many have a socket now. */
  connected(): number {
    let count = 0;
    for (const session of this.#byId.values()) if (session.connected) count++;
    return count;
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
    return this.#services.get(implementation);
  }

  /** Agents and users in a workspace. */
  audience(workspace: string): Iterable<Session> {
    return this.#audiences.get(workspace);
  }

  /** The windows of a user. */
  windows(userId: string): Iterable<Session> {
    return this.#windows.get(userId);
  }

  /** Takes the lock of its identity. The caller has made sure that it is free. */
  add(session: Session): void {
    this.#byId.set(session.id, session);
    this.hold(session.topic, session);
    this.enter(session);
  }

  /** Frees its locks. */
  remove(session: Session): void {
    this.#byId.delete(session.id);
    this.release(session.topic, session);
    this.leave(session);
  }

  /** Takes a lock. */
  hold(topic: string, session: Session): void {
    this.#byTopic.set(topic, session);
  }

  /** Frees a lock, if it is still this session's. */
  release(topic: string, session: Session): void {
    if (this.#byTopic.get(topic) === session) this.#byTopic.delete(topic);
  }

  /** Is found by what it is and where. */
  enter(session: Session): void {
    for (const [groups, name] of this.#groupsOf(session)) groups.add(name, session);
  }

  /** The opposite; to be called before it changes. */
  leave(session: Session): void {
    for (const [groups, name] of this.#groupsOf(session)) groups.delete(name, session);
  }

  *#groupsOf({ identity, workspace }: Session): Iterable<[Groups, string]> {
    if (identity.type === "service") yield [this.#services, identity.implementation];
    if (identity.type === "user") yield [this.#windows, identity.userId];
    const hasEars = identity.type === "agent" || identity.type === "user";
    if (hasEars && workspace !== undefined) yield [this.#audiences, workspace];
  }
}

/** Sets of sessions by a name; a name without sessions is forgotten. */
class Groups {
  readonly #groups = new Map<string, Set<Session>>();

  get(name: string): Iterable<Session> {
    return this.#groups.get(name) ?? [];
  }

  add(name: string, session: Session): void {
    const group = this.#groups.get(name);
    if (group) group.add(session);
    else this.#groups.set(name, new Set([session]));
  }

  delete(name: string, session: Session): void {
    const group = this.#groups.get(name);
    group?.delete(session);
    if (group?.size === 0) this.#groups.delete(name);
  }
}
