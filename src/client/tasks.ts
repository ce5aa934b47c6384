// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import { NO_BYTES } from "../base/bytes.ts";
import { encodeStructured } from "../protocol/structured.ts";
import type { TaskStatus } from "../protocol/task_states.ts";
import type { NewTask, TaskFilter, TaskInfo, TaskOutcome } from "../protocol/tasks.ts";
import type { OpInput } from "../protocol/ops.ts";
import { heard, type Link } from "../session/link.ts";
import type { Session } from "../session/session.ts";
import { ask, type CallOptions, insist } from "./follow.ts";
import { servingOf } from "./serving.ts";
import type { DefinedTaskOptions, PlainTaskOptions } from "./task_definition.ts";
import { type Outcome, taskEvents, type TaskHandleEvent, type Told, toldOf } from "./task_calls.ts";
import { encodeValue, toTaskError } from "./task_values.ts";

/** Which tasks, and how many. */
export interface TaskQueryOptions extends TaskFilter, CallOptions {
  /** At most so many, up to 1000 together with `offset`; 100 by default. */
  limit?: number;
  /** Leaves out so many of the newest; `cursor` is the way to the older ones. */
  offset?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}

/** A page of tasks, newest first. */
export interface TaskQueryResponse {
  /** Always true: what fails is thrown. */
  success: true;
  /** The tasks. */
  tasks: TaskInfo[];
  /** How many there are in this answer. */
  totalCount: number;
  /** Where the next page begins. */
  nextCursor?: string;
}

/** A task, if there is one. */
export interface TaskResponse {
  /** Whether it was found, or done. */
  success: boolean;
  /** The task as it is now. */
  task?: TaskInfo;
}

/** Whether an attempt ended as its worker said. */
export interface TaskSettleResponse {
  /** Whether it counts: false when the attempt was not the worker's any more. */
  success: boolean;
  /** What the task is now. */
  status: TaskStatus;
}

/** How to say that an attempt is over. */
export interface SettleOptions extends CallOptions {
  /** Which attempt; the one that was given to this client when left out. */
  attempt?: number;
}

/** How a task is begun anew. */
export interface RetryTaskOptions extends CallOptions {
  /** Plain data in the place of what it had … */
  input?: unknown;
  /** … or bytes. */
  payload?: Uint8Array;
  /** Texts in the place of those it had. */
  metadata?: Record<string, string>;
}

/** How a task goes on. */
export interface ResumeTaskOptions extends CallOptions {
  /** Plain data for its worker. */
  input?: unknown;
  /** Why, in words. */
  reason?: string;
}

/** What came of a task. */
export interface CompleteTaskOptions extends SettleOptions {
  /** Plain data or bytes. */
  result?: unknown;
}

/** What becomes of a task that failed. */
export interface FailTaskOptions extends SettleOptions {
  /** Whether it may be tried again, if it has attempts left; true when left out. */
  retryable?: boolean;
  /** When; by its retry policy when left out. */
  retryAfterMs?: number;
}

/** `TaskAssignmentMode.Targeted`, without its table. */
const TARGETED = 1;

/** Makes a task, in a workspace when nothing else is said. */
export type MakeTask<Handle> = (options: AnyOptions, workspace: string | undefined) => Promise<Handle>;

/** A task of either kind. */
export type AnyOptions = DefinedTaskOptions<unknown, unknown, unknown> | PlainTaskOptions;

/**
 * Makes what makes tasks.
 * @param handle makes the handle of one
 * @param own what holds when nothing else is said
 */
export function taskMaker<Handle>(
  link: Link,
  handle: (taskId: string, isNew: boolean, told: Told) => Handle,
  own?: { parentTaskId: string },
): MakeTask<Handle> {
  // Whoever asks for results gets those of the next tasks unasked, until one comes that nobody has asked for.
  let isAsking = false;
  return (options, workspace) => {
    let isAsked = false;
    const watch = isAsking ? link.requests?.expect() : undefined;
    watch?.reply.then(() => isAsking &&= isAsked, () => {});
    const made = ask(
      link,
      "task.create",
      () => newTask(link, options, { ...own, workspace, watch: watch?.id }),
      options,
      ({ taskId, isNew, isWatched }) => {
        if (!isWatched) watch?.forget();
        const outcome = isWatched ? watch?.reply as Promise<Outcome> : undefined;
        return handle(taskId, isNew, toldOf(() => isAsking = isAsked = true, outcome));
      },
    );
    if (watch) made.catch(watch.forget);
    return made;
  };
}

/** What the call itself says of a task, where its maker says nothing else. */
type Own = Pick<OpInput<"task.create">, "parentTaskId" | "watch" | "workspace">;

