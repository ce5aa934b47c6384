import path from "node:path";
import type { TaskInfo } from "../../mod.ts";
import type { Random } from "../../src/base/ids.ts";
import { type Accepted, faultsOf } from "../simulation/task_invariants.ts";
import { LIMITS } from "./fire_tasks.ts";
import { GatewayUnderFire } from "./gateway_under_fire.ts";
import { type AnswerLine, type Line, note, readJournal, type RunLine } from "./journal.ts";
import { evidenceOf } from "./task_evidence.ts";
import { type Asked, TaskLoad } from "./task_load.ts";
import { WorkerUnderFire } from "./worker_under_fire.ts";

/** How long tasks wait for their workers after the gateway was away: long enough for those that live to come back. */
const GRACE_MS = 1_000;
/** How long a round may take to settle what was made in it. */
const SETTLE_MS = 15_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A gateway, workers and creators, all of them real, and what is done to them. */
export class FireWorld implements AsyncDisposable {
  readonly #chance: Random;
  readonly #journal: string;
  readonly #gateway: GatewayUnderFire;
  readonly #workers: WorkerUnderFire[];
  readonly #over = new Map<string, TaskInfo>();
  #load: TaskLoad | undefined;
  #starting: Promise<void>[] = [];
  /** Lines of the journal that were looked at. */
  #read = 0;
  readonly total = { created: 0, interrupted: 0, refused: 0, most: 0 };

  constructor(folder: string, chance: Random) {
    this.#chance = chance;
    this.#journal = path.join(folder, "journal");
    this.#gateway = new GatewayUnderFire(path.join(folder, "aether.db"), GRACE_MS);
    this.#workers = (["alone", "alone", "pool"] as const).map((how, at) => new WorkerUnderFire(how, this.#journal, at));
  }

