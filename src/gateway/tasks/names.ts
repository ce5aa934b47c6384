// edge: no Deno, Bun, node: or cloudflare: names
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { isTerminal } from "../../protocol/task_states.ts";
import type { NewTask } from "../../protocol/tasks.ts";
import type { MaybePromise } from "../../store/store.ts";
import type { Core } from "../core.ts";
import { each, then } from "../soon.ts";
import type { TaskState } from "./record.ts";

const IDEMPOTENCY_MS = 24 * 3600_000;
/** Space of the store: what a name stands for. */
const NAMES = "ti";

/** What makes a call find a task that is there already. */
export interface Name {
  readonly kind: "idempotency" | "singleton" | "dedupe" | "throttle" | "debounce";
  /** The whole of it: kind, workspace, type and key. */
  readonly name: string;
  /** How long it is kept, in ms; undefined as long as its task. */
  readonly ms: number | undefined;
  /** When it counts: whatever became of its task, while that is not over, or while it has not begun. */
  readonly while: "kept" | "alive" | "waiting";
}

/** Keys that name tasks: idempotency, dedupe, singleton, throttle, debounce. They are of one workspace, and but for the first of one type. */
export class TaskNames {
  readonly #core: Core;
  readonly #find: (id: string) => MaybePromise<TaskState | undefined>;
  /** Calls under a name that wait for the store, by that name: with an asynchronous one two might both find nothing. */
  readonly #underway = new Map<string, Promise<unknown>>();

  constructor(core: Core, find: (id: string) => MaybePromise<TaskState | undefined>) {
    this.#core = core;
    this.#find = find;
  }

  /** Does something that looks for names and gives them, after those that were doing so with one of them. */
  inTurn<T>(names: readonly Name[], run: () => MaybePromise<T>): MaybePromise<T> {
    for (const { name } of names) {
      const before = this.#underway.get(name);
      if (before) return before.then(() => this.inTurn(names, run));
    }
    const made = run();
    if (!(made instanceof Promise)) return made;
    const over = (): void => names.forEach(({ name }) => this.#underway.delete(name));
    const underway = made.then(over, over);
    for (const { name } of names) this.#underway.set(name, underway);
    return made;
  }

  /** The task that one of the names stands for, as far as that name still counts. */
  find(names: readonly Name[]): MaybePromise<{ state: TaskState; by: Name } | undefined> {
    const now = this.#core.clock.now();
    let known: { state: TaskState; by: Name } | undefined;
    const look = (by: Name): MaybePromise<void> => {
      if (known) return;
      return then(
        this.#core.store.kv.get(NAMES, by.name, now),
        (record) =>
          record && then(this.#find(fromUtf8(record.value)), (state) => {
            if (state && counts(state, by.while)) known = { state, by };
          }),
      );
    };
    return then(each(names, look), () => known);
  }

  /** From now on the names stand for a task. */
  give(names: readonly Name[], id: string): void {
    for (const { name, ms } of names) this.#put(name, ms, id);
  }

  #put(name: string, ms: number | undefined, id: string): void {
    const { store: { kv }, clock } = this.#core;
    const now = clock.now();
    const expiresAt = ms === undefined ? 0 : now + ms;
    kv.put(NAMES, name, utf8(id), { now, expiresAt });
    if (expiresAt > 0) this.#core.wakeAt(expiresAt);
  }

  /** A task is over: what lasts no longer than it goes with it. */
  over({ id, names }: TaskState): MaybePromise<void> {
    if (!names) return;
    const { store: { kv }, clock } = this.#core;
    return each(names, (name) =>
      then(kv.get(NAMES, name, clock.now()), (record) => {
        // Another task may have it by now.
        if (record && fromUtf8(record.value) === id) return kv.purge(NAMES, name);
      }));
  }

  /** A task that was over begins again under its names. Returns one that has a name of its, and must be over first. */
  retake({ id, names = [] }: TaskState): MaybePromise<TaskState | undefined> {
    let holder: TaskState | undefined;
    const look = (name: string): MaybePromise<void> =>
      then(
        this.#core.store.kv.get(NAMES, name, this.#core.clock.now()),
        (record) =>
          record && then(this.#find(fromUtf8(record.value)), (state) => {
            const lasts = name.startsWith("singleton\0") ? "alive" : "waiting";
            if (state && state.id !== id && counts(state, lasts)) holder ??= state;
          }),
      );
    return then(each(names, look), () => {
      if (!holder) { for (const name of names) this.#put(name, undefined, id); }
      return holder;
    });
  }
}

function counts(state: TaskState, lasts: Name["while"]): boolean {
  if (lasts === "kept") return true;
  return !isTerminal(state.status) && (lasts === "alive" || state.attempt === 0);
}

/** The names a call gives. */
export function namesOf(input: NewTask, workspace: string): readonly Name[] {
  const { idempotencyKey, idempotencyTtlMs = IDEMPOTENCY_MS, dedupe, singleton, throttle, debounce, type } = input;
  const names: Name[] = [];
  const add = (kind: Name["kind"], key: string, ms: number | undefined, lasts: Name["while"]): void => {
    const ofType = kind === "idempotency" ? "" : type;
    names.push({ kind, name: [kind, workspace, ofType, key].join("\0"), ms, while: lasts });
  };
  if (idempotencyKey !== undefined) add("idempotency", idempotencyKey, idempotencyTtlMs, "kept");
  if (singleton !== undefined) add("singleton", singleton, undefined, "alive");
  if (dedupe !== undefined) add("dedupe", dedupe, undefined, "waiting");
  if (throttle) add("throttle", throttle.key, throttle.ms, "kept");
  if (debounce) add("debounce", debounce.key, undefined, "waiting");
  return names.length > 0 ? names : NONE;
}

const NONE: readonly Name[] = [];
