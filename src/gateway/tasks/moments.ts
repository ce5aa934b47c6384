// edge: no Deno, Bun, node: or cloudflare: names
import { isTerminal } from "../../protocol/task_states.ts";
import type { Core } from "../core.ts";
import { Alarms } from "./alarms.ts";
import { nextMoment, type Task } from "./task.ts";

/** Alarms rung in one slice: others get their turn between two. */
const SLICE = 500;

/** What is to happen when: one alarm for each task that has a moment to come, and those of others. */
export class Moments {
  readonly #core: Core;
  readonly #ring: (task: Task, now: number) => void;
  readonly #tasks = new Alarms<Task>();
  readonly #others = new Alarms<() => void>();

  /** @param ring does what is due with a task */
  constructor(core: Core, ring: (task: Task, now: number) => void) {
    this.#core = core;
    this.#ring = ring;
  }

  /** Calls back at a moment; whoever asks looks whether it is still wanted. */
  alarm(at: number, run: () => void): void {
    this.#others.set(at, run);
    this.#core.wakeAt(at);
  }

  /** One of a task's moments has changed. */
  watch(task: Task): void {
    const at = isTerminal(task.state.status) ? Infinity : nextMoment(task);
    if (task.alarm?.what && task.alarm.at === at) return;
    this.#tasks.drop(task.alarm);
    task.alarm = undefined;
    if (at === Infinity) return;
    task.alarm = this.#tasks.set(at, task);
    this.#core.wakeAt(at);
  }

  /** Does what is due. Returns when to come again. */
  run(now: number): number {
    this.#tasks.run(now, SLICE, (task) => {
      this.guard(() => this.#ring(task, now), undefined);
      this.watch(task);
    });
    this.#others.run(now, SLICE, (run) => this.guard(run, undefined));
    return Math.min(this.#tasks.nextAt, this.#others.nextAt);
  }

  /** What breaks on the way is said, and stops nothing else. When it was the store, the turn's commit says so to everybody. */
  guard<T>(run: (about: T) => void, about: T): void {
    try {
      run(about);
    } catch (error) {
      this.#core.logger("error", "task.engine", { error: String(error) });
    }
  }

  /** How many alarms are set. */
  get size(): number {
    return this.#tasks.size + this.#others.size;
  }

  /** Forgets all. */
  clear(): void {
    this.#tasks.clear();
    this.#others.clear();
  }
}
