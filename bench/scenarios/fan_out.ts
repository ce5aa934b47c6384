/** One sender, a hundred receivers, or as many as are named: `fan_out:1000`. At most 10 broadcasts on their way. */
import { rateOf } from "../lib/rates.ts";
import { type Figures, type Party, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

const RECEIVERS = 100;
const WINDOW = 10;
const AT_ONCE = 50;

/** Deliveries per second, and what one costs. */
export async function run(setting: Setting): Promise<Figures> {
  const { join } = setting;
  const count = Number(setting.option) || RECEIVERS;
  const sender = await join(0);
  // A fabric may count the sender among everybody; what it hears is not counted.
  sender.onMessage(() => {});
  const receivers: Party[] = [];
  while (receivers.length < count) {
    const next = Math.min(AT_ONCE, count - receivers.length);
    receivers.push(...await Promise.all(Array.from({ length: next }, (_, at) => join(receivers.length + at + 1))));
  }
  const bytes = payload();
  let deliveries = 0;
  const window = new Window(WINDOW, () => sender.broadcast(bytes), () => Math.floor(deliveries / count));
  for (const receiver of receivers) {
    receiver.onMessage((payload) => {
      if (payload.length !== bytes.length) throw new Error("a message arrived damaged");
      deliveries++;
      window.fill();
    });
  }
  window.fill();
  const figures = await rateOf("deliveries", () => deliveries, setting);
  window.stop();
  return figures;
}