/** What travels of a task that is to be made; `known` is what its definition says. */
function newTask(link: Link, options: AnyOptions, own: Own, known?: Partial<NewTask>): NewTask | Promise<NewTask> {
  const { task, input, taskType, targetImplementation, targetAgentId: target, signal: _, ...more } = options;
  if (!known) {
    if (task && !more.payload) return task.prepare(input).then((known) => newTask(link, options, own, known));
    known = { ...task?.settings };
  }
  const { delayMs, runAt, cron, dependsOn, retryPolicy, assignmentMode, timeout: __, ...rest } = more;
  const type = taskType ?? task?.type;
  if (!type) throw new InvalidArgumentError("Cannot create a task: give task or taskType", "taskType");
  const { bytes, isStructured } = encodeValue(input);
  return {
    payload: bytes ?? NO_BYTES,
    isStructured,
    ...known,
    ...own,
    ...rest,
    type,
    implementation: targetImplementation ?? known.implementation,
    target,
    mode: assignmentMode ?? (target ? TARGETED : undefined),
    retry: retryPolicy ?? known.retry,
    runAt: delayMs === undefined ? runAt && +runAt : link.options.clock.now() + delayMs,
    cron: typeof cron === "string" ? { expression: cron } : cron,
    dependsOn: dependsOn?.map((on) => (typeof on === "string" ? on : on.taskId)),
  };
}

/** A page of tasks. */
export function queryTasks(link: Link, options: TaskQueryOptions = {}): Promise<TaskQueryResponse> {
  const { limit = 100, offset = 0, cursor, timeout: _, signal: __, ...filter } = options;
  return ask(
    link,
    "task.query",
    () => ({ filter, limit: offset + limit, cursor }),
    options,
    ({ tasks: all, nextCursor }) => {
      const tasks = all.slice(offset);
      return { success: true, tasks, totalCount: tasks.length, nextCursor };
    },
  );
}

const responseOf = ({ task }: { task?: TaskInfo }): TaskResponse => ({ success: task !== undefined, task });

/** Looks at a task. */
export function getTask(link: Link, taskId: string, options?: CallOptions): Promise<TaskResponse> {
  return ask(link, "task.get", () => ({ taskId }), options, responseOf);
}

/** Acts on a task from outside. */
export function actOnTask(
  link: Link,
  taskId: string,
  action: OpInput<"task.act">["action"],
  more?: Partial<OpInput<"task.act">>,
  options?: CallOptions,
): Promise<TaskResponse> {
  return ask(link, "task.act", () => ({ taskId, action, ...more }), options, responseOf);
}

/** Begins a task anew. */
export function retryTask(link: Link, taskId: string, options: RetryTaskOptions): Promise<TaskResponse> {
  return ask(
    link,
    "task.act",
    () => {
      const { bytes: payload, isStructured } = encodeValue(options.payload ?? options.input);
      return { taskId, action: "retry", payload, isStructured, metadata: options.metadata };
    },
    options,
    responseOf,
  );
}

/** Lets a task go on. */
export function resumeTask(link: Link, taskId: string, options: ResumeTaskOptions): Promise<TaskResponse> {
  const { input, reason } = options;
  const more = (): Uint8Array | undefined => (input === undefined ? undefined : encodeStructured(input));
  return ask(link, "task.act", () => ({ taskId, action: "resume", reason, input: more() }), options, responseOf);
}

/** Says that an attempt is done. */
export function completeTask(
  session: Session,
  taskId: string,
  options: CompleteTaskOptions,
): Promise<TaskSettleResponse> {
  return settle(session, taskId, options, () => {
    const { bytes: result, isStructured } = encodeValue(options.result);
    return { kind: "completed", result, isStructured };
  });
}

/** Says that an attempt failed. */
export function failTask(
  session: Session,
  taskId: string,
  reason: unknown,
  options: FailTaskOptions,
): Promise<TaskSettleResponse> {
  const { retryable: isRetryable, retryAfterMs } = options;
  const error = toTaskError(reason);
  return settle(session, taskId, options, () => ({ kind: "failed", error, isRetryable, retryAfterMs }));
}

/** Says that an attempt is over, until the gateway knows. */
function settle(
  session: Session,
  taskId: string,
  { attempt, signal }: SettleOptions,
  outcome: () => TaskOutcome,
): Promise<TaskSettleResponse> {
  const running = servingOf(session)?.running;
  attempt ??= running?.get(taskId)?.attempt;
  const run = async (): Promise<TaskSettleResponse> => {
    const input = { taskId, attempt, outcome: outcome() };
    const { isAccepted, status } = await insist(session, "task.settle", input, signal);
    if (running?.get(taskId)?.attempt === attempt) running?.delete(taskId);
    return { success: isAccepted, status };
  };
  return heard(session, run());
}

/** Calls a handler with everything that happens to a task, until what it returns is called. */
export function subscribeTask(
  link: Link,
  taskId: string,
  handler: (event: TaskHandleEvent) => unknown,
  after?: number,
): () => void {
  const stop = new AbortController();
  const report = (error: unknown): void => {
    if (!stop.signal.aborted) link.report(error);
  };
  const run = async (): Promise<void> => {
    for await (const event of taskEvents(link, taskId, { after, signal: stop.signal })) {
      await Promise.resolve(event).then(handler).catch(report);
    }
  };
  run().catch(report);
  return () => stop.abort();
}
