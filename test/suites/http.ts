import type { Case } from "../harness.ts";
import { pairs as abortPairs } from "./http_abort.ts";
import { cases as answerCases } from "./http_answers.ts";
import { pairs as bodyPairs } from "./http_bodies.ts";
import { pairs as clientPairs } from "./http_clients.ts";
import { cases as creditCases } from "./http_credit.ts";
import { cases as faultCases } from "./http_faults.ts";
import { cases as honoCases } from "./http_hono.ts";
import { cases as greedyCases } from "./http_greedy.ts";
import { cases as hostileCases } from "./http_hostile.ts";
import { cases as honoSocketCases } from "./http_hono_sockets.ts";
import { cases as identityCases } from "./http_identity.ts";
import { cases as ingressCases } from "./http_ingress.ts";
import type { Pair } from "./http_kit.ts";
import { cases as limitCases } from "./http_limits.ts";
import { cases as loadCases, pairs as loadPairs } from "./http_load.ts";
import { cases as mistakeCases } from "./http_mistakes.ts";
import { cases as optionCases } from "./http_options.ts";
import { cases as pathCases } from "./http_paths.ts";
import { pairs as redirectPairs } from "./http_redirects.ts";
import { cases as ruleCases } from "./http_rules.ts";
import { cases as serveCases } from "./http_serve.ts";
import { cases as sessionCases } from "./http_sessions.ts";
import { cases as tunnelEndCases } from "./http_tunnel_ends.ts";
import { cases as tunnelCases, pairs as tunnelPairs } from "./http_tunnels.ts";
import { pairs as wptPairs } from "./http_wpt.ts";

const pairs: Pair[] = [
  ...bodyPairs,
  ...abortPairs,
  ...redirectPairs,
  ...wptPairs,
  ...clientPairs,
  ...loadPairs,
  ...tunnelPairs,
];

/** HTTP and tunnels in fabrics of their own. */
export const cases: Case[] = [
  ...pairs.map(({ memory }) => memory),
  ...answerCases,
  ...limitCases,
  ...ruleCases,
  ...serveCases,
  ...sessionCases,
  ...identityCases,
  ...optionCases,
  ...mistakeCases,
  ...pathCases,
  ...creditCases,
  ...faultCases,
  ...hostileCases,
  ...tunnelCases,
  ...greedyCases,
  ...tunnelEndCases,
  ...loadCases,
  ...honoCases,
  ...honoSocketCases,
  ...ingressCases,
];

/** What needs no virtual time, over a real socket; for runtimes that only dial as well. */
export const socketCases: Case[] = pairs.map(({ socket }) => socket);
