import type { Case } from "../harness.ts";
import { pairs as abortPairs } from "./http_abort.ts";
import { pairs as bodyPairs } from "./http_bodies.ts";
import { cases as limits } from "./http_limits.ts";
import { cases as serve } from "./http_serve.ts";
import { cases as identity } from "./http_identity.ts";
import { cases as paths } from "./http_paths.ts";
import { cases as credit } from "./http_credit.ts";
import { cases as faults } from "./http_faults.ts";
import type { Pair } from "./http_kit.ts";
import { pairs as redirectPairs } from "./http_redirects.ts";

const pairs: Pair[] = [...bodyPairs, ...abortPairs, ...redirectPairs];

/** HTTP and tunnels in fabrics of their own. */
export const cases: Case[] = [
  ...pairs.map(({ memory }) => memory),
  ...limits,
  ...serve,
  ...identity,
  ...paths,
  ...credit,
  ...faults,
];

/** The same over a real socket, where it makes sense; for runtimes that only dial as well. */
export const socketCases: Case[] = pairs.map(({ socket }) => socket);
