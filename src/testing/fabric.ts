// edge: no Deno, Bun, node: or cloudflare: names
import { AgentClient, type AgentClientOptions } from "../client/agent.ts";
import type { AetherClient } from "../client/aether_client.ts";
import type { ClientOptions } from "../client/options.ts";
import { loadVerbs } from "../client/loading.ts";
import { OrchestratorClient, type OrchestratorClientOptions } from "../client/orchestrator.ts";
import {
  BridgeClient,
  MetricsBridgeClient,
  type PlatformClientOptions,
  ServiceClient,
  WorkflowEngineClient,
} from "../client/platform.ts";
import { TaskClient, type TaskClientOptions } from "../client/task.ts";
import { UserClient, type UserClientOptions } from "../client/user.ts";
import { type Clock, endOfTurn, systemClock } from "../base/clock.ts";
import { type Random, seededRandom, systemRandom } from "../base/ids.ts";
import { InvalidArgumentError } from "../errors.ts";
import { allowAll, type Authenticator } from "../gateway/auth.ts";
import { createGateway, type Gateway } from "../gateway/gateway.ts";
import type { Limits } from "../protocol/limits.ts";
import { memoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import { delegated } from "./delegated.ts";
import { parseDuration, VirtualClock } from "./virtual_clock.ts";
import { Wire } from "./wire.ts";

/** Options of {@link testFabric}. */
export interface FabricOptions {
  /** Where the gateway keeps things; in memory by default. It outlives `restartGateway()` and `killGateway()`. */
  store?: Store;
  /** A virtual clock (the default) moves by `advance()` only. */
  clock?: "virtual" | "real";
  /** With a seed every run is the same. */
  seed?: number;
  /** Who may connect; everybody by default. */
  auth?: Authenticator;
  /** Changed limits. */
  limits?: Partial<Limits>;
  /** What is between the clients and the gateway; by default memory. */
  between?: Between;
}

/** Something between the clients and the gateway, such as real sockets. The fabric does not end it: who made it does. */
export interface Between {
  /** Opens a way to a gateway that was started. */
  open(gateway: Gateway): Promise<Way>;
  /** Waits until all that is under way has arrived, and all that came of it: virtual time moves on only then. A real clock does not ask. */
  settle(): Promise<void>;
}

/** A way to a gateway. */
export interface Way {
  /** How clients reach it. What passes is to go by `carry` at the client's end, as `gateway.dial(carry)` has it: faults are made there. */
  dial: Gateway["dial"];
  /** Its gateway was closed, or killed. */
  close(): Promise<void>;
}

/** What can go wrong. */
export interface Faults {
  /** Breaks a client's connection; both ends hear it. */
  cut(client: AetherClient): void;
  /** Nothing passes any more, and neither end hears of it. */
  halfOpen(client: AetherClient): void;
  /** Everything takes so many ms, each way, from now on. */
  delay(client: AetherClient, ms: number): void;
  /** The next `n` WebSocket messages vanish; then the connection breaks. */
  drop(client: AetherClient, n: number): void;
  /** Drains the gateway if it runs, and starts one over the same store. */
  restartGateway(): Promise<void>;
  /** Ends the gateway without a word, as `kill -9` would. Clients find nobody until `restartGateway()`. */
  killGateway(): void;
}

/** Options of a client in a fabric: what is left out is made up. */
export type Partially<T> = Partial<T>;

/** A gateway and clients in one process, with time and wires in the test's hand. Clients connect by themselves. */
export interface TestFabric extends AsyncDisposable {
  /** The gateway that runs now. */
  readonly gateway: Gateway;
  /** The clock of everything in here. */
  readonly clock: Clock;
  /** The chance of everything in here. */
  readonly random: Random;
  /** An agent. */
  agent(options?: Partially<AgentClientOptions>): AgentClient;
  /** A user's window. */
  user(options?: Partially<UserClientOptions>): UserClient;
  /** A pool worker, or a unique task with `uniqueSpecifier`. */
  task(options?: Partially<TaskClientOptions>): TaskClient;
  /** A service. */
  service(options?: Partially<PlatformClientOptions>): ServiceClient;
  /** A bridge. */
  bridge(options?: Partially<PlatformClientOptions>): BridgeClient;
  /** An orchestrator. */
  orchestrator(options?: Partially<OrchestratorClientOptions>): OrchestratorClient;
  /** The workflow engine. */
  workflowEngine(options?: ClientOptions): WorkflowEngineClient;
  /** The metrics bridge. */
  metricsBridge(options?: ClientOptions): MetricsBridgeClient;
  /** Moves the clock by ms or a text like `"7d"`, running everything that is due; a real clock just waits. */
  advance(duration: number | string): Promise<void>;
  /** What can go wrong. */
  readonly faults: Faults;
}

/**
 * Makes a fabric.
 * @example
 * ```ts
 * import { testFabric } from "@aether-edge/sdk/testing";
 * await using fabric = await testFabric({ seed: 1 });
 * const [desk, shelf] = [fabric.agent(), fabric.agent()];
 * await Promise.all([desk.connect(), shelf.connect()]);
 * fabric.faults.cut(shelf);
 * desk.send({ targetTopic: shelf.topic, payload: new Uint8Array([1]) });
 * await fabric.advance("5s");
 * for await (const message of shelf.messages()) if (message.payload[0] === 1) break;
 * ```
 */
export async function testFabric(options: FabricOptions = {}): Promise<TestFabric> {
  const { between } = options;
  if (between && (typeof between.open !== "function" || typeof between.settle !== "function")) {
    throw new InvalidArgumentError(
      "Cannot put this between clients and gateway: it needs open() and settle()",
      "between",
    );
  }
  const virtual = options.clock === "real"
    ? undefined
    : new VirtualClock(undefined, between && (() => between.settle()));
  const clock = virtual ?? systemClock;
  const random = options.seed === undefined ? systemRandom : seededRandom(options.seed);
  const store = options.store ?? memoryStore();
  const wires = new Map<AetherClient, Wire>();
  const dead = new WeakSet<Gateway>();
  let running: Gateway | undefined;
  let way: Way | undefined;
  let kill = (): void => {};
  let count = 0;

  const start = async (): Promise<void> => {
    // A killed gateway's timers must not fire: its clock stops with it.
    const life = { over: false };
    kill = () => (life.over = true);
    const gatewayClock: Clock = {
      now: () => clock.now(),
      timer: (ms, run) => clock.timer(ms, () => life.over || run()),
    };
    const gateway = await createGateway({
      store: {
        log: store.log,
        dedupe: store.dedupe,
        kv: store.kv,
        tasks: store.tasks,
        isVolatile: store.isVolatile,
        flush: () => store.flush(),
        fault: () => store.fault(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      auth: options.auth ?? allowAll(),
      clock: gatewayClock,
      random,
      limits: options.limits,
      // In virtual time a turn is a microtask: the same every time, and nothing has to wait for the platform's loop.
      endOfTurn: (run) => (virtual && !between ? queueMicrotask : endOfTurn)(() => life.over || run()),
    });
    way = await between?.open(gateway);
    running = way ? overWay(gateway, way) : gateway;
  };
  const add = <C extends AetherClient>(make: (options: ClientOptions) => C): C => {
    const wire = new Wire(clock, () => running, (gateway) => dead.has(gateway));
    const client = make({ dial: wire.dial, clock, random });
    wires.set(client, wire);
    // A refusal is heard by whoever calls connect().
    client.connect().catch(() => {});
    return client;
  };
  const wireOf = (client: AetherClient): Wire => {
    const wire = wires.get(client);
    if (!wire) throw new InvalidArgumentError("This client was not made by the fabric", "client");
    return wire;
  };
  const killGateway = (): void => {
    if (running) dead.add(running);
    kill();
    running = undefined;
    for (const wire of wires.values()) wire.cut();
    way?.close().catch(() => {});
  };
  const name = (kind: string): string => `${kind}-${++count}`;
  // Virtual time must not wait for a real import.
  await loadVerbs();
  await start();

  return {
    get gateway() {
      if (!running) throw new InvalidArgumentError("The gateway was killed: call faults.restartGateway() first");
      return running;
    },
    clock,
    random,
    agent: (own) =>
      add((base) =>
        new AgentClient({
          ...base,
          workspace: "test",
          implementation: "agent",
          specifier: own?.specifier ?? name("a"),
          ...own,
        })
      ),
    user: (own) =>
      add((base) =>
        new UserClient({ ...base, userId: own?.userId ?? name("u"), windowId: "w1", workspace: "test", ...own })
      ),
    task: (own) => add((base) => new TaskClient({ ...base, workspace: "test", implementation: "pool", ...own })),
    service: (own) =>
      add((base) =>
        new ServiceClient({ ...base, implementation: "service", specifier: own?.specifier ?? name("s"), ...own })
      ),
    bridge: (own) =>
      add((base) =>
        new BridgeClient({ ...base, implementation: "bridge", specifier: own?.specifier ?? name("b"), ...own })
      ),
    orchestrator: (own) =>
      add((base) =>
        new OrchestratorClient({ ...base, implementation: "orchestrator", supportedProfiles: ["default"], ...own })
      ),
    workflowEngine: (own) => add((base) => new WorkflowEngineClient({ ...base, ...own })),
    metricsBridge: (own) => add((base) => new MetricsBridgeClient({ ...base, ...own })),
    async advance(duration) {
      if (virtual) await virtual.advance(duration);
      else await new Promise<void>((resolve) => systemClock.timer(parseDuration(duration), resolve));
    },
    faults: {
      cut: (client) => wireOf(client).cut(),
      halfOpen: (client) => wireOf(client).halfOpen(),
      delay: (client, ms) => wireOf(client).delay(ms),
      drop: (client, n) => wireOf(client).drop(n),
      killGateway,
      async restartGateway() {
        const old = running;
        running = undefined;
        await old?.close();
        kill();
        await start();
      },
    },
    async [Symbol.asyncDispose]() {
      const leaving = Promise.all([...wires.keys()].map((client) => client.disconnect()));
      if (virtual) await virtual.advance("5s");
      await leaving;
      await running?.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

function overWay(gateway: Gateway, way: Way): Gateway {
  return delegated(gateway, {
    dial: (carry) => way.dial(carry),
    async close(options) {
      await gateway.close(options);
      await way.close();
    },
  });
}
