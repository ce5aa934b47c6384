// edge: no Deno, Bun, node: or cloudflare: names

// What a client loads with its first use, as one piece: see loading.ts.

export { checkpointDelete, checkpointList, checkpointLoad, checkpointSave } from "./checkpoint_verbs.ts";
export { kvCall, kvPage } from "./kv_verbs.ts";
export { watchKeys } from "./kv_watch.ts";
export { reportProgress } from "./progress.ts";
export { taskCancel, taskEvents, taskInfo, taskResult } from "./task_calls.ts";
export { taskTaker } from "./task_taker.ts";
export {
  actOnTask,
  completeTask,
  failTask,
  getTask,
  queryTasks,
  resumeTask,
  retryTask,
  subscribeTask,
  taskMaker,
} from "./tasks.ts";
