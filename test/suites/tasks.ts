import type { Case } from "../harness.ts";
import { cases as bad } from "./tasks_bad.ts";
import { cases as depend } from "./tasks_depend.ts";
import { cases as events } from "./tasks_events.ts";
import { cases as life } from "./tasks_life.ts";
import { cases as limits } from "./tasks_limits.ts";
import { cases as names } from "./tasks_names.ts";
import { cases as query } from "./tasks_query.ts";
import { cases as retry } from "./tasks_retry.ts";
import { cases as schedule } from "./tasks_schedule.ts";
import { cases as store } from "./tasks_store.ts";
import { cases as waits } from "./tasks_waits.ts";
import { cases as watch } from "./tasks_watch.ts";
import { cases as workers } from "./tasks_workers.ts";

/** The task engine, through its operations; for runtimes with files and SQLite. */
export const cases: Case[] = [
  ...life,
  ...retry,
  ...limits,
  ...names,
  ...depend,
  ...waits,
  ...schedule,
  ...watch,
  ...workers,
  ...events,
  ...query,
  ...bad,
  ...store,
];
