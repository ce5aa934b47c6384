// edge: no Deno, Bun, node: or cloudflare: names
import { CheckpointClient } from "../client/checkpoint.ts";
import { createTask } from "../client/create_task.ts";
import { encodeValue } from "../client/task_values.ts";
import type { ReportProgress } from "../client/progress.ts";
import type { OpInput, OpName } from "../protocol/ops.ts";
import { decodeStructured } from "../protocol/structured.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { TaskOutcome, TaskWait } from "../protocol/tasks.ts";
import type { Link } from "../session/link.ts";
import type { TaskContext } from "./context.ts";
import type { AnyTask } from "./define_task.ts";
import { TaskEmitter } from "./emitter.ts";
import { failedOutcome, NonRetryableError, TaskAbortedError, TaskWaiting } from "./errors.ts";

/** What attempts share. */
export interface AttemptLink {
  readonly link: Link;
  readonly reportProgress: ReportProgress;
}

/**
 * Runs one attempt to its end.
 * @returns its outcome; never rejects
 */
export async function runAttempt(
  tasks: ReadonlyMap<string, AnyTask>,
  assignment: TaskAssignment,
  signal: AbortSignal,
  shared: AttemptLink,
): Promise<TaskOutcome> {
  if (signal.aborted) return abortedOutcome(signal.reason);
  const { taskId, attempt, taskType, payload, isStructured } = assignment;
  const emitter = new TaskEmitter(shared.link, taskId, attempt);
  const waits: TaskWait[] = [];
  try {
    const task = tasks.get(taskType);
    if (!task) throw new NonRetryableError(`No task "${taskType}" is defined here`);
    const input = isStructured ? decodeStructured(payload) : payload.length > 0 ? payload : undefined;
    const output = await task.perform(input, contextOf(assignment, signal, shared, emitter, waits));
    if (waits.length > 0) return { kind: "waiting", wait: waits[0] };
    const { bytes: result, isStructured: isResultStructured } = encodeValue(output);
    return { kind: "completed", result, isStructured: isResultStructured };
  } catch (error) {
    // Whoever asked to wait waits, whatever has become of the marker on its way through the handler.
    if (waits.length > 0) return { kind: "waiting", wait: waits[0] };
    return signal.aborted ? abortedOutcome(signal.reason, error) : failedOutcome(error);
  } finally {
    emitter.flush();
  }
}

/** How an attempt that was told to stop ends when it does not complete. */
export function abortedOutcome(reason: unknown, thrown: unknown = reason): TaskOutcome {
  const kind = reason instanceof TaskAbortedError ? reason.kind : "lease_lost";
  if (kind === "timeout" || kind === "deadline") {
    const { message } = reason as TaskAbortedError;
    return { kind: "failed", error: { name: "TimeoutError", message, code: "DEADLINE_EXCEEDED" } };
  }
  if (kind === "drain") return { kind: "released", reason: "its worker stops" };
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: "released", reason: words.slice(0, 1000) };
}

function contextOf(
  assignment: TaskAssignment,
  signal: AbortSignal,
  { link, reportProgress }: AttemptLink,
  emitter: TaskEmitter,
  waits: TaskWait[],
): TaskContext {
  const { task, taskId, attempt } = assignment;
  let checkpoint: CheckpointClient | undefined;
  const wait = (spec: TaskWait): never => {
    waits.push(spec);
    throw new TaskWaiting(spec);
  };
  return {
    task,
    attempt,
    signal,
    idempotencyKey: task.idempotencyKey ?? taskId,
    resumeInput: decodeInput(assignment.input),
    // Made when asked for: few attempts have one.
    get checkpoint() {
      return (checkpoint ??= new CheckpointClient(ownedBy(link, taskId)));
    },
    log: {
      debug: (message, fields) => emitter.log("debug", message, fields),
      info: (message, fields) => emitter.log("info", message, fields),
      warn: (message, fields) => emitter.log("warn", message, fields),
      error: (message, fields) => emitter.log("error", message, fields),
    },
    fetch: fetchUntil(signal),
    createTask: createTask(link, { parentTaskId: taskId }),
    progress: (report) => {
      // What was logged before comes before.
      emitter.flush();
      return reportProgress({ ...report, taskId });
    },
    stream: (chunk) => {
      const { bytes, isStructured = false } = encodeValue(chunk === undefined ? null : chunk);
      return emitter.chunk(bytes!, isStructured);
    },
    wait,
    hibernate: (spec) => wait({ ...spec, for: "hibernation" }),
  };
}

/** What `resumeTask` gave; bytes that are no plain data come from another client and stay as they are. */
function decodeInput(bytes: Uint8Array | undefined): unknown {
  if (!bytes) return undefined;
  try {
    return decodeStructured(bytes);
  } catch {
    return bytes;
  }
}

/** A link whose checkpoints are a task's. */
function ownedBy(link: Link, taskId: string): Link {
  return {
    ...linkOf(link),
    call: <Op extends OpName>(op: Op, input: OpInput<Op>, options?: Parameters<Link["call"]>[2]) =>
      link.call(op, { taskId, ...input }, options),
  };
}

/** The parts of a link, also of one whose parts are getters of a class. */
function linkOf(link: Link): Link {
  const { options, onNotice, workspace } = link;
  return {
    options,
    onNotice,
    workspace,
    call: (op, input, more) => link.call(op, input, more),
    report: (error) => link.report(error),
  };
}

function fetchUntil(signal: AbortSignal): typeof globalThis.fetch {
  const fetchOnce = (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const own = init.signal ?? (input instanceof Request ? input.signal : undefined);
    return fetch(input, { ...init, signal: own ? AbortSignal.any([own, signal]) : signal });
  };
  return fetchOnce as typeof globalThis.fetch;
}
