// edge: no Deno, Bun, node: or cloudflare: names
import * as v from "valibot";
import { PermissionDeniedError } from "../../errors.ts";
import { registerFault } from "../access.ts";
import type { Launches } from "../launches.ts";
import type { OpGroup } from "../ops.ts";
import { segment } from "../schemas.ts";
import type { Session } from "../session.ts";
import { then } from "../soon.ts";
import { checked } from "./kv_schemas.ts";

const PAGE = 200;
const text = v.pipe(v.string(), v.maxLength(4096));
const one = v.object({ implementation: segment });

/** Which implementations can be launched, and how. */
export class AgentOps implements OpGroup {
  readonly #launches: Launches;

  constructor(launches: Launches) {
    this.#launches = launches;
  }

  readonly ops: OpGroup["ops"] = {
    "agent.register": {
      check: checked(
        "agent.register",
        v.object({
          implementation: segment,
          profile: segment,
          launchParams: v.optional(v.pipe(
            v.record(v.pipe(v.string(), v.maxLength(256)), text),
            v.check((map) => Object.keys(map).length <= 64, "more than 64 entries"),
          )),
          description: v.optional(text),
        }),
      ),
      run: (session, agent) => {
        mayChange(session);
        return then(this.#launches.register(agent), () => null);
      },
    },
    "agent.get": {
      check: checked("agent.get", one),
      run: (_, { implementation }) =>
        then(this.#launches.registration(implementation), (agent) => (agent ? { agent } : {})),
    },
    "agent.list": {
      check: checked("agent.list", v.object({ cursor: v.optional(v.string()) })),
      run: (_, { cursor }) =>
        then(
          this.#launches.list(cursor, PAGE),
          (agents) => agents.length === PAGE ? { agents, nextCursor: agents.at(-1)!.implementation } : { agents },
        ),
    },
    "agent.remove": {
      check: checked("agent.remove", one),
      run: (session, { implementation }) => {
        mayChange(session);
        return then(this.#launches.remove(implementation), (found) => ({ found }));
      },
    },
  };
}

function mayChange(session: Session): void {
  const fault = registerFault(session);
  if (fault) throw new PermissionDeniedError(`Cannot change registrations: ${fault}`);
}
