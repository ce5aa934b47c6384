import type { Case } from "../harness.ts";
import { cases as badCases } from "./state_bad.ts";
import { cases as checkpointCases } from "./state_checkpoint.ts";
import { cases as configCases } from "./state_config.ts";
import { cases as kvCases } from "./state_kv.ts";
import { cases as kvFaultsCases } from "./state_kv_faults.ts";
import { cases as kvKindsCases } from "./state_kv_kinds.ts";
import { cases as progressCases } from "./state_progress.ts";
import { cases as watchCases } from "./state_watch.ts";
import { cases as watchEndCases } from "./state_watch_ends.ts";
import { cases as workspaceCases } from "./state_workspace.ts";
import { cases as workspaceFaultsCases } from "./state_workspace_faults.ts";

/** What a gateway keeps for its principals and tells them about; each case brings its own world. */
export const cases: Case[] = [
  ...kvCases,
  ...kvKindsCases,
  ...kvFaultsCases,
  ...watchCases,
  ...watchEndCases,
  ...checkpointCases,
  ...configCases,
  ...workspaceCases,
  ...workspaceFaultsCases,
  ...progressCases,
  ...badCases,
];
