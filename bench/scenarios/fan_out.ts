/** One sender, a hundred receivers: at most 10 broadcasts on their way. */
import { ratePerSecond } from "../lib/measure.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

const RECEIVERS = 100;
const WINDOW = 10;

/** Deliveries per second. */
export async function run({ join, ms }: Setting): Promise<Figures> {
  const sender = await join(0);
  // A fabric may count the sender among everybody; what it hears is not counted.
  sender.onMessage(() => {});
  const receivers = await Promise.all(Array.from({ length: RECEIVERS }, (_, index) => join(index + 1)));
  const bytes = payload();
  let deliveries = 0;
  const window = new Window(WINDOW, () => sender.broadcast(bytes), () => Math.floor(deliveries / RECEIVERS));
  for (const receiver of receivers) {
    receiver.onMessage((payload) => {
      if (payload.length !== bytes.length) throw new Error("a message arrived damaged");
      deliveries++;
      window.fill();
    });
  }
  window.fill();
  const rate = await ratePerSecond(() => deliveries, ms);
  window.stop();
  return { deliveries_per_s: rate };
}
