// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError } from "../errors.ts";
import type { Clock } from "../base/clock.ts";
import { toWireError } from "../protocol/error_wire.ts";
import type { OpInput, OpName } from "../protocol/ops.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { TaskOutcome } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import type { TaskAbortedError } from "./errors.ts";
import { type GuestTask, LATE_MS, Line, type Port, type ToGuest, type ToHost } from "./isolate_line.ts";

/** An isolate as its platform made it. */
export interface Launched {
  /** The way to it. */
  readonly port: Port;
  /** What it is called: a process id, or the number of a thread. */
  readonly name: string;
  /** Number of the last task it has begun, where that can be seen from here. */
  begun?(): number;
  /** Ends it, whatever it does. */
  terminate(): void;
  /** Resolves when it is gone, with how that came about in words; {@link ENDED} after `terminate()`. */
  readonly exited: Promise<string>;
}

/** How an isolate ended that was ended on purpose. */
export const ENDED = "ended";

/** Without a sign of life for so many ms, something keeps an isolate's loop from turning. */
const BLOCKED_MS = 700;
/** What was not begun for so many ms is given to another: later than the isolate would begin it without asking. */
const WITHDRAW_MS = LATE_MS + 300;

interface Open {
  readonly assignment: TaskAssignment;
  readonly number: number;
  readonly at: number;
  readonly done: (outcome: TaskOutcome | undefined) => void;
}

/** One life of an isolate, seen from its pool. */
export class Isolate {
  readonly #launched: Launched;
  readonly #clock: Clock;
  readonly #line: Line<ToGuest, ToHost>;
  readonly #open = new Map<string, Open>();
  readonly #calls = new Map<number, AbortController>();
  readonly #ready = Promise.withResolvers<GuestTask[]>();
  readonly #report: (error: unknown) => void;
  #link: Link | undefined;
  #numbers = 0;
  #begun = 0;
  #pulseAt: number;
  #isEnding = false;
  /** Bytes it uses, as it said last. */
  usedBytes = 0;
  /** Whether it is to take nothing more. */
  isRetired = false;
  /** How it ended, once it has. */
  gone: string | undefined;
  /** When it was ready, ms since epoch. */
  readyAt = Infinity;
  /** Resolves when it is gone. */
  readonly exited: Promise<string>;

  constructor(launched: Launched, clock: Clock, report: (error: unknown) => void) {
    this.#launched = launched;
    this.#clock = clock;
    this.#report = report;
    this.#pulseAt = clock.now();
    this.#line = new Line(launched.port, (message) => this.#heard(message));
    this.#ready.promise.catch(() => {});
    this.exited = launched.exited.then((how) => {
      this.#gone(how);
      return how;
    });
  }

  /** What it is called. */
  get name(): string {
    return this.#launched.name;
  }
  /** The tasks it can do; rejects when it cannot work. */
  get ready(): Promise<GuestTask[]> {
    return this.#ready.promise;
  }
  /** How many attempts it runs. */
  get size(): number {
    return this.#open.size;
  }
  /** Whether something keeps its loop from turning. */
  get isBlocked(): boolean {
    return this.#clock.now() - this.#pulseAt > BLOCKED_MS;
  }
  /** Whether it runs an attempt. */
  has({ taskId, attempt }: TaskAssignment): boolean {
    return this.#open.has(`${taskId}/${attempt}`);
  }

  #heard(message: ToHost): void {
    switch (message.kind) {
      case "ready":
        this.readyAt = this.#pulseAt = this.#clock.now();
        return this.#ready.resolve(message.tasks);
      case "unfit":
        this.#ready.reject(new AetherError(message.message, "INVALID_ARGUMENT"));
        return this.terminate();
      case "begun":
        this.#begun = message.number;
        return;
      case "claim": {
        const isWanted = [...this.#open.values()].some(({ number }) => number === message.number);
        return this.#line.say({ kind: "go", number: message.number, isWanted });
      }
      case "outcome":
        return this.#over(`${message.taskId}/${message.attempt}`, message.outcome);
      case "call":
        return void this.#call(message);
      case "cancel":
        return this.#calls.get(message.id)?.abort();
      case "report":
        return this.#report(new AetherError(message.message));
      case "pulse":
        this.#pulseAt = this.#clock.now();
        this.usedBytes = message.bytes;
    }
  }

