/**
 * Mixed load: a sends to b as fast as it goes with ten on their way, while a third sends to somebody in another process at a
 * fixed rate. First that third is silent; then it sends to one that reads; then that one does not any more.
 */
import { pause, percentile } from "../lib/measure.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

const WINDOW = 10;
/** The third sends so many every so many ms. */
const PART = 40;
const PART_MS = 2;
const ASLEEP = 3;

/** Rate and latency of a and b by themselves, beside one that reads, and beside one that does not. */
export async function run(setting: Setting): Promise<Figures> {
  const { join, ms } = setting;
  const [a, b, third] = [await join(0), await join(1), await join(2)];
  const sleeper = await setting.sleeper(ASLEEP);
  const bytes = payload();
  let [received, refused] = [0, 0];
  let times: number[] = [];
  const sent: number[] = [];
  const send = (): Promise<unknown> | undefined => {
    sent.push(performance.now());
    return a.send(1, bytes);
  };
  const window = new Window(WINDOW, send, () => received);
  b.onMessage(() => {
    received++;
    times.push((performance.now() - sent.shift()!) * 1000);
    window.fill();
  });
  const refuse = (): void => void refused++;
  let isSending = false;
  const sending = setInterval(() => {
    if (!isSending) return;
    for (let at = 0; at < PART; at++) {
      try {
        third.send(ASLEEP, bytes)?.then(undefined, refuse);
      } catch {
        refuse();
      }
    }
  }, PART_MS);
  const stretch = async (name: string): Promise<Figures> => {
    await pause(ms);
    times = [];
    const [before, start] = [received, performance.now()];
    await pause(2 * ms);
    const rate = ((received - before) * 1000) / (performance.now() - start);
    return {
      [`${name}_per_s`]: rate,
      [`${name}_p50_us`]: percentile(times, 0.5),
      [`${name}_p99_us`]: percentile(times, 0.99),
    };
  };
  window.fill();
  const alone = await stretch("alone");
  isSending = true;
  const reading = await stretch("reading");
  const memory = await setting.serverMemory();
  sleeper.sleep();
  const asleep = await stretch("asleep");
  const grown = await setting.serverMemory() - memory;
  clearInterval(sending);
  window.stop();
  return {
    ...alone,
    ...reading,
    ...asleep,
    asleep_to_alone: asleep.asleep_per_s / alone.alone_per_s,
    asleep_to_reading: asleep.asleep_per_s / reading.reading_per_s,
    asleep_p99_to_reading: asleep.asleep_p99_us / reading.reading_p99_us,
    asleep_grown_bytes: grown,
    refused,
  };
}
