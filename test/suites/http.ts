import type { Case } from "../harness.ts";
import { pairs as abortPairs } from "./http_abort.ts";
import { pairs as bodyPairs } from "./http_bodies.ts";
import { cases as limits } from "./http_limits.ts";
import { cases as serve } from "./http_serve.ts";
import { cases as identity } from "./http_identity.ts";
import { cases as paths } from "./http_paths.ts";
import { cases as credit } from "./http_credit.ts";
import { cases as faults } from "./http_faults.ts";
import { cases as tunnels } from "./http_tunnels.ts";
import { pairs as tunnelsPairs } from "./http_tunnels.ts";
import { cases as load } from "./http_load.ts";
import { pairs as loadPairs } from "./http_load.ts";
import { cases as hono } from "./http_hono.ts";
import { pairs as clientsPairs } from "./http_clients.ts";
import type { Pair } from "./http_kit.ts";
import { pairs as redirectPairs } from "./http_redirects.ts";

const pairs: Pair[] = [...bodyPairs, ...abortPairs, ...redirectPairs, ...clientsPairs, ...loadPairs, ...tunnelsPairs];

/** HTTP and tunnels in fabrics of their own. */
export const cases: Case[] = [
  ...pairs.map(({ memory }) => memory),
  ...limits,
  ...serve,
  ...identity,
  ...paths,
  ...credit,
  ...faults,
  ...tunnels,
  ...load,
  ...hono,
];

/** The same over a real socket, where it makes sense; for runtimes that only dial as well. */
export const socketCases: Case[] = pairs.map(({ socket }) => socket);
