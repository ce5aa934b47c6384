/** Writes and reads of a thousand keys, by 1, 10 and 100 callers. */
import { ratesOf } from "../lib/callers.ts";
import { type Figures, KEYS, payload, type Setting } from "../lib/scenario.ts";

const CALLERS = 50;

/** Puts and gets per second. */
export async function run(setting: Setting): Promise<Figures> {
  const { put, get } = await setting.works();
  const bytes = payload();
  const write = await put!(bytes);
  for (let at = 0; at < KEYS; at += CALLERS) {
    write.group?.(CALLERS);
    if (write.call) await Promise.all(Array.from({ length: CALLERS }, write.call));
  }
  const puts = await ratesOf("put", write, setting);
  return { ...puts, ...(await ratesOf("get", await get!(bytes), setting)) };
}
