// edge: no Deno, Bun, node: or cloudflare: names
import {
  AuthenticationError,
  ConnectionError,
  DuplicateIdentityError,
  InvalidArgumentError,
  PermissionDeniedError,
  QuotaError,
} from "../errors.ts";
import { type CancelTimer, type Clock, type EndOfTurn, endOfTurn, systemClock } from "../base/clock.ts";
import { type Random, secretId, shortId, systemRandom } from "../base/ids.ts";
import { type Logger, silent } from "../base/logger.ts";
import type { Hello, Welcome } from "../protocol/handshake.ts";
import { DEFAULT_LIMITS, type Limits } from "../protocol/limits.ts";
import { SignalType } from "../protocol/messages.ts";
import { type Identity, identityTopic } from "../protocol/principals.ts";
import { VERSION } from "../protocol/version.ts";
import type { Store } from "../store/store.ts";
import { type Carry, memoryPair } from "../transport/memory.ts";
import type { Dial, Transport, TransportSink } from "../transport/transport.ts";
import type { Authenticator } from "./auth.ts";
import { Connection, type Door } from "./connection.ts";
import type { Core } from "./core.ts";
import { Counters } from "./counters.ts";
import { httpApp } from "./http.ts";
import { Registry } from "./registry.ts";
import { Router } from "./router.ts";
import { Session } from "./session.ts";
import { subscribe } from "./subscriptions.ts";

/** Options of {@link createGateway}. */
export interface GatewayOptions {
  /** Where it keeps things. */
  store: Store;
  /** Who may connect; `allowAll()` for development. */
  auth: Authenticator;
  /** Hears what happens; says nothing by default. */
  logger?: Logger;
  /** Where time comes from. */
  clock?: Clock;
  /** Where chance comes from. */
  random?: Random;
  /** Changed limits. */
  limits?: Partial<Limits>;
  /** When frames of a turn leave; the platform's end of turn by default. */
  endOfTurn?: EndOfTurn;
}

/** A session as seen from outside. */
export interface SessionInfo {
  /** Its id, for {@link Gateway.disconnect}. */
  readonly sessionId: string;
  /** The topic its identity owns. */
  readonly topic: string;
  /** Whether it has a socket now. */
  readonly connected: boolean;
}

/** An embeddable gateway. It opens no port: `serve()` does, or `dial()` in process. */
export interface Gateway {
  /** What it allows. */
  readonly limits: Readonly<Limits>;
  /** Whether it lets everybody in and must not be served beyond this machine. */
  readonly loopbackOnly: boolean;
  /** A socket was accepted. The rim passes what it receives to the sink; `token` is one offered as a subprotocol. */
  opened(transport: Transport, options?: { token?: string }): TransportSink;
  /** The HTTP app: /healthz, /readyz, /version, /metrics. */
  fetch(request: Request): Response | Promise<Response>;
  /** An in-process way in: `new AgentClient({ dial: gateway.dial(), … })`. */
  dial(carry?: Carry): Dial;
  /** Who is here. */
  sessions(): SessionInfo[];
  /** Ends a session for good, as an administrator would. False when there is none of that id. */
  disconnect(sessionId: string, reason?: string): boolean;
  /** Drains: clients are told to come back after `retryAfterMs`, what they have sent is kept, then all is released. */
  close(options?: { retryAfterMs?: number }): Promise<void>;
  /** Same as {@link Gateway.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a gateway.
 * @throws {InvalidArgumentError} when `store` or `auth` is missing, or a limit is not a positive number
 * @example
 * ```ts
 * import { AgentClient } from "@aether-edge/sdk";
 * import { allowAll, createGateway } from "@aether-edge/sdk/gateway";
 * import { memoryStore } from "@aether-edge/sdk/store/memory";
 * const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
 * const agent = new AgentClient({ dial: gateway.dial(), workspace: "prod", implementation: "desk", specifier: "1" });
 * await agent.connect();
 * await agent.disconnect();
 * await gateway.close();
 * ```
 */
export function createGateway(options: GatewayOptions): Promise<Gateway> {
  // Asynchronous by contract: other stores open files and connections here.
  try {
    return Promise.resolve(new EmbeddedGateway(options));
  } catch (error) {
    return Promise.reject(error);
  }
}

const EMPTY_WAKE_MS = 60_000;
const LEAST_WAKE_MS = 1_000;

/** A token resumes only what its bearer was authenticated for; a pool worker's id is the gateway's, not in its hello. */
function sameIdentity(held: Identity, claimed: Identity): boolean {
  if (held.type === "non_unique_task" && claimed.type === "non_unique_task") {
    return held.workspace === claimed.workspace && held.implementation === claimed.implementation;
  }
  return held.type === claimed.type && identityTopic(held) === identityTopic(claimed);
}

class EmbeddedGateway implements Gateway, Door {
  readonly limits: Readonly<Limits>;
  readonly loopbackOnly: boolean;
  readonly #core: Core;
  readonly #auth: Authenticator;
  readonly #registry = new Registry();
  readonly #router: Router;
  readonly #app: ReturnType<typeof httpApp>;
  readonly #connections = new Set<Connection>();
  readonly #endOfTurn: EndOfTurn;
  #dirty: Parameters<Core["dirty"]>[0][] = [];
  #flushing = false;
  #epoch = 0;
  #connected = 0;
  #closing = false;
  #timer: CancelTimer | undefined;
  #wakeAt = Infinity;
  #expiredAt = 0;

