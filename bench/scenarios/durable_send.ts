/** Sends to an agent that listens, by 1, 10 and 100 callers, each waiting for its receipt: then it is in the store. */
import { ratesOf } from "../lib/callers.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";

/** Sends per second. */
export async function run(setting: Setting): Promise<Figures> {
  const { send } = await setting.works();
  return await ratesOf("send", await send!(payload()), setting);
}
