import type { Random } from "../../src/base/ids.ts";
import type { TaskClient } from "../../src/client/task.ts";
import { assignmentOf, type TaskAssignment } from "../../src/protocol/task_assignment.ts";
import type { TaskOutcome } from "../../src/protocol/tasks.ts";
import type { Session } from "../../src/session/session.ts";
import type { TestFabric } from "../../src/testing/mod.ts";
import type { Accepted } from "./task_invariants.ts";
import { insist } from "./task_world.ts";

/** What it takes. */
export interface SimOffer {
  slots: number;
  graceMs: number;
  types: string[] | undefined;
}

/** A worker that does well, fails, hands back, forgets, or goes on with what was taken from it. */
export class SimWorker {
  readonly client: TaskClient;
  readonly #fabric: TestFabric;
  readonly #chance: Random;
  readonly #accepted: Accepted[];
  readonly #offer: SimOffer;
  readonly #running = new Map<string, TaskAssignment>();
  #isGood = false;
  /** Attempts that were taken from it. */
  lost = 0;

  constructor(fabric: TestFabric, client: TaskClient, chance: Random, accepted: Accepted[], offer: SimOffer) {
    this.#fabric = fabric;
    this.client = client;
    this.#chance = chance;
    this.#accepted = accepted;
    this.#offer = offer;
    const { session } = client as unknown as { session: Session };
    session.onNotice.add(({ name, body }) => {
      if (name === "assignment") this.#take(assignmentOf(body));
      else if (name === "revoke") this.#stop(body.taskId, body.attempt);
    });
    session.onConnect.add(({ resumed }) => {
      if (!resumed) this.#announce(this.#offer.slots, true).catch(() => {});
    });
  }

  async #announce(slots: number, isAnew = false): Promise<void> {
    const running = [...this.#running.values()].map(({ taskId, attempt }) => ({ taskId, attempt }));
    const { session } = this.client as unknown as { session: Session };
    const said = { ...this.#offer, slots, isAutoStart: true };
    const { lost } = await session.call("task.serve", isAnew ? { ...said, running } : said, { timeoutMs: 60_000 });
    for (const { taskId, attempt } of lost) this.#stop(taskId, attempt);
  }

  /** From now on it does everything well, and at once. */
  behave(): void {
    this.#isGood = true;
    for (const one of this.#running.values()) this.#end(one, this.#done(one));
  }

  #take(assignment: TaskAssignment): void {
    const name = nameOf(assignment);
    this.#running.set(name, assignment);
    const dice = this.#chance.next();
    // Some are never heard of again, until their time is over.
    if (!this.#isGood && dice < 0.05 && assignment.timeoutMs !== undefined) return void this.#running.delete(name);
    const ms = this.#isGood ? 10 : 10 + Math.floor(this.#chance.next() ** 3 * 4000);
    this.#fabric.clock.timer(ms, () => {
      const isMine = this.#running.has(name);
      // Some do not look whether it is still theirs.
      if (!isMine && this.#chance.next() < 0.7) return;
      this.#end(assignment, this.#isGood ? this.#done(assignment) : this.#outcome(assignment));
    });
  }

  #done(assignment: TaskAssignment): TaskOutcome {
    return { kind: "completed", result: new TextEncoder().encode(this.#token(assignment)) };
  }

  #token({ taskId, attempt, assignedTo }: TaskAssignment): string {
    return `${taskId} ${attempt} ${assignedTo}`;
  }

  #outcome(assignment: TaskAssignment): TaskOutcome {
    const dice = this.#chance.next();
    const error = { name: "Error", message: "no" };
    if (dice < 0.7) return this.#done(assignment);
    if (dice < 0.85) return { kind: "failed", error, retryAfterMs: dice < 0.75 ? 0 : undefined };
    if (dice < 0.88) return { kind: "failed", error, isRetryable: false };
    if (dice < 0.94) return { kind: "released" };
    return { kind: "waiting", wait: { for: "input", timeoutMs: 1000, onTimeout: "resume" } };
  }

  /** Says how attempts of another worker ended, which is for nobody but that one to say. */
  async meddle(other: SimWorker): Promise<void> {
    if (other === this) return;
    for (const { taskId, attempt } of [...other.#running.values()]) {
      const outcome: TaskOutcome = { kind: "completed", result: new TextEncoder().encode("meddled") };
      const { isAccepted } = await insist(this.#fabric, this.client, "task.settle", { taskId, attempt, outcome });
      if (isAccepted) this.#accepted.push({ taskId, attempt, token: "meddled" });
    }
  }

  async #end(assignment: TaskAssignment, outcome: TaskOutcome): Promise<void> {
    const { taskId, attempt } = assignment;
    const { isAccepted } = await insist(this.#fabric, this.client, "task.settle", { taskId, attempt, outcome });
    this.#running.delete(nameOf(assignment));
    if (isAccepted && outcome.kind === "completed") {
      this.#accepted.push({ taskId, attempt, token: this.#token(assignment) });
    }
  }

  #stop(taskId: string, attempt: number): void {
    const name = nameOf({ taskId, attempt });
    const one = this.#running.get(name);
    if (!one) return;
    this.lost++;
    this.#running.delete(name);
    // Some let go, some do not, and some say so twice.
    if (this.#chance.next() < 0.7) this.#end(one, { kind: "released" });
  }

  /** Takes nothing more, hands everything back, and goes on after a while. */
  async drain(): Promise<void> {
    await this.#announce(0).catch(() => {});
    for (const one of [...this.#running.values()]) this.#end(one, { kind: "released", reason: "drain" });
    await new Promise<void>((resolve) => this.#fabric.clock.timer(500, resolve));
    await this.#announce(this.#offer.slots).catch(() => {});
  }

  /** Leaves, and comes back as the same client with nothing. */
  async restart(): Promise<void> {
    const left = this.client.disconnect();
    this.#running.clear();
    await left;
    // A first connect that finds nobody fails at once; whoever wants to come back tries again.
    for (let isBack = false; !isBack;) {
      await new Promise<void>((resolve) => this.#fabric.clock.timer(300, resolve));
      isBack = await this.client.connect().then(() => true, () => false);
    }
  }
}

function nameOf({ taskId, attempt }: { taskId: string; attempt: number }): string {
  return `${taskId} ${attempt}`;
}
