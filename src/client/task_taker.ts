// edge: no Deno, Bun, node: or cloudflare: names
import { AetherError, InvalidArgumentError } from "../errors.ts";
import type { Handlers, Unsubscribe } from "../base/emitter.ts";
import type { TaskAssignment } from "../protocol/task_assignment.ts";
import type { Session } from "../session/session.ts";
import { serve, type Serving, servingOf } from "./serving.ts";

/** Takes one task. The signal aborts when it must stop; its reason has a `kind` in its `details`. */
export type TaskAssignmentHandler = (assignment: TaskAssignment, options: { signal: AbortSignal }) => unknown;

/** How much is taken, and from where. */
export interface TaskAssignmentOptions {
  /** Tasks at a time; 1 when left out. */
  slots?: number;
  /** Where; the client's own workspace when left out. A service has none and must say it. */
  workspace?: string;
}

/**
 * Takes tasks of the client's pool, or those meant for it alone, while there is a handler; `completeTask` or `failTask`
 * ends each of them and makes room for the next. `createWorker` of `@aether-edge/sdk/worker` is the comfortable way.
 */
export type OnTaskAssignment = (handler: TaskAssignmentHandler, options?: TaskAssignmentOptions) => Unsubscribe;

/** Who takes the tasks of a client. */
export type Takers = Handlers<Parameters<TaskAssignmentHandler>>;

/** Makes what adds one of them; what that returns takes it away. */
export function taskTaker(
  session: Session,
  takers: Takers,
): (handler: TaskAssignmentHandler, options?: TaskAssignmentOptions) => () => void {
  let serving: Serving | undefined;
  return (handler, options) => {
    if (servingOf(session) !== serving) {
      throw new InvalidArgumentError("Cannot take tasks here: this client has a worker");
    }
    const remove = takers.add((task) => handler(...task));
    serving ??= serve(session, { slots: 1, ...options }, (assignment) => {
      const stop = new AbortController();
      takers.emit([assignment, stop]);
      return (kind, reason) => stop.abort(new AetherError(reason, "ABORTED", { details: { kind } }));
    });
    return () => {
      remove();
      if (takers.size > 0) return;
      serving?.end();
      serving = undefined;
    };
  };
}
