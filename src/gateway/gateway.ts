// edge: no Deno, Bun, node: or cloudflare: names
import { ConnectionError, type InvalidArgumentError, QuotaError } from "../errors.ts";
import { endOfTurn, systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/ids.ts";
import { silent } from "../base/logger.ts";
import type { HealthInfo } from "../protocol/admin.ts";
import type { Hello } from "../protocol/handshake.ts";
import { DEFAULT_LIMITS, type Limits } from "../protocol/limits.ts";
import { SignalType } from "../protocol/messages.ts";
import { VERSION } from "../protocol/version.ts";
import type { MaybePromise } from "../store/store.ts";
import { type Carry, memoryPair } from "../transport/memory.ts";
import type { Dial, Transport, TransportSink } from "../transport/transport.ts";
import { Caretaker } from "./caretaker.ts";
import { Ageing, Greetings, Liveness, type SessionFate } from "./chores.ts";
import { Connection, type Door } from "./connection.ts";
import type { Core } from "./core.ts";
import { Counters } from "./counters.ts";
import { Entrance, type House } from "./entrance.ts";
import { httpApp } from "./http.ts";
import { Ingress } from "./ingress.ts";
import { localEnd } from "./local_end.ts";
import { Launches } from "./launches.ts";
import { checkOptions, type GatewayOptions } from "./options.ts";
import { Ops } from "./ops.ts";
import { type Administered, AdminOps } from "./ops/admin.ts";
import { AgentOps } from "./ops/agents.ts";
import { AuditOps } from "./ops/audit.ts";
import { CheckpointOps } from "./ops/checkpoints.ts";
import { configSnapshot } from "./ops/config.ts";
import { KvOps } from "./ops/kv.ts";
import { HttpOps } from "./ops/http.ts";
import { ProgressOps } from "./ops/progress.ts";
import { TaskOps } from "./ops/tasks.ts";
import { WorkspaceOps } from "./ops/workspace.ts";
import { KvExpiry, KvSpaces } from "./kv_spaces.ts";
import { Registry } from "./registry.ts";
import { Router } from "./router.ts";
import { LINK, type Linked, type StreamLink } from "../session/link.ts";
import { Splicer } from "./splice.ts";
import type { Session } from "./session.ts";
import { connectEvents } from "./tasks/completion.ts";
import { TaskCreation } from "./tasks/creation.ts";
import { TaskEngine } from "./tasks/engine.ts";
import { Turns } from "./turns.ts";

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
export interface Gateway extends Linked {
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
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new EmbeddedGateway(options);
  await gateway.load();
  return gateway;
}

class EmbeddedGateway implements Gateway, Door, House, SessionFate, Administered {
  readonly limits: Readonly<Limits>;
  readonly loopbackOnly: boolean;
  readonly #core: Core;
  readonly #registry = new Registry();
  readonly #router: Router;
  readonly #entrance: Entrance;
  readonly #ops: Ops;
  readonly #spaces: KvSpaces;
  readonly #tasks: TaskEngine;
  readonly #launches: Launches;
  readonly #caretaker: Caretaker;
  readonly #app: ReturnType<typeof httpApp>;
  readonly #ingress: Ingress | undefined;
  #isLoaded = false;
  #loading: Promise<void> | undefined;
  readonly #connections = new Set<Connection>();
  #closing = false;

  constructor(options: GatewayOptions) {
    checkOptions(options);
    const { store, auth } = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.loopbackOnly = auth.loopbackOnly;
    const turns = new Turns(store, options.endOfTurn ?? endOfTurn, (error) => this.#broken(error));
    const counters = new Counters();
    const logger = options.logger ?? silent;
    const core: Core = {
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      logger,
      limits: this.limits,
      store,
      counters,
      splicer: new Splicer(
        { limits: this.limits, counters, logger, done: (weight) => turns.done(weight) },
        this.#registry,
      ),
      dirty: (writer) => turns.enqueue(writer),
      commit: () => turns.commit(),
      beforeCommit: (run) => turns.beforeCommit(run),
      commitSoon: () => turns.schedule(),
      done: (weight) => turns.done(weight),
      wakeAt: (at) => this.#caretaker.wakeAt(at),
    };
    this.#core = core;
    this.#router = new Router(
      core,
      (topic) => this.#registry.holder(topic),
      (implementation) => this.#registry.services(implementation),
    );
    this.#entrance = new Entrance(core, auth, this.#registry, this.#router, this);
    this.#spaces = new KvSpaces(core);
    this.#tasks = new TaskEngine(core);
    const creation = new TaskCreation(core, this.#tasks);
    const taskOps = new TaskOps(core, this.#tasks, creation);
    const launches = this.#launches = new Launches(core, this.#tasks, creation, this.#registry);
    this.#ops = new Ops(core, [
      new KvOps(core, this.#spaces),
      new CheckpointOps(core, this.#spaces),
      new WorkspaceOps(core, this.#entrance, this.#registry, this.#router, (session) => this.#tasks.moved(session)),
      new HttpOps(),
      new ProgressOps(core, this.#registry, taskOps),
      taskOps,
      new AgentOps(launches),
      new AdminOps(this.#registry, this),
      new AuditOps(core),
    ]);
    this.#router.onAbsent = (topic, text, sender) => launches.wanted(topic, text, sender);
    this.#tasks.lives.onUnserved = (state) => launches.wantedBy(state);
    connectEvents(this.#tasks, this.#router);
    this.#caretaker = new Caretaker(core.clock, [
      new Greetings(core, this.#connections),
      new Liveness(core, this.#registry, this),
      new KvExpiry(this.#spaces),
      this.#tasks,
      new Ageing(core, this.#registry, this.#router, this.#tasks),
    ], (error) => core.logger("error", "gateway.chore", { error: String(error) }));
    this.#ingress = options.ingress && new Ingress(core, auth, options.ingress);
    this.#app = httpApp({
      notReady: () => (this.#closing ? "draining" : store.fault()),
      metrics: () => core.counters.prometheus(this.#registry.size, this.#registry.connected()),
    }, this.#ingress);
    // What had an end when the store was last open still has one. Last: what throws above must not leave a timer behind.
    core.wakeAt(core.clock.now());
  }

  /** Brings back what lives in memory while the gateway runs. */
  async load(): Promise<void> {
    await this.#tasks.load();
    this.#isLoaded = true;
  }

  get [LINK](): StreamLink {
    return (this.#link ??= localEnd(this.#core, { topic: "gateway", workspace: undefined, identity: undefined }));
  }
  #link: StreamLink | undefined;

  fetch(request: Request): Response | Promise<Response> {
    return this.#ingress?.fetch(request) ?? this.#app.fetch(request);
  }

  opened(transport: Transport, options: { token?: string } = {}): TransportSink {
    const connection = new Connection(this.#core, this.#router, this.#ops, this, options.token);
    connection.transport = transport;
    this.#connections.add(connection);
    if (this.#closing) connection.refuse(draining());
    else if (this.#connections.size > this.limits.connections) {
      const details = { limit: this.limits.connections, current: this.#connections.size };
      connection.refuse(
        new QuotaError(`The gateway has ${details.current} connections, at most ${details.limit} are allowed`, {
          details,
          retryAfterMs: 5000,
        }),
      );
    }
    this.#core.wakeAt(this.#core.clock.now() + this.limits.helloMs);
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
    this.end(session, 4440, reason);
    return true;
  }

  health(): HealthInfo {
    const fault = this.#core.store.fault();
    const health: HealthInfo = {
      status: this.#closing ? "draining" : fault ? "failing" : "ok",
      version: VERSION,
      sessions: this.#registry.size,
      connected: this.#registry.connected(),
      tasks: this.#tasks.size,
    };
    return fault ? { ...health, reason: fault } : health;
  }

  async close(options: { retryAfterMs?: number } = {}): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#caretaker.stop();
    try {
      await this.#core.commit();
    } catch (error) {
      // Its sessions learn it by getting no receipts; they send again to whoever comes next.
      this.#core.logger("error", "store.flush", { error: String(error) });
    }
    for (const session of [...this.#registry.all()]) {
      session.notify({ name: "signal", body: { type: SignalType.GracefulDisconnect, reason: "draining" } });
      // Spread over a second, so that a crowd does not come back as one.
      this.end(session, 4503, "draining", options.retryAfterMs ?? Math.floor(this.#core.random.next() * 1000));
    }
    for (const connection of [...this.#connections]) connection.transport.close(4503, "draining");
    await this.#core.store[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- door and house -------------------------------------------------------------------------------------------

  enter(hello: Hello, transport: Transport, bound: (session: Session) => void): Promise<void> {
    return this.#entrance.enter(hello, transport, bound);
  }

  async requireOpen(): Promise<void> {
    if (this.#closing) throw draining();
    // What was changed while everybody was sent away was of no use, and must not stand in the way.
    if (!this.#isLoaded) await this.#core.commit();
    const fault = this.#core.store.fault();
    if (fault) throw new ConnectionError(`The gateway's store takes no writes: ${fault}`, { retryAfterMs: 1000 });
    // The store has failed and recovered: what was known of it is read again before anybody comes in.
    if (!this.#isLoaded) await (this.#loading ??= this.load().finally(() => (this.#loading = undefined)));
  }

  resumed(session: Session): void {
    this.#tasks.found(session);
  }

  opens(topic: string, token: string | undefined): MaybePromise<boolean> {
    return this.#launches.opens(topic, token);
  }

  greet(session: Session): void {
    this.#launches.arrived(session);
    if (!("workspace" in session.identity) && session.workspace === undefined) return;
    configSnapshot(this.#core, session).then(
      // One that has moved meanwhile was told of the other workspace.
      (body) => body.workspace === session.workspace && session.notify({ name: "config", body }),
      (error) => session.fail(error),
    );
  }

  leave(session: Session, reason: string): void {
    this.#tasks.lost(session, true);
    this.end(session, 1000, reason);
  }

  lost(session: Session, transport: Transport): void {
    if (session.unbind(transport)) this.abandoned(session);
  }

  abandoned(session: Session): void {
    this.#tasks.lost(session, false);
    this.#core.wakeAt(this.#core.clock.now() + Math.min(this.limits.redeliverAfterMs, this.limits.resumeMs));
  }

  expired(session: Session): void {
    this.end(session, 4408, "not resumed in time");
  }

  fail(session: Session, thrown: unknown): void {
    const error = thrown instanceof Error && "code" in thrown
      ? (thrown as InvalidArgumentError)
      : new ConnectionError("The gateway failed", { cause: thrown });
    this.end(session, 4400, error.message, undefined, error);
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection);
  }

  end(session: Session, code: number, reason: string, retryAfterMs?: number, error?: InvalidArgumentError): void {
    if (session.ended) return;
    this.#registry.remove(session);
    if (!this.#commitNow()) session.discard();
    session.end(code, reason, retryAfterMs, error);
    // A gateway that drains takes nobody's work: the next one asks its workers what they have.
    if (!this.#closing) this.#tasks.lost(session, false);
    this.#core.commitSoon();
    this.#core.logger("info", "session.end", { topic: session.topic, session: session.id, code, reason });
  }

  /** Receipts that leave with a goodbye must be as durable as any other: false when that cannot be had at once. */
  #commitNow(): boolean {
    try {
      const durable = this.#core.commit();
      if (!(durable instanceof Promise)) return true;
      durable.catch(() => {});
    } catch {
      // Everybody has heard of it.
    }
    return false;
  }

  /** The store could not keep the turn: nobody gets a receipt for it, everybody comes back and sends again. */
  #broken(error: unknown): void {
    this.#core.logger("error", "store.flush", { error: String(error) });
    for (const session of [...this.#registry.all()]) {
      this.#registry.remove(session);
      session.discard();
      session.end(4500, "the gateway's store failed", 1000);
    }
    this.#router.forget();
    this.#spaces.forget();
    this.#tasks.forget();
    this.#isLoaded = false;
  }
}

function draining(): ConnectionError {
  return new ConnectionError("The gateway is draining", { retryAfterMs: 1000 });
}
