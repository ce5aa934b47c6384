// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { InvalidArgumentError, PermissionDeniedError } from "../../errors.ts";
import type { ProgressReport, ProgressUpdate } from "../../protocol/progress.ts";
import { parseTopic, topicWorkspace } from "../../protocol/topics.ts";
import { encodeStructured } from "../../protocol/structured.ts";
import { progressFault } from "../access.ts";
import type { Core } from "../core.ts";
import type { OpGroup } from "../ops.ts";
import type { Registry } from "../registry.ts";
import { segment, text } from "../schemas.ts";
import type { Session } from "../session.ts";
import { checked } from "./kv_schemas.ts";

const words = v.optional(v.pipe(v.string(), v.maxLength(4096)));
const step = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));
const report = v.object({
  taskId: v.optional(v.pipe(v.string(), v.maxLength(128))),
  state: v.optional(text),
  completion: v.optional(
    v.pipe(
      v.number(),
      v.check((at) => at === -1 || (at >= 0 && at <= 1), "must be 0 to 1, or -1 when it is not known"),
    ),
  ),
  summary: words,
  stepName: v.optional(text),
  stepDetail: words,
  stepSequence: step,
  stepTotal: step,
  stepType: v.optional(text),
  recipient: v.optional(v.pipe(v.string(), v.maxLength(512))),
  requestId: v.optional(text),
  metadata: v.optional(
    v.pipe(
      v.record(text, v.pipe(v.string(), v.maxLength(1024))),
      v.check((map) => Object.keys(map).length <= 32, "more than 32 entries"),
    ),
  ),
  kind: v.optional(v.picklist([1, 2, 3])),
});

/** What progress needs of tasks. */
export interface TaskProgress {
  /** Why a principal may not report on a task; undefined when it may, or when there is no such task. */
  reportFault(session: Session, taskId: string): string | undefined;
  /** Notes a report on a task. */
  reported(taskId: string, report: ProgressReport): void;
}

/** Progress: passed on to those it is meant for who are there now, the latest of each piece of work when they are slow. */
export class ProgressOps implements OpGroup {
  readonly #core: Core;
  readonly #registry: Registry;
  readonly #tasks: TaskProgress;

  constructor(core: Core, registry: Registry, tasks: TaskProgress) {
    this.#core = core;
    this.#registry = registry;
    this.#tasks = tasks;
  }

  readonly ops: OpGroup["ops"] = {
    "progress.report": {
      check: checked("progress.report", report),
      run: (session, input) => this.#report(session, input),
    },
  };

  #report(session: Session, input: ProgressReport): null {
    const { recipient = "", taskId } = input;
    const target = recipient === "" ? undefined : parseRecipient(recipient);
    const fault = progressFault(session, target?.workspace) ??
      (taskId === undefined ? undefined : this.#tasks.reportFault(session, taskId));
    if (fault) throw new PermissionDeniedError(`Cannot report progress: ${fault}`);
    if (taskId !== undefined) this.#tasks.reported(taskId, input);
    const update: ProgressUpdate = {
      ...input,
      sourceTopic: session.topic,
      workspace: session.workspace ?? "",
      timestampMs: this.#core.clock.now(),
    };
    const key = JSON.stringify([session.topic, taskId, input.requestId]);
    let notice: Uint8Array | undefined;
    for (const hearer of this.#hearers(session, target)) {
      if (hearer === session) continue;
      hearer.progress(key, notice ??= encodeStructured({ name: "progress", body: update }));
    }
    return null;
  }

  #hearers(session: Session, target: Recipient | undefined): Iterable<Session> {
    if (target?.userId !== undefined) return this.#registry.windows(target.userId);
    if (target) {
      const holder = this.#registry.holder(target.topic);
      return holder ? [holder] : [];
    }
    if (session.workspace === undefined) {
      throw new InvalidArgumentError("Cannot report to a workspace without one: give a recipient", "recipient");
    }
    return this.#registry.audience(session.workspace);
  }
}

interface Recipient {
  topic: string;
  userId?: string;
  workspace?: string;
}

/** `us::user` is all of a user's windows; anything else is one identity. */
function parseRecipient(topic: string): Recipient {
  const user = /^us::(.+)$/.exec(topic)?.[1];
  if (user !== undefined && v.safeParse(segment, user).success) return { topic, userId: user };
  const parsed = parseTopic(topic);
  if (!["agent", "unique_task", "task", "user", "service", "bridge"].includes(parsed.lane)) {
    throw new InvalidArgumentError(
      `Cannot report to "${topic}": give an identity's topic, "us::user" for all windows of a user, or nothing for the workspace`,
      "recipient",
    );
  }
  return { topic, workspace: topicWorkspace(parsed) };
}
