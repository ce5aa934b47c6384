/** One way from a to b by size: `relay_grid:<bytes>`. One and 100 on their way, and bursts; with receipts and without. */
import { rateOf } from "../lib/rates.ts";
import { type Figures, type Party, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

/** Messages of a burst, all sent in one turn. */
const BURST = 1000;
const WINDOWS: Record<string, number> = { w1: 1, w100: 100 };

/** Rates and costs of each. */
export async function run(setting: Setting): Promise<Figures> {
  const [a, b] = [await setting.join(0), await setting.join(1)];
  const bytes = payload(Number(setting.option));
  // Nobody's first figure shall pay for what a fresh process compiles.
  await windowed("warm", WINDOWS.w100, true, setting, a, b, bytes);
  const figures: Figures = {};
  for (const receipts of [true, false]) {
    const suffix = receipts ? "receipts" : "plain";
    for (const [name, size] of Object.entries(WINDOWS)) {
      Object.assign(figures, await windowed(`${name}_${suffix}`, size, receipts, setting, a, b, bytes));
    }
    Object.assign(figures, await bursts(`burst_${suffix}`, receipts, setting, a, b, bytes));
  }
  return figures;
}

async function windowed(
  name: string,
  size: number,
  receipts: boolean,
  setting: Setting,
  a: Party,
  b: Party,
  bytes: Uint8Array,
): Promise<Figures> {
  let received = 0;
  const send = (): Promise<unknown> | undefined => {
    const receipt = a.send(1, bytes);
    return receipts ? receipt : undefined;
  };
  const window = new Window(size, send, () => received);
  b.onMessage(() => {
    received++;
    window.fill();
  });
  window.fill();
  const figures = await rateOf(name, () => received, setting, setting.ms / 2);
  window.stop();
  while (received < window.sent) await new Promise((resolve) => setTimeout(resolve, 1));
  return figures;
}

/** The next burst begins when all of the last has arrived, and has its receipts where they are wanted. */
async function bursts(
  name: string,
  receipts: boolean,
  setting: Setting,
  a: Party,
  b: Party,
  bytes: Uint8Array,
): Promise<Figures> {
  let received = 0;
  let over = false;
  let arrived = (): void => {};
  b.onMessage(() => void (++received % BURST === 0 && arrived()));
  const burst = async (): Promise<void> => {
    while (!over) {
      const all = new Promise<void>((resolve) => (arrived = resolve));
      let last: Promise<unknown> | undefined;
      for (let at = 0; at < BURST; at++) {
        const receipt = a.send(1, bytes);
        if (receipts) last = receipt;
      }
      await Promise.all([all, last]);
    }
  };
  const ended = burst();
  const figures = await Promise.race([rateOf(name, () => received, setting, setting.ms / 2), ended.then(() => ({}))]);
  over = true;
  await ended;
  return figures;
}
