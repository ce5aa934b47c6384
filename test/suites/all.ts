import type { Case } from "../harness.ts";
import { cases as clientCases } from "./client.ts";
import { cases as fabricCases } from "./fabric.ts";

/** Cases of a client alone, against the gateway at `env.gatewayUrl`; for runtimes that only dial. */
export const clientSuites: Case[] = [...clientCases, ...fabricCases];