  async #call({ id, op, input, timeoutMs }: Extract<ToHost, { kind: "call" }>): Promise<void> {
    const controller = new AbortController();
    this.#calls.set(id, controller);
    try {
      const { signal } = controller;
      const output = await this.#link!.call(op as OpName, input as OpInput<OpName>, { signal, timeoutMs });
      this.#line.say({ kind: "answer", id, output });
    } catch (error) {
      if (!controller.signal.aborted) this.#line.say({ kind: "answer", id, error: toWireError(error) });
    } finally {
      this.#calls.delete(id);
    }
  }

  /** Runs an attempt to its end, or to the isolate's; undefined when it was withdrawn before it began. */
  execute(assignment: TaskAssignment, signal: AbortSignal, link: Link): Promise<TaskOutcome | undefined> {
    const { taskId, attempt } = assignment;
    const key = `${taskId}/${attempt}`;
    if (this.gone !== undefined) return Promise.resolve(undefined);
    this.#link = link;
    return new Promise((resolve) => {
      const abort = (): void => {
        const { kind, message } = signal.reason as TaskAbortedError;
        this.#line.say({ kind: "abort", taskId, attempt, why: kind, reason: message });
      };
      const done = (outcome: TaskOutcome | undefined): void => {
        signal.removeEventListener("abort", abort);
        resolve(outcome);
        if (this.#isEnding && this.#open.size === 0) this.terminate();
      };
      const [number, at] = [++this.#numbers, this.#clock.now()];
      this.#open.set(key, { assignment, number, at, done });
      this.#line.say({ kind: "run", number, at, assignment });
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Takes back what it has not begun although it has had the time. */
  withdraw(): void {
    const begun = Math.max(this.#begun, this.#launched.begun?.() ?? 0);
    const before = this.#clock.now() - WITHDRAW_MS;
    for (const [key, { number, at }] of [...this.#open]) {
      if (number > begun && at < before) this.#over(key, undefined);
    }
  }

  #over(key: string, outcome: TaskOutcome | undefined): void {
    const open = this.#open.get(key);
    this.#open.delete(key);
    open?.done(outcome);
  }

  /** Forgets an attempt that does not end; what it still does counts for nothing. */
  abandon({ taskId, attempt }: TaskAssignment): void {
    this.#over(`${taskId}/${attempt}`, { kind: "released", reason: "it did not stop when told to" });
  }

  /** Takes nothing more; ends when what runs is over, or after so many ms. */
  retire(withinMs = Infinity): void {
    this.isRetired = this.#isEnding = true;
    if (this.#open.size === 0) return this.terminate();
    if (withinMs === Infinity) return;
    const late = this.#clock.timer(withinMs, () => this.terminate());
    this.exited.finally(late);
  }

  /** Ends it now. */
  terminate(): void {
    this.#launched.terminate();
  }

  #gone(how: string): void {
    this.gone = how;
    this.#ready.reject(new AetherError(`The isolate ended before it was ready: ${how}`, "UNAVAILABLE"));
    for (const controller of this.#calls.values()) controller.abort();
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { assignment, done } of open) done(this.outcomeOfLoss(assignment, how, open.length === 1));
  }

  /** How an attempt ended whose isolate has gone; set by the seat, which counts. */
  outcomeOfLoss: (assignment: TaskAssignment, how: string, isAlone: boolean) => TaskOutcome = (_, how) => ({
    kind: "released",
    reason: `its isolate has gone: ${how}`,
  });
}
