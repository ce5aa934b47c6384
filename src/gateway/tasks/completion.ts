// edge: no Deno, Bun, node: or cloudflare: names
import { fromUtf8, utf8 } from "../../base/bytes.ts";
import { MessageType } from "../../protocol/messages.ts";
import type { Router } from "../router.ts";
import type { TaskEngine } from "./engine.ts";
import type { TaskState } from "./record.ts";

/** Payloads larger than this are not looked into for names of events. */
const LOOKED_INTO = 64 * 1024;

/** Tasks tell the workflow engine that they are over, if asked to, and hibernating ones hear of events. */
export function connectEvents(engine: TaskEngine, router: Router): void {
  engine.onOver((state) => {
    const { completionEvent: wanted } = state;
    if (!wanted || (wanted.onStatuses && !wanted.onStatuses.includes(state.status))) return;
    const name = wanted.name ?? `task.${state.status}`;
    const { creator: topic, workspace } = state;
    router.publish(`event::${workspace}`, utf8(JSON.stringify(eventOf(state, name))), MessageType.Event, {
      topic,
      workspace,
    });
    engine.waits.wakeOn(workspace, [name]);
  });
  router.onEvent = (workspace, view) => {
    // Nobody on the way decodes a payload, unless a task waits for what may be in it.
    if (!engine.waits.hasSleepers || view.payloadEnd - view.payloadStart > LOOKED_INTO) return;
    const names = namesIn(view.bytes.subarray(view.payloadStart, view.payloadEnd));
    if (names.length > 0) engine.waits.wakeOn(workspace, names);
  };
}

function eventOf(state: TaskState, name: string): unknown {
  const { id, status, type, correlationId, root, metadata } = state;
  return {
    source_agent: state.creator,
    workspace: state.workspace,
    event_names: [name],
    data: { task_id: id, status, task_type: type, correlation_id: correlationId, root_task_id: root, metadata },
  };
}

/** Names an event goes by: `event_names` as the older system has it, or `type`, or `name`. */
function namesIn(payload: Uint8Array): string[] {
  try {
    const { event_names, type, name } = JSON.parse(fromUtf8(payload)) as Record<string, unknown>;
    return [...(Array.isArray(event_names) ? event_names : []), type, name].filter((one) => typeof one === "string");
  } catch {
    return []; // no JSON, so no names: such events are right too
  }
}