  constructor(options: GatewayOptions) {
    if (!options?.store) {
      throw new InvalidArgumentError("Cannot make a gateway without a store: give memoryStore() or another", "store");
    }
    if (!options.auth) {
      throw new InvalidArgumentError(
        "Cannot make a gateway without auth: give allowAll(), tokenAuth({ … }) or your own",
        "auth",
      );
    }
    for (const [name, value] of Object.entries(options.limits ?? {})) {
      if (!(name in DEFAULT_LIMITS) || typeof value !== "number" || !(value > 0)) {
        throw new InvalidArgumentError(
          `Cannot set limit ${name} to ${value}: known limits take a positive number`,
          `limits.${name}`,
        );
      }
    }
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.loopbackOnly = options.auth.loopbackOnly;
    this.#auth = options.auth;
    this.#endOfTurn = options.endOfTurn ?? endOfTurn;
    this.#core = {
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      logger: options.logger ?? silent,
      limits: this.limits,
      store: options.store,
      counters: new Counters(),
      dirty: (session) => this.#enqueue(session),
    };
    this.#router = new Router(
      this.#core,
      (topic) => this.#registry.holder(topic),
      (implementation) => this.#registry.services(implementation),
    );
    this.#app = httpApp({
      notReady: () => (this.#closing ? "draining" : undefined),
      metrics: () => this.#core.counters.prometheus(this.#registry.size, this.#connected),
    });
  }

  fetch(request: Request): Response | Promise<Response> {
    return this.#app.fetch(request);
  }

  opened(transport: Transport, options: { token?: string } = {}): TransportSink {
    const connection = new Connection(this.#core, this.#router, this, options.token);
    connection.transport = transport;
    this.#connections.add(connection);
    if (this.#closing) connection.refuse(new ConnectionError("The gateway is draining", { retryAfterMs: 1000 }));
    else if (this.#connections.size > this.limits.connections) {
      const details = { limit: this.limits.connections, current: this.#connections.size };
      connection.refuse(
        new QuotaError(`The gateway has ${details.current} connections, at most ${details.limit} are allowed`, {
          details,
          retryAfterMs: 5000,
        }),
      );
    }
    this.#arm(this.#core.clock.now() + this.limits.helloMs);
    return connection;
  }

  dial(carry?: Carry): Dial {
    return (_url, sink, { signal, token }) => {
      signal.throwIfAborted();
      const late: { sink?: TransportSink } = {};
      const pair = memoryPair(sink, {
        received: (bytes) => late.sink?.received(bytes),
        alive: () => late.sink?.alive(),
        closed: (info) => late.sink?.closed(info),
      }, carry);
      late.sink = this.opened(pair.far, { token });
      return Promise.resolve(pair.near);
    };
  }

  sessions(): SessionInfo[] {
    return Array.from(this.#registry.all(), ({ id, topic, connected }) => ({ sessionId: id, topic, connected }));
  }

  disconnect(sessionId: string, reason = "disconnected by an administrator"): boolean {
    const session = this.#registry.session(sessionId);
    if (!session) return false;
    session.notify({ name: "signal", body: { type: SignalType.ForceDisconnect, reason } });
    this.#end(session, 4440, reason);
    return true;
  }

  async close(options: { retryAfterMs?: number } = {}): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#timer?.();
    await this.#core.store.flush();
    for (const session of [...this.#registry.all()]) {
      session.notify({ name: "signal", body: { type: SignalType.GracefulDisconnect, reason: "draining" } });
      // Spread over a second, so that a crowd does not come back as one.
      this.#end(session, 4503, "draining", options.retryAfterMs ?? Math.floor(this.#core.random.next() * 1000));
    }
    for (const connection of [...this.#connections]) connection.transport.close(4503, "draining");
    await this.#core.store[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- the door -------------------------------------------------------------------------------------------------

  async enter(hello: Hello, transport: Transport): Promise<Session> {
    const identity = this.#complete(hello.identity);
    const workspace = "workspace" in identity
      ? identity.workspace
      : identity.type === "user"
      ? hello.workspace
      : undefined;
    const decision = await this.#auth.authenticate({ identity, workspace, credentials: hello.credentials ?? {} });
    if (!decision.allowed) {
      const words = `Cannot connect as "${identityTopic(identity)}": ${decision.reason}`;
      throw decision.code === "PERMISSION_DENIED" ? new PermissionDeniedError(words) : new AuthenticationError(words);
    }
    if (this.#closing) throw new ConnectionError("The gateway is draining", { retryAfterMs: 1000 });
    const resumed = this.#resume(hello, transport);
    if (resumed) return resumed;
    const topic = identityTopic(identity);
    const holder = this.#registry.holder(topic);
    if (holder) {
      // A holder without a socket has lost its claim to the first who asks; a live one only to a takeover, or to the
      // same client object: its welcome was lost on a wire whose end the gateway has not heard of yet.
      if (holder.connected && !hello.takeover && holder.producer !== hello.producer) {
        throw new DuplicateIdentityError(topic);
      }
      this.#end(holder, 4410, "replaced by a newer connection");
    }
    const session = new Session(
      this.#core,
      secretId(this.#core.random),
      secretId(this.#core.random),
      identity,
      workspace,
      hello.producer,
    );
    session.onFail = (error) => this.fail(session, error);
    this.#registry.add(session);
    try {
      await subscribe(session, this.#router);
    } catch (error) {
      this.#end(session, 4500, "the store failed");
      throw error;
    }
    if (session.ended) throw new ConnectionError(`Cannot connect as "${topic}": another connection took over`);
    this.#core.counters.connects++;
    this.#welcome(session, transport, hello, false);
    return session;
  }

  leave(session: Session, reason: string): void {
    this.#end(session, 1000, reason);
  }

  lost(session: Session, transport: Transport): void {
    if (!session.unbind(transport)) return;
    this.#connected--;
    this.#arm(this.#core.clock.now() + Math.min(this.limits.redeliverAfterMs, this.limits.resumeMs));
  }

  fail(session: Session, thrown: unknown): void {
    const error = thrown instanceof Error && "code" in thrown
      ? (thrown as InvalidArgumentError)
      : new ConnectionError("The gateway failed", { cause: thrown });
    this.#end(session, 4400, error.message, undefined, error);
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #complete(identity: Identity): Identity {
    if (identity.type === "non_unique_task") return { ...identity, specifier: shortId(this.#core.random) };
    return identity;
  }

  #resume(hello: Hello, transport: Transport): Session | undefined {
    const claim = hello.resume;
    const session = claim && this.#registry.session(claim.session);
    if (
      !session || session.token !== claim.token || session.ended || session.producer !== hello.producer ||
      !sameIdentity(session.identity, hello.identity)
    ) {
      return undefined;
    }
    if (!session.canResume(claim.received, claim.handled)) {
      this.#end(session, 4410, "cannot be resumed");
      return undefined;
    }
    // The old socket may be half open and never have said so: the claim of the token's owner fences it off.
    if (session.connected) {
      session.abandon();
      this.#connected--;
    }
    session.token = secretId(this.#core.random);
    this.#core.counters.resumes++;
    this.#welcome(session, transport, hello, true);
    return session;
  }

  #welcome(session: Session, transport: Transport, hello: Hello, resumed: boolean): void {
    const { payloadBytes, pingAfterMs, deadAfterMs, resumeMs, requestTimeoutMs } = this.limits;
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
    this.#connected++;
    session.bind(transport, welcome, resumed ? hello.resume!.received : 0, resumed ? hello.resume!.handled : 0);
    this.#arm(this.#core.clock.now() + this.limits.pingAfterMs);
    this.#core.logger("info", "session.welcome", { topic: session.topic, session: session.id, resumed });
  }

  #end(session: Session, code: number, reason: string, retryAfterMs?: number, error?: InvalidArgumentError): void {
    if (session.ended) return;
    if (session.connected) this.#connected--;
    this.#registry.remove(session);
    // Receipts that leave with the goodbye must be as durable as any other.
    this.#core.store.flush();
    session.end(code, reason, retryAfterMs, error);
    this.#core.logger("info", "session.end", { topic: session.topic, session: session.id, code, reason });
  }

  // ---- turns and time -------------------------------------------------------------------------------------------

  #enqueue(session: Parameters<Core["dirty"]>[0]): void {
    this.#dirty.push(session);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#endOfTurn(this.#flush);
  }

  readonly #flush = (): void => {
    const durable = this.#core.store.flush();
    if (durable instanceof Promise) durable.then(this.#write, (error) => this.#broken(error));
    else this.#write();
  };

  readonly #write = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    this.#flushing = false;
    for (const session of dirty) {
      try {
        session.flush();
      } catch (error) {
        session.fail(error);
      }
    }
  };

  /** The store could not keep the turn: nobody gets a receipt for it, everybody comes back and sends again. */
  #broken(error: unknown): void {
    this.#core.logger("error", "store.flush", { error: String(error) });
    this.#dirty = [];
    this.#flushing = false;
    const why = new ConnectionError("The gateway's store failed", { cause: error, retryAfterMs: 1000 });
    for (const session of [...this.#registry.all()]) this.#end(session, 4500, why.message, 1000);
  }

  #arm(at: number): void {
    if (this.#closing || at >= this.#wakeAt) return;
    this.#timer?.();
    this.#wakeAt = at;
    this.#timer = this.#core.clock.timer(Math.max(0, at - this.#core.clock.now()), () => this.#wake());
  }

  /** Looks after silence, resume windows and age: one pass over the sessions, no timer of their own. */
  #wake(): void {
    this.#timer = undefined;
    this.#wakeAt = Infinity;
    const now = this.#core.clock.now();
    const { pingAfterMs, deadAfterMs, resumeMs, redeliverAfterMs, retentionMs, dedupeMs, helloMs } = this.limits;
    let next = now + EMPTY_WAKE_MS;
    for (const connection of this.#connections) {
      connection.expire(now);
      if (!connection.session) next = Math.min(next, connection.openedAt + helloMs);
    }
    for (const session of [...this.#registry.all()]) {
      if (session.connected) {
        const silent = now - session.heardAt;
        if (silent >= deadAfterMs) {
          session.abandon();
          this.#connected--;
          next = Math.min(next, now + redeliverAfterMs);
          continue;
        }
        if (silent >= pingAfterMs && !session.pinged) session.ping();
        if (session.owesAck) {
          session.sayReceived();
          session.touch();
        }
        next = Math.min(next, session.heardAt + (session.pinged ? deadAfterMs : pingAfterMs));
      } else {
        const away = now - session.detachedAt;
        if (away >= resumeMs) {
          this.#end(session, 4408, "not resumed in time");
          continue;
        }
        if (away >= redeliverAfterMs) { for (const consumer of session.consumers) consumer.lane.giveBack(consumer); }
        next = Math.min(next, session.detachedAt + (away >= redeliverAfterMs ? resumeMs : redeliverAfterMs));
      }
    }
    if (now - this.#expiredAt >= EMPTY_WAKE_MS) {
      this.#expiredAt = now;
      // A cursor ages from its last use, and listening is use.
      for (const session of this.#registry.all()) {
        for (const consumer of session.consumers) consumer.lane.touch(consumer);
      }
      this.#core.store.log.expire(now - retentionMs, 1000);
      this.#core.store.dedupe.expire(now - dedupeMs);
      this.#router.sweep();
    }
    this.#arm(Math.max(next, now + LEAST_WAKE_MS));
  }
}
