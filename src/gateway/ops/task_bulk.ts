// edge: no Deno, Bun, node: or cloudflare: names
import { ConflictError } from "../../errors.ts";
import type { OpInput, OpOutput } from "../../protocol/ops.ts";
import { nextStatus } from "../../protocol/task_states.ts";
import { taskFault } from "../access.ts";
import type { Core } from "../core.ts";
import type { Session } from "../session.ts";
import type { TaskCreation } from "../tasks/creation.ts";
import type { TaskEngine } from "../tasks/engine.ts";
import { queryTasks } from "../tasks/query.ts";
import type { TaskState } from "../tasks/record.ts";

const PAGE = 200;

/**
 * Cancels or retries all tasks of a filter that the caller may see, a page at a time: others get their turn between two. What
 * is done stays done when the caller goes meanwhile.
 */
export async function bulkTasks(
  core: Core,
  engine: TaskEngine,
  creation: TaskCreation,
  session: Session,
  { filter, action, reason = `cancelled by ${session.topic}` }: OpInput<"task.bulk">,
  signal: AbortSignal,
): Promise<OpOutput<"task.bulk">> {
  const own = { workspace: session.workspace, ...filter };
  const retry = async (state: TaskState): Promise<boolean> => {
    if (nextStatus(state.status, "redrive") === undefined) return false;
    try {
      await creation.redrive(state, {});
      return true;
    } catch (error) {
      // Another task has its key now: it stays as it is.
      if (error instanceof ConflictError) return false;
      throw error;
    }
  };
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await queryTasks(engine, own, (state) => !taskFault(session, state), PAGE, cursor);
    for (const { id } of page.states) {
      // It may have changed since the page was read.
      const task = engine.live(id);
      const state = await engine.find(id);
      if (action === "cancel" ? task && engine.cancel(task, reason) : state && await retry(state)) count++;
    }
    cursor = page.nextCursor;
    if (cursor !== undefined) await new Promise<void>((resolve) => core.clock.timer(0, resolve));
  } while (cursor !== undefined && !signal.aborted);
  return { count };
}
