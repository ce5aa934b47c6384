// edge: no Deno, Bun, node: or cloudflare: names
import type { Link } from "../session/link.ts";
import { withVerbs } from "./loading.ts";
import type { DefinedTaskOptions, PlainTaskOptions } from "./task_definition.ts";
import { TaskHandle } from "./task_handle.ts";
import type { AnyOptions, MakeTask } from "./tasks.ts";

/** Creates tasks; types of input and result come from the definition. */
export interface CreateTask {
  <Input, Output, Chunk>(options: DefinedTaskOptions<Input, Output, Chunk>): Promise<TaskHandle<Output, Chunk>>;
  (options: PlainTaskOptions): Promise<TaskHandle>;
}

/** Makes the verb; `own` is what holds when nothing else is said. */
export function createTask(link: Link, own?: { parentTaskId: string }): CreateTask {
  let make: MakeTask<TaskHandle> | undefined;
  return ((options: AnyOptions) => {
    // As it is now: a switch that is asked for beside this must not change where the task goes.
    const { workspace } = link;
    return withVerbs(link, (verbs, given) => {
      make ??= verbs.taskMaker(link, (taskId, isNew, told) => new TaskHandle(link, taskId, isNew, told), own);
      return make(given, workspace);
    }, options);
  }) as CreateTask;
}
