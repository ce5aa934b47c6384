/** Create, run a trivial handler in a worker process of 100 slots, and have the result: one and 100 tasks at a time. */
import { oneAtATime, ratesOf } from "../lib/callers.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";

const SLOTS = 100;
/** A task runs through much more code than a message, fewer times a second: three processes need longer to compile it. */
const WARM = 4;

/** Tasks per second, and how long one takes when it is alone. */
export async function run(setting: Setting): Promise<Figures> {
  const { works, worker, ms } = setting;
  const { task } = await works();
  await worker(SLOTS);
  const work = await task!(payload());
  const rates = await ratesOf("task", work, setting, { many: [100], warmMs: WARM * ms });
  return { ...rates, ...(await oneAtATime("task", work, ms)) };
}
