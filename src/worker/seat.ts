// edge: no Deno, Bun, node: or cloudflare: names
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { TaskOutcome } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import { abortedOutcome } from "./attempt.ts";
import type { Crashes } from "./crashes.ts";
import { ENDED, Isolate, type Launched } from "./isolate_host.ts";
import type { GuestTask } from "./isolate_line.ts";
import type { Executor } from "./worker_options.ts";

/** What a seat is made of. */
export interface SeatOptions {
  /** Makes an isolate. */
  launch(): Launched;
  readonly clock: Clock;
  /** How long an isolate that is replaced may go on with what it runs, in ms. */
  readonly drainMs: number;
  /** Bytes an isolate may use before it is replaced; no end when left out. */
  readonly memoryBytes?: number;
  /** Which tasks were there when an isolate crashed. */
  readonly crashes: Crashes;
  /** How long a new isolate may take to be ready, in ms. */
  readonly startMs?: number;
  /** Hears what happens. */
  onEvent(event: SeatEvent): void;
  /** Hears that `isReady` or `tasks` may be different. */
  onChange(): void;
}

/** What happens to isolates. */
export type SeatEvent =
  | { type: "started"; isolate: string; tasks: string[] }
  | { type: "exited"; isolate: string; how: string; isExpected: boolean; retryInMs?: number }
  | { type: "replacing"; isolate: string; why: string }
  | { type: "unfit"; message: string; retryInMs?: number }
  | { type: "error"; message: string };

const FIRST_MS = 200;
const LONGEST_MS = 30_000;
/** An isolate that has lived so long has recovered, in ms. */
const STABLE_MS = 10_000;
const START_MS = 30_000;
const LOOK_MS = 200;
/** Keeps one isolate alive and gives it attempts: starts it, starts it again, replaces it. */
export class Seat implements Executor {
  readonly #options: SeatOptions;
  readonly #isolates = new Set<Isolate>();
  #current: Isolate | undefined;
  #wanted: (() => void)[] = [];
  #failures = 0;
  #isOver = false;
  #isReplacing = false;
  #timers = new Set<CancelTimer>();
  #lookedAt = 0;
  /** What its isolate can do. */
  tasks: GuestTask[] = [];

  constructor(options: SeatOptions) {
    this.#options = options;
  }

  /** Types its isolate can do. */
  get types(): string[] {
    return this.tasks.map(({ type }) => type);
  }