  async start(): Promise<void> {
    await this.#gateway.start(0);
    this.#load = new TaskLoad(this.#gateway.url, this.#chance);
    await Promise.all([this.#load.connect(), ...this.#workers.map((worker) => worker.start(this.#gateway.url))]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load?.disconnect();
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#workers, this.#gateway].map((one) => one[Symbol.asyncDispose]()));
  }

  /** Load, and processes that are killed meanwhile; returns every promise that was broken, in words. */
  async round(number: number): Promise<string[]> {
    const load = this.#load!;
    load.begin();
    await this.#moment();
    // Few enough: what loses its worker more than ten times is taken for the cause.
    for (let strikes = 1 + Math.floor(this.#chance.next() * 3); strikes > 0; strikes--) {
      await this.#strike();
      await this.#moment();
    }
    if (number % 4 === 2) await this.#strikeGateway(number);
    if (number % 4 === 0) await this.#strikeFrozen(number);
    await this.#moment();
    const asked = await load.end(SETTLE_MS);
    await Promise.all(this.#starting.splice(0));
    return await this.#judge(asked);
  }

  #moment(): Promise<void> {
    return sleep(30 + this.#chance.next() * 220);
  }

  /** One that takes tasks; they are all on their way back at times. */
  #victim(how?: "alone" | "pool"): WorkerUnderFire | undefined {
    const ready = this.#workers.filter((worker) => worker.isReady && (how === undefined || worker.how === how));
    return ready[Math.floor(this.#chance.next() * ready.length)];
  }

  /** Kills a worker, an isolate of one, or two workers at once. */
  async #strike(): Promise<void> {
    const dice = this.#chance.next();
    if (dice < 0.25) return this.#victim("pool")?.killIsolate();
    const victims = new Set([this.#victim(), dice < 0.5 ? this.#victim() : undefined]);
    await Promise.all([...victims].map((victim) => victim && this.#kill(victim)));
  }

  async #kill(victim: WorkerUnderFire): Promise<void> {
    await victim.kill();
    // The load goes on while it comes back.
    this.#starting.push(victim.start(this.#gateway.url));
  }

  /** Kills the gateway, and perhaps a worker in the same moment, and starts it again. */
  async #strikeGateway(number: number, mayKill = true): Promise<void> {
    // Whoever is on its way at its first connection would give up.
    await Promise.all(this.#starting);
    const victim = mayKill && this.#chance.next() < 0.5 ? this.#victim() : undefined;
    await Promise.all([this.#gateway.kill(), victim?.kill()]);
    note(this.#journal, { what: "gateway killed" });
    await this.#gateway.start(number);
    if (victim) this.#starting.push(victim.start(this.#gateway.url));
  }

  /** A worker stands still while the gateway is killed, and goes on when others have just begun what it had. */
  async #strikeFrozen(number: number): Promise<void> {
    await Promise.all(this.#starting);
    const frozen = await this.#freeze();
    try {
      const before = readJournal(this.#journal);
      const had = openAt(before, frozen.pid);
      await this.#strikeGateway(number, false);
      const isTaken = (): boolean =>
        readJournal(this.#journal).slice(before.length).some((line) => line.what === "began" && had.has(line.taskId));
      for (const end = Date.now() + 5 * GRACE_MS; Date.now() < end && !isTaken();) await sleep(10);
    } finally {
      frozen.thaw();
    }
  }

  /** Catches a worker in the middle of something. */
  async #freeze(): Promise<WorkerUnderFire> {
    for (;;) {
      const victim = this.#victim("alone")!;
      victim.freeze();
      if (openAt(readJournal(this.#journal), victim.pid).size > 0) return victim;
      victim.thaw();
      await sleep(5);
    }
  }

  async #judge(asked: Asked[]): Promise<string[]> {
    const load = this.#load!;
    const faults = load.faults.splice(0);
    // Nothing is known of the end of those that have none.
    if (faults.length > 0) return faults;
    const seen = await load.seen(asked);
    const lines = await this.#news();
    const accepted: Accepted[] = lines.filter((line): line is AnswerLine => line.what === "accepted")
      .map(({ taskId, attempt, host }) => ({ taskId, attempt, token: `${attempt} at ${host}` }));
    const evidence = evidenceOf(lines, asked, seen, { ...LIMITS, graceMs: GRACE_MS });
    for (const { task } of seen) this.#over.set(task.taskId, task);
    this.total.created += asked.length;
    this.total.interrupted += evidence.interrupted;
    this.total.refused += evidence.refused;
    this.total.most = Math.max(this.total.most, evidence.most);
    return [...faultsOf(asked, seen, accepted, LIMITS), ...evidence.faults];
  }

  /** What was noted since, once everybody has come to the end of what they do: one may run whose task is over. */
  async #news(): Promise<Line[]> {
    await sleep(150);
    const lines = readJournal(this.#journal);
    return lines.slice(this.#read, this.#read = lines.length);
  }

  /** What has become of what was over: nothing may. */
  async afterwards(): Promise<string[]> {
    const faults: string[] = [];
    const all = await this.#load!.all();
    for (const task of all) {
      const before = this.#over.get(task.taskId);
      if (!before) faults.push(`${task.idempotencyKey} is there, and nobody has asked for it`);
      else if (before.status !== task.status || before.attempt !== task.attempt) {
        faults.push(`${task.idempotencyKey} was ${before.status}, and is ${task.status} afterwards`);
      }
    }
    if (all.length !== this.#over.size) faults.push(`${this.#over.size} tasks were made, and there are ${all.length}`);
    for (const line of await this.#news()) {
      if (line.what === "began") faults.push(`${line.taskId} began once more after everything was over`);
    }
    return faults;
  }
}

function isRun(line: Line): line is RunLine {
  return line.what === "began" || line.what === "ended" || line.what === "stopped";
}

/** Tasks of which a process has begun a run that has not ended. */
function openAt(lines: readonly Line[], pid: number): Set<string> {
  const open = new Set<string>();
  for (const line of lines) {
    if (!isRun(line) || line.pid !== pid) continue;
    if (line.what === "began") open.add(line.taskId);
    else open.delete(line.taskId);
  }
  return open;
}
