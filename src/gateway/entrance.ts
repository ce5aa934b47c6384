// edge: no Deno, Bun, node: or cloudflare: names
import { AuthenticationError, ConnectionError, DuplicateIdentityError, PermissionDeniedError } from "../errors.ts";
import { secretId, shortId } from "../base/ids.ts";
import type { Hello, Welcome } from "../protocol/handshake.ts";
import { type Identity, identityTopic } from "../protocol/principals.ts";
import { VERSION } from "../protocol/version.ts";
import type { MaybePromise } from "../store/store.ts";
import type { Transport } from "../transport/transport.ts";
import type { Authenticator } from "./auth.ts";
import type { Core } from "./core.ts";
import type { Registry } from "./registry.ts";
import type { Router } from "./router.ts";
import { Session } from "./session.ts";
import { lanesOf, subscribe } from "./subscriptions.ts";

/** What the entrance needs of the gateway. */
export interface House {
  /** Refuses everybody when the gateway drains, or its store fails. */
  requireOpen(): Promise<void>;
  /** Ends a session. */
  end(session: Session, code: number, reason: string): void;
  /** A session did what cannot be. */
  fail(session: Session, error: unknown): void;
  /** Whether a token was made for one identity, to be launched with. */
  opens(topic: string, token: string | undefined): MaybePromise<boolean>;
  /** A session has a socket again. */
  resumed(session: Session): void;
  /** A new session has been told welcome. */
  greet(session: Session): void;
}

/** Decides over a hello: who it is, whether it may, whether it is a former session's, who holds the identity. */
export class Entrance {
  readonly #core: Core;
  readonly #auth: Authenticator;
  readonly #registry: Registry;
  readonly #router: Router;
  readonly #house: House;
  #epoch = 0;

  constructor(core: Core, auth: Authenticator, registry: Registry, router: Router, house: House) {
    this.#core = core;
    this.#auth = auth;
    this.#registry = registry;
    this.#router = router;
    this.#house = house;
  }

  /** Binds a session to the transport, or rejects with the typed error. */
  async enter(hello: Hello, transport: Transport, bound: (session: Session) => void): Promise<void> {
    const identity = this.#complete(hello.identity);
    const workspace = "workspace" in identity
      ? identity.workspace
      : identity.type === "user"
      ? hello.workspace
      : undefined;
    const credentials = hello.credentials ?? {};
    const isAdmin = await this.admit(identity, workspace, credentials);
    await this.#house.requireOpen();
    const resumed = this.#resumable(hello);
    if (resumed) return await this.#resume(resumed, transport, hello, bound);
    this.claim(identityTopic(identity), hello.takeover ?? false, hello.producer);
    const { random } = this.#core;
    const session = new Session(
      this.#core,
      secretId(random),
      secretId(random),
      identity,
      workspace,
      hello.producer,
      credentials,
    );
    session.isAdmin = isAdmin;
    session.onFail = (error) => this.#house.fail(session, error);
    this.#registry.add(session);
    try {
      const lanes = lanesOf(identity, session.topic, workspace);
      session.consumers.push(...await subscribe(session, this.#router, lanes, session.topic));
      await this.#core.commit();
    } catch (error) {
      this.#house.end(session, 4500, "the store failed");
      throw error;
    }
    if (session.ended) throw new ConnectionError(`Cannot connect as "${session.topic}": another connection took over`);
    this.#core.counters.connects++;
    bound(session);
    this.#welcome(session, transport, hello, false);
    this.#house.greet(session);
  }

  /** Lets somebody with these credentials be this one, in this workspace, or rejects with the reason. Tells whether as an administrator. */
  async admit(
    identity: Identity,
    workspace: string | undefined,
    credentials: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    if (await this.#house.opens(identityTopic(identity), credentials.token)) return false;
    const decision = await this.#auth.authenticate({ identity, workspace, credentials });
    if (decision.allowed) return decision.isAdmin ?? false;
    const words = `Cannot connect as "${identityTopic(identity)}": ${decision.reason}`;
    throw decision.code === "PERMISSION_DENIED" ? new PermissionDeniedError(words) : new AuthenticationError(words);
  }

  /**
   * Makes sure that an identity is free. A holder without a socket has lost its claim to the first who asks; a live one
   * only to a takeover, or to the same client object: its welcome was lost on a wire whose end was not heard of yet.
   */
  claim(topic: string, takeover: boolean, producer: string): void {
    const holder = this.#registry.holder(topic);
    if (!holder) return;
    if (holder.connected && !takeover && holder.producer !== producer) throw new DuplicateIdentityError(topic);
    this.#house.end(holder, 4410, "replaced by a newer connection");
  }

  #complete(identity: Identity): Identity {
    if (identity.type === "non_unique_task") return { ...identity, specifier: shortId(this.#core.random) };
    return identity;
  }

  #resumable(hello: Hello): Session | undefined {
    const claim = hello.resume;
    const session = claim && this.#registry.session(claim.session);
    if (
      !session || session.token !== claim.token || session.ended || session.producer !== hello.producer ||
      !session.identities.some((held) => isSame(held, hello.identity))
    ) return undefined;
    if (session.canResume(claim.received, claim.handled)) return session;
    this.#house.end(session, 4410, "cannot be resumed");
    return undefined;
  }

  async #resume(
    session: Session,
    transport: Transport,
    hello: Hello,
    bound: (session: Session) => void,
  ): Promise<void> {
    // What is replayed must be as durable as what was sent.
    await this.#core.commit();
    if (session.ended) throw new ConnectionError(`Cannot resume as "${session.topic}": the session has ended`);
    // The old socket may be half open and never have said so: the claim of the token's owner fences it off.
    if (session.connected) session.abandon();
    session.token = secretId(this.#core.random);
    session.credentials = hello.credentials ?? {};
    this.#core.counters.resumes++;
    bound(session);
    this.#welcome(session, transport, hello, true);
    this.#house.resumed(session);
  }

  #welcome(session: Session, transport: Transport, hello: Hello, resumed: boolean): void {
    const { payloadBytes, pingAfterMs, deadAfterMs, resumeMs, requestTimeoutMs } = this.#core.limits;
    const welcome: Welcome = {
      session: session.id,
      token: session.token,
      epoch: ++this.#epoch,
      resumed,
      received: session.received,
      topic: session.topic,
      version: VERSION,
      limits: { payloadBytes, pingAfterMs, deadAfterMs, resumeMs, requestTimeoutMs },
    };
    if (session.identity.type === "non_unique_task") welcome.assignedId = session.identity.specifier;
    session.bind(transport, welcome, resumed ? hello.resume!.received : 0, resumed ? hello.resume!.handled : 0);
    this.#core.wakeAt(this.#core.clock.now() + pingAfterMs);
    this.#core.logger("info", "session.welcome", { topic: session.topic, session: session.id, resumed });
  }
}

/** A token resumes only what its bearer was authenticated for; a pool worker's id is the gateway's, not in its hello. */
function isSame(held: Identity, claimed: Identity): boolean {
  if (held.type === "non_unique_task" && claimed.type === "non_unique_task") {
    return held.workspace === claimed.workspace && held.implementation === claimed.implementation;
  }
  return held.type === claimed.type && identityTopic(held) === identityTopic(claimed);
}
