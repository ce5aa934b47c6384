/** One relay at a time, one request at a time, and a hundred requests at a time. */
import { percentile } from "../lib/measure.ts";
import { rateOf } from "../lib/rates.ts";
import { type Figures, type Party, payload, type Setting } from "../lib/scenario.ts";

/** Latency of a relay is that of one leg: a to b, then b to a, and so on. */
export async function run(setting: Setting): Promise<Figures> {
  const { join, ms } = setting;
  const [a, b] = [await join(0), await join(1)];
  const relay = await relays(a, b, ms);
  b.echo();
  const requests = await oneRequest(a, ms);
  const many = await manyRequests(a, setting);
  return {
    relay_p50_us: percentile(relay, 0.5),
    relay_p90_us: percentile(relay, 0.9),
    relay_p99_us: percentile(relay, 0.99),
    request_p50_us: percentile(requests, 0.5),
    request_p90_us: percentile(requests, 0.9),
    request_p99_us: percentile(requests, 0.99),
    ...many,
  };
}

function relays(a: Party, b: Party, ms: number): Promise<number[]> {
  const bytes = payload();
  const legs: number[] = [];
  const begin = performance.now();
  let sent = 0;
  return new Promise((resolve) => {
    const hop = (from: Party, to: number) => (): void => {
      const now = performance.now();
      if (now - begin > ms) legs.push((now - sent) * 1000);
      if (now - begin > 2 * ms) return resolve(legs);
      sent = now;
      from.send(to, bytes);
    };
    a.onMessage(hop(a, 1));
    b.onMessage(hop(b, 0));
    sent = begin;
    a.send(1, bytes);
  });
}

async function oneRequest(a: Party, ms: number): Promise<number[]> {
  const bytes = payload();
  const times: number[] = [];
  const begin = performance.now();
  for (let now = begin; now - begin < 2 * ms;) {
    await a.request(1, bytes);
    const after = performance.now();
    if (now - begin > ms) times.push((after - now) * 1000);
    now = after;
  }
  return times;
}

async function manyRequests(a: Party, setting: Setting): Promise<Figures> {
  const bytes = payload();
  let answers = 0;
  let over = false;
  const caller = async (): Promise<void> => {
    while (!over) {
      await a.request(1, bytes);
      answers++;
    }
  };
  const callers = Array.from({ length: 100 }, caller);
  const counted = rateOf("request_100", () => answers, setting);
  const figures = await Promise.race([counted, Promise.all(callers).then(() => ({}))]);
  over = true;
  await Promise.all(callers);
  return figures;
}
