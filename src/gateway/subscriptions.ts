// edge: no Deno, Bun, node: or cloudflare: names
import type { Router } from "./router.ts";
import type { Session } from "./session.ts";
import type { LanePolicy } from "./consumer.ts";

/** Lanes a principal listens to, and how. The table of section 1.2 of the older system's behaviour, with its holes closed. */
export function lanesOf(session: Session): [topic: string, policy: LanePolicy][] {
  const { identity, topic, workspace } = session;
  switch (identity.type) {
    case "agent":
      return [[topic, "identity"], [`ga::${identity.workspace}`, "live"]];
    case "non_unique_task":
      return [[topic, "identity"], [`tb::${identity.workspace}::${identity.implementation}`, "queue"]];
    case "unique_task":
    case "service":
    case "bridge":
      return [[topic, "identity"]];
    case "user": {
      const lanes: [string, LanePolicy][] = [[topic, "identity"], [`uu::${identity.userId}`, "cursors"]];
      if (workspace !== undefined) {
        lanes.push([`gu::${workspace}`, "cursors"], [`uw::${identity.userId}::${workspace}`, "cursors"]);
      }
      return lanes;
    }
    case "workflow_engine":
    case "metrics_bridge":
      return [[topic, "fan_in"]];
    case "orchestrator":
      return [];
  }
}

/** Begins to listen to all of them; the session hears nothing before all are there. */
export async function subscribe(session: Session, router: Router): Promise<void> {
  for (const [topic, policy] of lanesOf(session)) {
    session.consumers.push(await router.lane(topic, policy).attach(session, session.topic));
  }
}
