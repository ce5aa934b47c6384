/** Connections that do nothing: `idle:<how many>`. What they cost the server, and what two more still get done. */
import { pause } from "../lib/measure.ts";
import { rateOf } from "../lib/rates.ts";
import { type Figures, payload, type Setting } from "../lib/scenario.ts";
import { Window } from "../lib/window.ts";

/** These warm the server up, and are not weighed. */
const WARM = 200;
const AT_ONCE = 50;
const WINDOW = 100;
/** CPU is counted in ticks of 10 ms: to see what idling costs takes a while. */
const IDLE_MS = 1000;

/** `connections` says how many there were: fewer than were asked for where the machine's limits do not allow them. */
export async function run(setting: Setting): Promise<Figures> {
  const wanted = Number(setting.option);
  const [a, b] = [await setting.join(0), await setting.join(1)];
  let connections = 2;
  const connect = async (to: number): Promise<void> => {
    while (connections < to) {
      const next = Math.min(AT_ONCE, to - connections);
      const all = await Promise.allSettled(Array.from({ length: next }, (_, at) => setting.join(connections + at)));
      const failed = all.filter(({ status }) => status === "rejected").length;
      connections += next - failed;
      if (failed > 0) return;
    }
  };
  const figures: Figures = {};
  if (wanted > 2 * WARM) {
    await connect(WARM);
    const before = await settled(setting);
    const [from, start] = [connections, performance.now()];
    await connect(wanted);
    figures.connects_per_s = ((connections - from) * 1000) / (performance.now() - start);
    figures.connection_bytes = (await settled(setting) - before) / (connections - from);
  } else await connect(wanted);
  const [paid, start] = [setting.cost(), performance.now()];
  await pause(IDLE_MS);
  const spent = setting.cost();
  // CPU of the server in each second in which nobody does anything.
  if (paid && spent) figures.idle_server_us = ((spent.server - paid.server) * 1000) / (performance.now() - start);
  const bytes = payload();
  let received = 0;
  const window = new Window(WINDOW, () => a.send(1, bytes), () => received);
  b.onMessage(() => {
    received++;
    window.fill();
  });
  window.fill();
  Object.assign(figures, await rateOf("messages", () => received, setting));
  window.stop();
  return { connections, ...figures };
}

async function settled({ serverMemory }: Setting): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await pause(60);
    await serverMemory();
  }
  return serverMemory();
}
