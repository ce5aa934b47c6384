/** From the SIGKILL of a worker process to the beginning, at another one, of the task that it had. */
import { pause, percentile } from "../lib/measure.ts";
import { type Figures, payload, type Setting, type WorkerProcess } from "../lib/scenario.ts";

const KILLS = 25;
/** Time for what a death leaves behind, so that one does not disturb the next. */
const REST_MS = 10;

/** The worker's word comes over a pipe, which counts. All workers are there from the start: starting one is not measured. */
export async function run({ works, worker }: Setting): Promise<Figures> {
  const { hold } = await works();
  const workers: WorkerProcess[] = [];
  while (workers.length <= KILLS) workers.push(...(await Promise.all([worker(1), worker(1)])));
  let heard = (_: WorkerProcess): void => {};
  const begin = (): Promise<WorkerProcess> => new Promise((resolve) => (heard = resolve));
  for (const one of workers) one.onBegin = () => heard(one);
  const times: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const first = begin();
    const cancel = await hold!(payload());
    const holder = await first;
    await pause(REST_MS);
    const again = begin();
    const start = performance.now();
    holder.kill();
    await again;
    times.push(performance.now() - start);
    await cancel();
    await pause(REST_MS);
  }
  return { begin_p50_ms: percentile(times, 0.5), begin_p99_ms: percentile(times, 0.99) };
}
