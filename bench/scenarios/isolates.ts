/** Tasks that are done inside isolates of a pool: `isolates:<how many>`, a hundred slots in all. */
import { oneAtATime, ratesOf } from "../lib/callers.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";

const SLOTS = 100;
const WARM = 4;

/** Tasks per second, and how long one takes when it is alone. The control is the bare threads, a job a message. */
export async function run(setting: Setting): Promise<Figures> {
  const { works, worker, ms } = setting;
  const { task } = await works();
  await worker(SLOTS);
  const work = await task!(payload());
  const rates = await ratesOf("isolated", work, setting, { many: [100], warmMs: WARM * ms });
  return { ...rates, ...(await oneAtATime("isolated", work, ms)) };
}
