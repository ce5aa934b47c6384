// edge: no Deno, Bun, node: or cloudflare: names
import type { ConfigSnapshot } from "../protocol/config.ts";
import { requireSegment } from "../protocol/principals.ts";
import { heard } from "../session/link.ts";
import type { Session } from "../session/session.ts";

/** Moves to another workspace without a reconnect. */
export type SwitchWorkspace = (workspace: string) => Promise<ConfigSnapshot>;

/**
 * Makes the verb. The local value changes at once; when the last switch that was asked for is decided, it is what the
 * gateway says. Switches follow one another in the order they were asked for, and what is sent behind one is judged after it.
 */
export function switchWorkspace(session: Session): SwitchWorkspace {
  let asked = 0;
  return (workspace) => {
    requireSegment(workspace, "workspace");
    const turn = ++asked;
    session.workspace = workspace;
    const run = async (): Promise<ConfigSnapshot> => {
      try {
        // Until it is answered or the session is lost: a switch that was given up might be done all the same.
        const wait = { timeoutMs: Infinity };
        const { identity, topic, config } = await session.call("workspace.switch", { workspace }, wait);
        session.moved(identity, topic, workspace);
        session.onNotice.emit({ name: "config", body: config });
        return config;
      } finally {
        if (turn === asked) session.workspace = session.held;
      }
    };
    return heard(session, run());
  };
}
