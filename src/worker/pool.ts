// edge: no Deno, Bun, node: or cloudflare: names
import { ConnectionClosedError, InvalidArgumentError } from "../errors.ts";
import type { Clock } from "../base/clock.ts";
import { type AetherClient, sessionOf } from "../client/aether_client.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import { Crashes } from "./crashes.ts";
import type { Launched } from "./isolate_host.ts";
import { Seat, type SeatEvent } from "./seat.ts";
import { localExecutor } from "./create_worker.ts";
import { Worker } from "./worker.ts";
import type { Executor, WorkerStats } from "./worker_options.ts";
import type { DefinedTask } from "./define_task.ts";
import type { GuestTask } from "./isolate_line.ts";

/** What a pool does, and how far it is. */
export type PoolEvent =
  | {
    type: "ready";
    implementation: string;
    workspace: string;
    processes: number;
    slots: number;
    tasks: string[];
    /** Tasks that are sent to another pool when their creators say nothing else, and which. */
    elsewhere: Record<string, string>;
  }
  | {
    type: "task";
    taskId: string;
    taskType: string;
    attempt: number;
    outcome: string;
    isAccepted: boolean;
    error?: string;
  }
  /** `total` is how many there were, are and wait, as far as the gateway says so. */
  | ({ type: "stats"; total?: number } & WorkerStats)
  | { type: "draining"; why: string; running: number }
  | { type: "stopped"; why: string; done: number; failed: number; released: number }
  | (SeatEvent & { seat: number });

/** What a pool has done when it is over. */
export interface PoolResult {
  /** Why it ended: a signal's name, `idle`, or `aborted`. */
  why: string;
  /** Attempts that completed. */
  done: number;
  /** Attempts that failed. */
  failed: number;
  /** Attempts that were handed back, wait or were taken away. */
  released: number;
}

/** What a pool is made of. */
export interface PoolOptions {
  /** How many isolates. */
  processes: number;
  /** Slots of each. */
  slots: number;
  /** How long it lets tasks finish when it stops, in ms. */
  drainMs: number;
  /** How long a task that was told to stop may take to end, in ms. */
  graceMs?: number;
  /** How long its tasks wait for it when its connection breaks, in ms. */
  reconnectMs?: number;
  /** Ends when there was nothing to do for so many ms. */
  idleExitMs?: number;
  /** Bytes an isolate may use before it is replaced. */
  memoryBytes?: number;
  /** The pool's name; what its tasks say when left out. */
  implementation?: string;
  /** Its workspace. */
  workspace: string;
  readonly clock: Clock;
  /** Makes an isolate; without it, tasks run right here. */
  launch?(): Launched;
  /** Loads the tasks when they run right here. */
  load(): Promise<DefinedTask[]>;
  /** Makes a client that is not connected yet. */
  client(implementation: string): AetherClient;
  /** Whether to ask the gateway how much waits, for the statistics. */
  isCounting?: boolean;
  /** Hears what happens. */
  onEvent?(event: PoolEvent): void;
}

const STATS_MS = 1_000;

