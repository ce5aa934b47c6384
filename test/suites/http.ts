import type { Case } from "../harness.ts";
import { pairs as abortPairs } from "./http_abort.ts";
import { pairs as answerPairs } from "./http_answers.ts";
import { pairs as bodyPairs } from "./http_bodies.ts";
import { pairs as clientPairs } from "./http_clients.ts";
import { pairs as creditPairs } from "./http_credit.ts";
import { pairs as faultPairs } from "./http_faults.ts";
import { pairs as honoPairs } from "./http_hono.ts";
import { pairs as greedyPairs } from "./http_greedy.ts";
import { pairs as hostilePairs } from "./http_hostile.ts";
import { pairs as honoSocketPairs } from "./http_hono_sockets.ts";
import { pairs as identityPairs } from "./http_identity.ts";
import { cases as ingressCases } from "./http_ingress.ts";
import type { Pair } from "./http_kit.ts";
import { pairs as limitPairs } from "./http_limits.ts";
import { pairs as loadPairs } from "./http_load.ts";
import { pairs as mistakePairs } from "./http_mistakes.ts";
import { pairs as optionPairs } from "./http_options.ts";
import { pairs as pathPairs } from "./http_paths.ts";
import { pairs as redirectPairs } from "./http_redirects.ts";
import { pairs as rulePairs } from "./http_rules.ts";
import { pairs as servePairs } from "./http_serve.ts";
import { pairs as sessionPairs } from "./http_sessions.ts";
import { pairs as tunnelEndPairs } from "./http_tunnel_ends.ts";
import { pairs as tunnelPairs } from "./http_tunnels.ts";
import { pairs as wptPairs } from "./http_wpt.ts";

const pairs: Pair[] = [
  ...bodyPairs,
  ...abortPairs,
  ...redirectPairs,
  ...wptPairs,
  ...clientPairs,
  ...answerPairs,
  ...limitPairs,
  ...rulePairs,
  ...servePairs,
  ...sessionPairs,
  ...identityPairs,
  ...optionPairs,
  ...mistakePairs,
  ...pathPairs,
  ...creditPairs,
  ...faultPairs,
  ...hostilePairs,
  ...greedyPairs,
  ...tunnelPairs,
  ...tunnelEndPairs,
  ...loadPairs,
  ...honoPairs,
  ...honoSocketPairs,
];

/** HTTP and tunnels in fabrics of their own, in memory. */
export const cases: Case[] = [...pairs.map(({ memory }) => memory), ...ingressCases];

/** The same over real sockets; what needs no gateway in its own process also where the runtime only dials. */
export const socketCases: Case[] = pairs.flatMap(({ socket }) => socket ?? []);
