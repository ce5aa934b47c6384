/** One way from a to b, at most 100 without receipt and at most 100 not yet received; the receiver counts. */
import { ratePerSecond } from "../lib/measure.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

const WINDOW = 100;

/** Messages per second. */
export async function run({ join, ms }: Setting): Promise<Figures> {
  const [a, b] = [await join(0), await join(1)];
  const bytes = payload();
  let received = 0;
  const window = new Window(WINDOW, () => a.send(1, bytes), () => received);
  b.onMessage((payload) => {
    if (payload.length !== bytes.length) throw new Error("a message arrived damaged");
    received++;
    window.fill();
  });
  window.fill();
  const rate = await ratePerSecond(() => received, ms);
  window.stop();
  return { messages_per_s: rate };
}
