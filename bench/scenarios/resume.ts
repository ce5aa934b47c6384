/** A lost connection that comes back while 10 000 messages are outstanding: at the receiver, then at the sender. */
import { pause } from "../lib/measure.ts";
import { rateOf } from "../lib/rates.ts";
import { type Figures, type Party, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

const OUTSTANDING = 10_000;
const WINDOW = 100;
/** So long until the other side has noticed, in ms. */
const REST_MS = 50;

/**
 * Replayed per second, from the moment the wire holds again until the last of them has arrived, dial and handshake included;
 * and the same to the plain relay rate of these two parties.
 */
export async function run(setting: Setting): Promise<Figures> {
  const [a, b] = [await setting.join(0, true), await setting.join(1, true)];
  const bytes = payload();
  let received = 0;
  let onReceived = (): void => {};
  b.onMessage(() => {
    received++;
    onReceived();
  });
  const window = new Window(WINDOW, () => a.send(1, bytes), () => received);
  onReceived = window.fill;
  window.fill();
  const { messages_per_s: relay } = await rateOf("messages", () => received, setting);
  window.stop();
  while (received < window.sent) await pause(1);
  const away = await outstanding(b);
  const kept = await outstanding(a);
  return {
    relay_per_s: relay,
    replayed_per_s: away.rate,
    replayed_to_relay: away.rate / relay,
    replay_first_ms: away.firstMs,
    sent_later_per_s: kept.rate,
    sent_later_to_relay: kept.rate / relay,
  };

  async function outstanding(who: Party): Promise<{ rate: number; firstMs: number }> {
    await pause(REST_MS);
    who.lose!();
    await pause(REST_MS);
    const receipts: unknown[] = [];
    const before = received;
    for (let at = 0; at < OUTSTANDING; at++) {
      const receipt = a.send(1, bytes);
      if (who === b && at % WINDOW === WINDOW - 1) receipts.push(await receipt);
    }
    if (received !== before) throw new Error("a message went over a broken wire");
    let firstMs = 0;
    const start = performance.now();
    const all = new Promise<void>((resolve) => {
      onReceived = () => {
        firstMs ||= performance.now() - start;
        if (received - before === OUTSTANDING) resolve();
      };
    });
    who.regain!();
    await all;
    return { rate: (OUTSTANDING * 1000) / (performance.now() - start), firstMs };
  }
}
