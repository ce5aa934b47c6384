// edge: no Deno, Bun, node: or cloudflare: names
import { Handlers } from "../base/emitter.ts";
import type { Session } from "../session/session.ts";
import { subscribeWith } from "./loading.ts";
import type { OnTaskAssignment, Takers, taskTaker } from "./task_taker.ts";

/** Makes the verb. */
export function onTaskAssignment(session: Session): OnTaskAssignment {
  const takers: Takers = new Handlers((error) => session.report(error));
  let take: ReturnType<typeof taskTaker> | undefined;
  return (handler, options) =>
    subscribeWith(session, (verbs) => (take ??= verbs.taskTaker(session, takers))(handler, options));
}
