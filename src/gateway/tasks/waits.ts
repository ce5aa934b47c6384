// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../../errors.ts";
import { isTerminal, type TaskStatus, type TaskTransition } from "../../protocol/task_states.ts";
import type { TaskWait } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { each, then } from "../soon.ts";
import type { Life } from "./life.ts";
import type { Register } from "./register.ts";
import type { Waiting } from "./record.ts";
import { Relation } from "./relation.ts";
import type { Task } from "./task.ts";

/** Tasks on which nobody works until something happens: others are over, an event comes, a moment, or somebody says so. */
export class Waits {
  readonly #core: Core;
  readonly #life: Life;
  readonly #register: Register;
  /** By the task they wait for. */
  readonly #dependents = new Relation();
  /** By workspace and name of the event they wait for. */
  readonly #sleepers = new Relation();

  constructor(core: Core, life: Life, register: Register) {
    this.#core = core;
    this.#life = life;
    this.#register = register;
  }

  /**
   * Makes sure that a wait can end.
   * @throws {InvalidArgumentError} when it would wait for itself, directly or through others
   */
  requireEnd(task: Task, { dependsOn = [] }: TaskWait): void {
    const seen = new Set<string>();
    const look = [...dependsOn];
    for (let id = look.pop(); id !== undefined; id = look.pop()) {
      if (id === task.state.id) {
        throw new InvalidArgumentError(`Task ${id} cannot wait for itself, directly or through others`, "dependsOn");
      }
      if (seen.has(id)) continue;
      seen.add(id);
      look.push(...this.#register.live(id)?.state.wait?.open ?? []);
    }
  }

  /** Nobody works on it until something happens. */
  begin(task: Task, wait: TaskWait): void {
    const { state } = task;
    const transition: TaskTransition = wait.for === "hibernation" ? "hibernate" : `await_${wait.for}`;
    if (!this.#life.go(task, transition, { reason: wait.reason })) return;
    const waiting: Waiting = { ...wait, since: this.#core.clock.now() };
    state.wait = waiting;
    state.input = undefined;
    if (wait.for === "dependency") {
      state.dependsOn = [...new Set(wait.dependsOn)];
      waiting.open = state.dependsOn;
    }
    this.revive(task);
  }

  /** It waits, and listens from now on. */
  revive(task: Task): void {
    const { wait } = task.state;
    if (!wait) return;
    const timeoutAt = wait.timeoutMs === undefined ? Infinity : wait.since + wait.timeoutMs;
    task.wakeAt = Math.min(wait.wakeAt ?? Infinity, timeoutAt);
    this.#life.watch(task);
    for (const name of wait.wakeOnEvents ?? []) this.#sleepers.add(eventName(task.state.workspace, name), task);
    if (!wait.open) return;
    for (const id of wait.open) this.#dependents.add(id, task);
    const looked = this.#look(task, wait);
    if (looked instanceof Promise) {
      looked.catch((error) =>
        this.#core.logger("error", "task.dependencies", { task: task.state.id, error: String(error) })
      );
    }
  }

  /** It does not wait any more. */
  left(task: Task): void {
    const { state } = task;
    const { wait } = state;
    state.wait = undefined;
    task.wakeAt = Infinity;
    for (const name of wait?.wakeOnEvents ?? []) this.#sleepers.delete(eventName(state.workspace, name), task);
    for (const id of wait?.open ?? []) this.#dependents.delete(id, task);
  }

  /** Goes on: a worker gets it again, with what was brought. False when it does not wait. */
  resume(task: Task, input: Uint8Array | undefined, reason?: string): boolean {
    if (!this.#life.go(task, "resume", { reason })) return false;
    task.state.input = input?.slice();
    this.#life.ready(task, true);
    return true;
  }

  /** An event was sent: tasks that hibernate until then go on. */
  wakeOn(workspace: string, names: readonly string[]): void {
    for (const name of names) {
      for (const task of this.#sleepers.of(eventName(workspace, name))) {
        this.resume(task, undefined, "its event has come");
      }
    }
  }

  /** Whether any task waits for an event: most gateways have none, and events are many. */
  get hasSleepers(): boolean {
    return this.#sleepers.size > 0;
  }

  /** It has waited until its moment, or for too long. */
  isTime(task: Task): void {
    const wait = task.state.wait!;
    if ((wait.wakeAt ?? Infinity) <= this.#core.clock.now()) {
      this.resume(task, undefined, "its time has come");
      return;
    }
    const message = `It waited ${wait.timeoutMs} ms for ${wait.for}`;
    const error = { name: "TimeoutError", message, code: "DEADLINE_EXCEEDED" };
    if (wait.onTimeout === "resume") this.resume(task, undefined, message);
    else if (wait.onTimeout === "retry") this.#life.failed(task, error);
    else this.#life.go(task, "fail", { error });
  }

  // ---- dependencies ---------------------------------------------------------------------------------------------

  /** Looks which of those it waits for are over already. */
  #look(task: Task, wait: Waiting): MaybePromise<void> {
    return then(
      each(wait.open!, (id) =>
        then(this.#register.find(id), (found) => {
          if (!found || isTerminal(found.status)) this.#isOver(task, wait, id, found?.status);
        })),
      () => this.#goOn(task, wait),
    );
  }

  /** A task is over: those that wait for it may go on. */
  over(id: string, status: TaskStatus): void {
    for (const task of this.#dependents.of(id)) {
      const { wait } = task.state;
      if (!wait) continue;
      this.#isOver(task, wait, id, status);
      this.#goOn(task, wait);
    }
  }

  #isOver(task: Task, wait: Waiting, id: string, status: TaskStatus | undefined): void {
    const { state } = task;
    // Something else may have ended the wait in between.
    if (state.wait !== wait) return;
    if (status === "completed" || state.onDependencyFailure === "continue") {
      wait.open = wait.open!.filter((one) => one !== id);
      this.#dependents.delete(id, task);
      return this.#life.touch(task);
    }
    const reason = `task ${id}, on which it depends, is ${status ?? "not known any more"}`;
    if (state.onDependencyFailure === "cancel") this.#life.cancel(task, reason);
    else this.#life.go(task, "fail", { error: { name: "DependencyError", message: reason }, reason });
  }

  #goOn(task: Task, wait: Waiting): void {
    if (task.state.wait === wait && wait.open!.length === 0) this.resume(task, undefined, "what it depends on is over");
  }

  /** Forgets all. */
  clear(): void {
    this.#dependents.clear();
    this.#sleepers.clear();
  }
}

function eventName(workspace: string, name: string): string {
  return `${workspace}\0${name}`;
}
