// edge: no Deno, Bun, node: or cloudflare: names
import { NotFoundError } from "../errors.ts";
import { systemClock } from "../base/clock.ts";
import { Handlers } from "../base/emitter.ts";
import { reportProgress } from "../client/progress.ts";
import { fromWireError } from "../protocol/error_wire.ts";
import type { Notice, OpInput, OpName, OpOutput } from "../protocol/ops.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { Link } from "../session/link.ts";
import type { WaitOptions } from "../session/requests.ts";
import { type AttemptLink, runAttempt } from "./attempt.ts";
import { type DefinedTask, isDefinedTask } from "./define_task.ts";
import { TaskAbortedError } from "./errors.ts";
import { LATE_MS, Line, type Port, type ToGuest, type ToHost } from "./isolate_line.ts";

/** How often an isolate says that it is alive, in ms. */
const PULSE_MS = 200;

/** What an isolate needs of its platform. */
export interface GuestPlatform {
  /** Loads the module. */
  load(): Promise<object>;
  /** Bytes in use. */
  usedBytes(): number;
  /** Makes known, at once and to a pool that cannot be waited for, which task is begun; undefined when only a message can. */
  begun?(number: number): void;
  /** Ends the isolate. */
  exit(): void;
}

/**
 * The tasks a module exports.
 * @throws {NotFoundError} when there are none
 */
export function tasksOf(module: object, name: string): DefinedTask[] {
  const tasks = new Set(Object.values(module).flat().filter(isDefinedTask));
  if (tasks.size > 0) return [...tasks];
  throw new NotFoundError(`There are no tasks in ${name}: export what defineTask returns`);
}

/** A pool's isolate from the inside: runs what it is told to, and has the pool talk to the gateway. */
export async function runGuest(port: Port, name: string, platform: GuestPlatform): Promise<void> {
  let byType = new Map<string, DefinedTask>();
  const running = new Map<string, AbortController>();
  const claimed = new Map<number, TaskAssignment>();
  const line = new Line<ToHost, ToGuest>(port, (message) => {
    switch (message.kind) {
      case "run": {
        const { number, at, assignment } = message;
        running.set(`${assignment.taskId}/${assignment.attempt}`, new AbortController());
        // Before it begins: it may be what keeps the loop from turning.
        if (platform.begun) platform.begun(number);
        else line.say({ kind: "begun", number }, true);
        if (systemClock.now() - at < LATE_MS) return void run(assignment);
        claimed.set(number, assignment);
        return line.say({ kind: "claim", number });
      }
      case "go": {
        const assignment = claimed.get(message.number)!;
        claimed.delete(message.number);
        if (message.isWanted) return void run(assignment);
        return void running.delete(`${assignment.taskId}/${assignment.attempt}`);
      }
      case "abort":
        return running.get(`${message.taskId}/${message.attempt}`)
          ?.abort(new TaskAbortedError(message.why, message.reason));
      case "answer":
        return link.answered(message);
      case "end":
        return platform.exit();
    }
  });
  const link = new GuestLink(line);
  const run = async (assignment: TaskAssignment): Promise<void> => {
    const { taskId, attempt, workspace } = assignment;
    const stop = running.get(`${taskId}/${attempt}`)!;
    const outcome = await runAttempt(byType, assignment, stop.signal, link.within(workspace));
    running.delete(`${taskId}/${attempt}`);
    line.say({ kind: "outcome", taskId, attempt, outcome });
  };
  const pulse = (): void => {
    line.say({ kind: "pulse", bytes: platform.usedBytes() });
    systemClock.timer(PULSE_MS, pulse);
  };
  try {
    byType = new Map(tasksOf(await platform.load(), name).map((task) => [task.type, task]));
  } catch (error) {
    return line.say({ kind: "unfit", message: error instanceof Error ? error.message : String(error) });
  }
  const tasks = [...byType.values()].map(({ type, implementation }) => ({ type, implementation }));
  line.say({ kind: "ready", tasks });
  pulse();
}

/** A link whose other end is in the pool. */
class GuestLink {
  readonly options = { clock: systemClock };
  readonly onNotice: Handlers<Notice> = new Handlers((error) => this.report(error));
  readonly #line: Line<ToHost, ToGuest>;
  readonly #open = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #shared = new Map<string, AttemptLink>();
  #next = 1;

  constructor(line: Line<ToHost, ToGuest>) {
    this.#line = line;
  }

  /** The link as a task of a workspace sees it. */
  within(workspace: string): AttemptLink {
    let shared = this.#shared.get(workspace);
    if (!shared) {
      const { options, onNotice } = this;
      const link: Link = {
        options,
        onNotice,
        workspace,
        call: (op, input, wait) => this.#call(op, input, wait),
        report: (error) => this.report(error),
      };
      this.#shared.set(workspace, shared = { link, reportProgress: reportProgress(link) });
    }
    return shared;
  }

  async #call<Op extends OpName>(
    op: Op,
    input: OpInput<Op>,
    { signal, timeoutMs }: WaitOptions = {},
  ): Promise<OpOutput<Op>> {
    signal?.throwIfAborted();
    const id = this.#next++;
    const asked = Promise.withResolvers<unknown>();
    this.#open.set(id, asked);
    const abort = (): void => {
      if (!this.#open.delete(id)) return;
      this.#line.say({ kind: "cancel", id });
      asked.reject(signal!.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      this.#line.say({ kind: "call", id, op, input, timeoutMs });
      return await asked.promise as OpOutput<Op>;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  answered({ id, output, error }: Extract<ToGuest, { kind: "answer" }>): void {
    const asked = this.#open.get(id);
    this.#open.delete(id);
    if (error) asked?.reject(fromWireError(error));
    else asked?.resolve(output);
  }

  report(error: unknown): void {
    this.#line.say({ kind: "report", message: String(error) });
  }
}
