import type { Case } from "../harness.ts";
import { cases as auditCases } from "./audit.ts";
import { cases as clientCases } from "./client.ts";
import { cases as fabricCases } from "./fabric.ts";
import { cases as httpCases, socketCases as httpSocketCases } from "./http.ts";
import { cases as stateCases } from "./state.ts";
import { cases as socketCases } from "./state_socket.ts";
import { memoryStoreCases } from "./store_contract.ts";
import { cases as workerCases } from "./worker.ts";

/** Cases of a client alone, against the gateway at `env.gatewayUrl`; for runtimes that only dial. */
export const clientSuites: Case[] = [
  ...clientCases,
  ...socketCases,
  ...httpSocketCases,
  ...auditCases,
  ...fabricCases,
  ...httpCases,
  ...stateCases,
  ...memoryStoreCases,
  ...workerCases,
];
