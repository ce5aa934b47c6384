import type { Case } from "../harness.ts";

/** Cases that bring their own world along and run on every runtime. */
export const suites: Case[] = [];

/** Cases of a client alone, against the gateway at `env.gatewayUrl`; for runtimes that only dial. */
export const clientSuites: Case[] = [];
