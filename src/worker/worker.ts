// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { insist } from "../client/follow.ts";
import { type Offer, serve, type Serving, servingOf, type StopAttempt } from "../client/serving.ts";
import type { CancelTimer } from "../base/clock.ts";
import { Handlers, type Unsubscribe } from "../base/emitter.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { RevokeKind, TaskOutcome } from "../protocol/tasks.ts";
import type { Session } from "../session/session.ts";
import { toTaskError } from "../client/task_values.ts";
import { abortedOutcome } from "./attempt.ts";
import { TaskAbortedError } from "./errors.ts";
import { Rate } from "./rate.ts";
import type { EndedAttempt, Executor, WorkerOptions, WorkerStats } from "./worker_options.ts";

const GRACE_MS = 5_000;
/** How long a drain waits for the gateway to take what it hands back, in ms. */
const GIVE_UP_MS = 2_000;
/** How long a failure by timeout waits for the gateway's own word, in ms: it knows whether there is another attempt. */
const WORD_MS = 1_500;

interface Running {
  readonly assignment: TaskAssignment;
  readonly stop: AbortController;
  readonly timers: CancelTimer[];
  isOver: boolean;
  /** The gateway has taken it away. */
  isRevoked: boolean;
  /** Its failure, which waits for the gateway's own word. */
  held?: TaskOutcome;
}

/** Takes tasks and does them. Made by {@link createWorker}. */
export class Worker implements AsyncDisposable {
  readonly #session: Session;
  readonly #executor: Executor;
  readonly #options: WorkerOptions;
  readonly #offer: Offer;
  readonly #serving: Serving;
  readonly #running = new Set<Running>();
  readonly #idle: Handlers<void>;
  readonly #ended: Handlers<EndedAttempt>;
  readonly #rate: Rate;
  readonly #stats = { done: 0, failed: 0, released: 0 };
  readonly #offs: (() => void)[];
  #settling = 0;
  #drained: Promise<void> | undefined;
  /** Called when nothing runs any more. */
  #onEmpty: (() => void) | undefined;

