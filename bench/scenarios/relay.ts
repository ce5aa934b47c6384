/** One way from a to b, at most 100 without receipt and at most 100 not yet received; the receiver counts. */
import { percentile } from "../lib/measure.ts";
import { rateOf } from "../lib/rates.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

const WINDOW = 100;
/** One message of so many is timed: to time all of them would be a part of what is measured. */
const TIMED = 16;

/** Messages per second, what one costs, and how long one takes when a hundred are on their way. */
export async function run(setting: Setting): Promise<Figures> {
  const [a, b] = [await setting.join(0), await setting.join(1)];
  const bytes = payload();
  let [sent, received] = [0, 0];
  // Fabrics keep the order of one sender.
  const times: number[] = [];
  const legs: number[] = [];
  const send = (): Promise<unknown> | undefined => {
    if (sent++ % TIMED === 0) times.push(performance.now());
    return a.send(1, bytes);
  };
  const window = new Window(WINDOW, send, () => received);
  b.onMessage((payload) => {
    if (payload.length !== bytes.length) throw new Error("a message arrived damaged");
    if (received++ % TIMED === 0) legs.push((performance.now() - times.shift()!) * 1000);
    window.fill();
  });
  window.fill();
  const figures = await rateOf("messages", () => received, setting);
  window.stop();
  const warm = legs.slice(legs.length >> 1);
  for (const share of [50, 90, 99]) figures[`loaded_p${share}_us`] = percentile(warm, share / 100);
  return { ...figures, server_bytes: await setting.serverMemory() };
}
