// edge: no Deno, Bun, node: or cloudflare: names
import type { Identity } from "../protocol/principals.ts";
import type { Consumer, LanePolicy, Listener } from "./consumer.ts";
import type { Router } from "./router.ts";

/** A lane and how it is listened to. */
type Listening = [topic: string, policy: LanePolicy];

/** Lanes a principal listens to. Task lanes and progress are told otherwise: by cursor, and as notices. */
export function lanesOf(identity: Identity, topic: string, workspace: string | undefined): Listening[] {
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
      const lanes: Listening[] = [[topic, "identity"], [`uu::${identity.userId}`, "cursors"]];
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

/** Begins to listen to some lanes, under the name of the identity's topic. */
export async function subscribe(
  session: Listener,
  router: Router,
  lanes: Listening[],
  name: string,
): Promise<Consumer[]> {
  const consumers: Consumer[] = [];
  try {
    for (const [topic, policy] of lanes) consumers.push(await router.lane(topic, policy).attach(session, name));
  } catch (error) {
    for (const consumer of consumers) consumer.lane.detach(consumer);
    throw error;
  }
  return consumers;
}