  /** Made by {@link createWorker}. */
  constructor(session: Session, executor: Executor, options: WorkerOptions) {
    const { slots = 1, reconnectMs, workspace } = options;
    if (!Number.isInteger(slots) || slots < 0) {
      throw new InvalidArgumentError(`Cannot make a worker with ${slots} slots: a whole number is needed`, "slots");
    }
    if (servingOf(session)) {
      throw new InvalidArgumentError("Cannot make a worker: this client takes tasks already", "client");
    }
    this.#session = session;
    this.#executor = executor;
    this.#options = options;
    const report = (error: unknown): void => session.report(error);
    this.#idle = new Handlers(report);
    this.#ended = new Handlers(report);
    this.#rate = new Rate(session.options.clock.now());
    this.#offer = { slots, types: [...executor.types], isAutoStart: true, graceMs: reconnectMs, workspace };
    this.#serving = serve(session, this.#offer, (assignment) => this.#take(assignment));
    this.#offs = [session.onState.add((state) => {
      if (state === "closed") this.#stopAll("lease_lost", "the client is closed");
    })];
  }

  /** Resolves when the gateway knows what it offers; rejects when it is refused. Waits for the first connection. */
  async ready(): Promise<void> {
    if (!this.#serving.announced) {
      await new Promise<void>((resolve) => {
        const off = this.#session.onConnect.add(() => (off(), resolve()));
      });
    }
    await this.#serving.announced;
  }

  /** What it has done and does. */
  get stats(): WorkerStats {
    const perSecond = this.#rate.perSecond(this.#session.options.clock.now());
    return { running: this.#running.size, ...this.#stats, perSecond };
  }

  /** Attempts that run here. */
  get running(): readonly TaskAssignment[] {
    return [...this.#running].map(({ assignment }) => assignment);
  }

  /** Nothing runs any more. */
  onIdle(handler: () => unknown): Unsubscribe {
    return this.#idle.add(handler);
  }

  /** An attempt has ended. */
  onEnded(handler: (ended: EndedAttempt) => unknown): Unsubscribe {
    return this.#ended.add(handler);
  }

  /** Changes how many slots there are, or what it can do. What runs goes on. */
  resize(slots: number, types: readonly string[] = this.#offer.types!): void {
    if (this.#drained || (slots === this.#offer.slots && String(types) === String(this.#offer.types))) return;
    this.#offer.slots = slots;
    this.#offer.types = [...types];
    if (this.#session.state === "ready") this.#serving.announce();
  }

  #take(assignment: TaskAssignment): StopAttempt {
    const running: Running = {
      assignment,
      stop: new AbortController(),
      timers: [],
      isOver: false,
      isRevoked: false,
    };
    this.#running.add(running);
    const { timeoutMs } = assignment;
    if (timeoutMs !== undefined) {
      this.#in(timeoutMs, running, () => this.#stop(running, "timeout", `an attempt may take ${timeoutMs} ms`));
    }
    this.#executor.execute(assignment, running.stop.signal, this.#session).then((outcome) =>
      this.#over(running, outcome)
    );
    return (kind, reason) => {
      running.isRevoked = true;
      this.#stop(running, kind, reason);
      if (running.held) this.#over(running, running.held);
    };
  }

  #in(ms: number, { timers }: Running, run: () => void): void {
    timers.push(this.#session.options.clock.timer(ms, run));
  }

  /** Tells an attempt to stop; after the grace it is over, whatever it does. */
  #stop(running: Running, kind: RevokeKind, reason: string): void {
    const { assignment, stop } = running;
    if (stop.signal.aborted || running.isOver) return;
    const why = new TaskAbortedError(kind, `Task "${assignment.taskId}" must stop: ${reason}`);
    stop.abort(why);
    this.#in(this.#options.graceMs ?? GRACE_MS, running, () => {
      if (!running.held) this.#executor.kill?.(assignment);
      running.isRevoked = true;
      this.#over(running, running.held ?? abortedOutcome(why));
    });
  }

  #stopAll(kind: RevokeKind, reason: string): void {
    for (const running of this.#running) this.#stop(running, kind, reason);
  }

  #over(running: Running, outcome: TaskOutcome): void {
    if (running.isOver) return;
    const { signal } = running.stop;
    const isLate = signal.aborted && (signal.reason as TaskAbortedError).kind === "timeout";
    if (isLate && outcome.kind === "failed" && !running.isRevoked && !running.held) {
      running.held = outcome;
      this.#in(WORD_MS, running, () => this.#over(running, outcome));
      return;
    }
    running.isOver = true;
    for (const cancel of running.timers) cancel();
    this.#running.delete(running);
    this.#settle(running.assignment, outcome);
  }

  async #settle(assignment: TaskAssignment, outcome: TaskOutcome): Promise<void> {
    const { taskId, attempt } = assignment;
    this.#settling++;
    let isAccepted = false;
    try {
      isAccepted = await this.#say(taskId, attempt, outcome);
    } catch (error) {
      if (this.#session.state !== "closed") this.#session.report(error);
    }
    this.#settling--;
    const { running } = this.#serving;
    if (running.get(taskId)?.attempt === attempt) running.delete(taskId);
    this.#count(outcome, isAccepted);
    this.#ended.emit({ assignment, outcome, isAccepted });
    if (this.#running.size > 0 || this.#settling > 0) return;
    this.#onEmpty?.();
    this.#idle.emit();
  }

  /** Says how an attempt ended; when that cannot be taken, such as a result that is too large, that it failed. */
  async #say(taskId: string, attempt: number, outcome: TaskOutcome): Promise<boolean> {
    try {
      return (await insist(this.#session, "task.settle", { taskId, attempt, outcome })).isAccepted;
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const failed: TaskOutcome = { kind: "failed", error: toTaskError(error), isRetryable: false };
      return (await insist(this.#session, "task.settle", { taskId, attempt, outcome: failed })).isAccepted;
    }
  }

  #count({ kind }: TaskOutcome, isAccepted: boolean): void {
    this.#rate.hit(this.#session.options.clock.now());
    if (kind === "completed" && isAccepted) this.#stats.done++;
    else if (kind === "failed" && isAccepted) this.#stats.failed++;
    else this.#stats.released++;
  }

  /**
   * Takes nothing more, lets what runs finish for `drainMs`, then has it stop and hands it back. Afterwards the worker is
   * over; the client stays connected.
   */
  drain(options: { drainMs?: number } = {}): Promise<void> {
    return (this.#drained ??= this.#drain(options.drainMs ?? this.#options.drainMs ?? 10_000));
  }

  async #drain(drainMs: number): Promise<void> {
    this.#offer.slots = 0;
    if (this.#session.state === "ready") this.#serving.announce();
    const isEmpty = (): boolean => this.#running.size === 0 && this.#settling === 0;
    if (!isEmpty()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onEmpty = resolve;
      const { clock } = this.#session.options;
      const late = clock.timer(drainMs, () => this.#stopAll("drain", "its worker stops"));
      // Without a gateway nothing can be handed back; it will notice by itself.
      const never = clock.timer(drainMs + (this.#options.graceMs ?? GRACE_MS) + GIVE_UP_MS, resolve);
      await promise;
      late();
      never();
    }
    for (const off of this.#offs) off();
    this.#serving.end();
  }

  /** Same as {@link Worker.drain}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.drain();
  }
}