  /** Isolates that live. */
  get isolates(): readonly Isolate[] {
    return [...this.#isolates];
  }

  /** Whether it has an isolate that takes tasks. */
  get isReady(): boolean {
    return this.#current !== undefined;
  }

  /** Starts the first isolate; rejects when it cannot work. */
  async start(): Promise<void> {
    this.#use(await this.#launch());
    this.#lookedAt = this.#options.clock.now();
    this.#every(LOOK_MS, () => this.#look());
  }

  async #launch(): Promise<[Isolate, GuestTask[]]> {
    const { clock, launch, onEvent, startMs = START_MS } = this.#options;
    const report = (error: unknown): void => onEvent({ type: "error", message: String(error) });
    const isolate = new Isolate(launch(), clock, report);
    this.#isolates.add(isolate);
    isolate.outcomeOfLoss = (assignment, how, isAlone) => this.#options.crashes.outcomeOf(assignment, how, isAlone);
    isolate.exited.then((how) => this.#exited(isolate, how));
    const late = clock.timer(startMs, () => isolate.terminate());
    try {
      return [isolate, await isolate.ready];
    } finally {
      late();
    }
  }

  #use([isolate, tasks]: [Isolate, GuestTask[]]): void {
    if (this.#isOver) return isolate.terminate();
    this.tasks = tasks;
    this.#current = isolate;
    this.#options.onEvent({ type: "started", isolate: isolate.name, tasks: this.types });
    this.#options.onChange();
    const wanted = this.#wanted;
    this.#wanted = [];
    for (const resolve of wanted) resolve();
  }

  #exited(isolate: Isolate, how: string): void {
    this.#isolates.delete(isolate);
    const isCurrent = this.#current === isolate;
    const isExpected = this.#isOver || (isolate.isRetired && how === ENDED);
    const wasReady = isolate.readyAt < Infinity;
    if (isCurrent) this.#current = undefined;
    let retryInMs: number | undefined;
    if (isCurrent && !this.#isOver) {
      if (this.#options.clock.now() - isolate.readyAt > STABLE_MS) this.#failures = 0;
      retryInMs = this.#again();
    }
    if (wasReady) {
      const { name } = isolate;
      this.#options.onEvent({
        type: "exited",
        isolate: name,
        how,
        isExpected,
        ...(retryInMs !== undefined && { retryInMs }),
      });
    }
    this.#options.onChange();
  }

  /** Starts another isolate, later and later. */
  #again(): number {
    const wait = Math.min(FIRST_MS * 2 ** this.#failures++, LONGEST_MS);
    this.#after(wait, async () => {
      if (this.#current || this.#isOver) return;
      try {
        this.#use(await this.#launch());
      } catch (error) {
        if (this.#isOver) return;
        this.#options.onEvent({ type: "unfit", message: messageOf(error), retryInMs: this.#again() });
      }
    });
    return wait;
  }

  /** Puts a new isolate in the place of the one there is; that one finishes what it runs, within so many ms. */
  async replace(why: string, withinMs: number = this.#options.drainMs): Promise<void> {
    const old = this.#current;
    if (this.#isReplacing || this.#isOver) return;
    this.#isReplacing = true;
    try {
      if (old) this.#options.onEvent({ type: "replacing", isolate: old.name, why });
      const launched = await this.#launch();
      old?.retire(withinMs);
      this.#use(launched);
    } catch (error) {
      if (!this.#isOver) this.#options.onEvent({ type: "unfit", message: messageOf(error) });
    } finally {
      this.#isReplacing = false;
    }
  }

  #look(): void {
    const { memoryBytes = Infinity, clock } = this.#options;
    const now = clock.now();
    // When this process was held up itself, nothing can be said of others.
    const isFair = now - this.#lookedAt < LOOK_MS * 3;
    this.#lookedAt = now;
    if (!isFair) return;
    const isolate = this.#current;
    if (isolate && !this.#isReplacing) {
      // One that has only just begun may need that much for a moment, or always: no use in replacing it at once.
      if (isolate.usedBytes > memoryBytes && now - isolate.readyAt > STABLE_MS / 2) {
        const [used, limit] = [isolate.usedBytes, memoryBytes].map((bytes) => Math.round(bytes / 2 ** 20));
        // Far beyond it, there is no time to wait for what runs.
        if (isolate.usedBytes > memoryBytes * 1.5) isolate.terminate();
        else this.replace(`it uses ${used} MiB, ${limit} are allowed`);
      } else if (isolate.isBlocked && isolate.size > 0) {
        // What runs there may take as long as it may; everything else goes to another.
        this.replace("a task keeps it busy", Infinity);
      }
    }
    for (const one of this.#isolates) if (one.isBlocked && one !== this.#current) one.withdraw();
  }

  async execute(assignment: TaskAssignment, signal: AbortSignal, link: Link): Promise<TaskOutcome> {
    const { crashes } = this.#options;
    if (crashes.isSuspect(assignment)) {
      const outcome = await this.#executeAlone(assignment, signal, link);
      if (outcome) return outcome;
    }
    for (;;) {
      const outcome = await this.#current?.execute(assignment, signal, link);
      if (outcome) return outcome;
      if (signal.aborted || this.#isOver) return abortedOutcome(signal.reason);
      if (this.#current) continue;
      await new Promise<void>((resolve) => {
        this.#wanted.push(resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }

  /** Runs an attempt where it can hurt nobody; undefined when no isolate is to be had for it. */
  async #executeAlone(
    assignment: TaskAssignment,
    signal: AbortSignal,
    link: Link,
  ): Promise<TaskOutcome | undefined> {
    try {
      const [isolate] = await this.#launch();
      const running = isolate.execute(assignment, signal, link);
      isolate.retire();
      const outcome = await running;
      if (isolate.gone === undefined) this.#options.crashes.clear(assignment);
      return outcome;
    } catch (error) {
      this.#options.onEvent({ type: "unfit", message: messageOf(error) });
      return undefined;
    }
  }

  /** An attempt does not end though it was told to: its isolate goes, as soon as nobody else is hurt. */
  kill(assignment: TaskAssignment): void {
    for (const isolate of this.#isolates) {
      if (!isolate.has(assignment)) continue;
      if (isolate.size === 1 || isolate.isBlocked) return isolate.terminate();
      isolate.abandon(assignment);
      if (isolate === this.#current) this.replace(`task ${assignment.taskId} does not stop`);
    }
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#options.clock.timer(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  #every(ms: number, run: () => void): void {
    this.#after(ms, () => {
      if (this.#isOver) return;
      run();
      this.#every(ms, run);
    });
  }

  /** Ends all its isolates. */
  async close(): Promise<void> {
    this.#isOver = true;
    for (const cancel of this.#timers) cancel();
    for (const resolve of this.#wanted) resolve();
    const all = [...this.#isolates];
    for (const isolate of all) isolate.terminate();
    await Promise.all(all.map(({ exited }) => exited));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