/** Isolates, each with a connection and slots of its own, under one roof. The connections are the pool's: what an isolate does cannot harm them. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #places: { seat?: Seat; executor: Executor; client: AetherClient; worker: Worker }[] = [];
  readonly #seats: Seat[] = [];
  readonly #over = Promise.withResolvers<PoolResult>();
  #isStopping = false;
  #idleSince: number;
  #implementation = "";
  #total: number | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#idleSince = options.clock.now();
    this.#over.promise.catch(() => {});
  }

  /** Resolves when it is over; rejects when it cannot go on. */
  get over(): Promise<PoolResult> {
    return this.#over.promise;
  }

  #tell(event: PoolEvent): void {
    this.#options.onEvent?.(event);
  }

  /** Starts; rejects when the tasks cannot be loaded or the gateway refuses. */
  async start(): Promise<void> {
    const { processes, slots, workspace } = this.#options;
    try {
      const executors = this.#options.launch ? await this.#startSeats() : [await this.#local()];
      const tasks = executors[0].tasks;
      this.#implementation = this.#options.implementation ?? implementationOf(tasks);
      await Promise.all(executors.map(({ executor, seat }) => this.#place(executor, seat)));
      if (this.#isStopping) return;
      this.#tell({
        type: "ready",
        implementation: this.#implementation,
        workspace,
        processes,
        slots,
        tasks: tasks.map(({ type }) => type),
        elsewhere: Object.fromEntries(
          tasks.map(({ type, implementation = type }) => [type, implementation])
            .filter(([, pool]) => pool !== this.#implementation),
        ),
      });
      this.#idleSince = this.#options.clock.now();
      this.#tick();
    } catch (error) {
      // Stopped while it started: that is no fault.
      if (this.#isStopping) return;
      await this.#close();
      throw error;
    }
  }

  async #local(): Promise<{ executor: Executor; seat?: Seat; tasks: GuestTask[] }> {
    const tasks = await this.#options.load();
    return { executor: localExecutor(tasks), tasks };
  }

  async #startSeats(): Promise<{ executor: Executor; seat: Seat; tasks: GuestTask[] }[]> {
    const { processes, clock, drainMs, memoryBytes, launch } = this.#options;
    const crashes = new Crashes();
    for (let number = 1; number <= processes; number++) {
      this.#seats.push(
        new Seat({
          launch: () => launch!(),
          clock,
          drainMs,
          memoryBytes,
          crashes,
          onEvent: (event) => this.#tell({ ...event, seat: number }),
          onChange: () => this.#adjust(),
        }),
      );
    }
    // The first alone: when the module cannot be loaded, it is said once.
    await this.#seats[0].start();
    await Promise.all(this.#seats.slice(1).map((seat) => seat.start()));
    return this.#seats.map((seat) => ({ executor: seat, seat, tasks: seat.tasks }));
  }

  async #place(executor: Executor, seat: Seat | undefined): Promise<void> {
    if (this.#isStopping) return;
    const { slots, processes, drainMs, graceMs, reconnectMs } = this.#options;
    const client = this.#options.client(this.#implementation);
    const own = seat ? slots : slots * processes;
    const worker = new Worker(sessionOf(client), executor, { tasks: [], slots: own, drainMs, graceMs, reconnectMs });
    this.#places.push({ seat, executor, client, worker });
    worker.onEnded(({ assignment, outcome, isAccepted }) => this.#ended(assignment, outcome, isAccepted));
    let last: unknown;
    client.onError((error) => {
      last = error;
      this.#tell({ type: "error", message: error.message, seat: this.#places.length });
    });
    await client.connect();
    await worker.ready();
    client.onStateChange((state) => {
      if (state !== "closed" || this.#isStopping) return;
      this.#fail(last instanceof Error ? last : new ConnectionClosedError("The connection is closed"));
    });
  }

  #ended(
    { taskId, taskType, attempt }: TaskAssignment,
    outcome: { kind: string; error?: { message: string } },
    isAccepted: boolean,
  ): void {
    const error = outcome.error?.message;
    this.#tell({
      type: "task",
      taskId,
      taskType,
      attempt,
      outcome: outcome.kind,
      isAccepted,
      ...(error !== undefined && { error }),
    });
    this.#idleSince = this.#options.clock.now();
  }

  /** Offers what its isolates can take now. */
  #adjust(): void {
    for (const { seat, worker } of this.#places) {
      if (seat) worker.resize(seat.isReady ? this.#options.slots : 0, seat.types);
    }
  }

  /** What is done and runs in all of it. */
  get stats(): WorkerStats {
    const sum: WorkerStats = { running: 0, done: 0, failed: 0, released: 0, perSecond: 0 };
    for (const { worker } of this.#places) {
      for (const [name, value] of Object.entries(worker.stats)) sum[name as keyof WorkerStats] += value;
    }
    return sum;
  }

  #tick(): void {
    if (this.#isStopping) return;
    const { idleExitMs, clock, isCounting } = this.#options;
    const { stats } = this;
    this.#tell({ type: "stats", ...stats, ...(this.#total !== undefined && { total: this.#total }) });
    if (stats.running > 0) this.#idleSince = clock.now();
    if (idleExitMs !== undefined && clock.now() - this.#idleSince >= idleExitMs) return void this.stop("idle");
    if (isCounting) this.#count();
    clock.timer(Math.min(STATS_MS, idleExitMs ?? STATS_MS), () => this.#tick());
  }

  async #count(): Promise<void> {
    try {
      const link = sessionOf(this.#places[0].client);
      const input = { implementation: this.#implementation, action: "get" as const };
      const { pool } = await link.call("task.pool", input, { timeoutMs: STATS_MS * 5 });
      const { done, failed, running } = this.stats;
      this.#total = done + failed + running + pool.queued;
    } catch {
      // It may not ask, or nobody answers now: the bar is left out, the work goes on.
      this.#total = undefined;
    }
  }

  /** Replaces all isolates, one after another: their module has changed. */
  async reload(why: string): Promise<void> {
    for (const seat of this.#seats) await seat.replace(why);
  }

  /** Takes nothing more, lets what runs finish, hands back the rest, and ends. */
  async stop(why: string): Promise<PoolResult> {
    if (this.#isStopping) return await this.over;
    this.#isStopping = true;
    this.#tell({ type: "draining", why, running: this.stats.running });
    await Promise.all(this.#places.map(({ worker }) => worker.drain()));
    await this.#close();
    const { done, failed, released } = this.stats;
    this.#tell({ type: "stopped", why, done, failed, released });
    this.#over.resolve({ why, done, failed, released });
    return await this.over;
  }

  #fail(error: Error): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#close().then(() => this.#over.reject(error));
  }

  async #close(): Promise<void> {
    this.#isStopping = true;
    await Promise.all([
      ...this.#places.map(({ client }) => client.disconnect()),
      ...this.#seats.map((seat) => seat.close()),
    ]);
  }
}

/** The pool that all of some tasks wait in when nothing else is said. */
function implementationOf(tasks: readonly GuestTask[]): string {
  const names = new Set(tasks.map(({ type, implementation }) => implementation ?? type));
  if (names.size === 1) return [...names][0];
  throw new InvalidArgumentError(
    `Cannot choose a pool: the tasks belong to ${[...names].join(", ")}; say implementation`,
    "implementation",
  );
}
