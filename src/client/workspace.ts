// edge: no Deno, Bun, node: or cloudflare: names
import { InvalidArgumentError } from "../errors.ts";
import type { ConfigSnapshot } from "../protocol/config.ts";
import { requireSegment } from "../protocol/principals.ts";
import type { Session } from "../session/session.ts";

/** Moves to another workspace without a reconnect. */
export type SwitchWorkspace = (workspace: string) => Promise<ConfigSnapshot>;

/**
 * Makes the verb. The local value changes at once and is put back when the gateway refuses; switches follow one another in
 * the order they were asked for.
 */
export function switchWorkspace(session: Session): SwitchWorkspace {
  let last: Promise<unknown> = Promise.resolve();
  return (workspace) => {
    if (workspace === "") {
      throw new InvalidArgumentError("Cannot switch to an empty workspace: give its name", "workspace");
    }
    requireSegment(workspace, "workspace");
    const before = session.workspace;
    session.workspace = workspace;
    const run = async (): Promise<ConfigSnapshot> => {
      try {
        const { identity, topic, config } = await session.call("workspace.switch", { workspace });
        session.moved(identity, topic, workspace);
        session.onNotice.emit({ name: "config", body: config });
        return config;
      } catch (error) {
        // A later switch may have changed it again; that one decides then.
        if (session.workspace === workspace) session.workspace = before;
        throw error;
      }
    };
    const done = last.then(run, run);
    last = done;
    done.catch((error) => session.report(error));
    return done;
  };
}
