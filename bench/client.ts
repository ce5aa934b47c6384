/** Client process of a cell: `client.ts <job as JSON>`. Prints its figures as JSON. */
import process from "node:process";
import { costOf, residentOf } from "./lib/cost.ts";
import { load } from "./lib/fabrics.ts";
import { type Job, parts } from "./lib/job.ts";
import { endWithParent } from "./lib/ready.ts";
import type { Scenario } from "./lib/scenario.ts";
import { coldStart, startSleeper, startWorker } from "./lib/workers.ts";

endWithParent();
const { scenario, fabric: name, url, meter, pid, ms, bootMs } = JSON.parse(process.argv[2]) as Job;
const { file, option } = parts(scenario);
const { run } = (await import(`./scenarios/${file}.ts`)) as { run: Scenario };
const fabric = await load(name, file);
const figures = await run({
  option,
  fabric: name,
  join: (index, isLasting) => fabric.join!(url, index, isLasting),
  works: async () => await fabric.works!(url),
  worker: (slots) => startWorker(name, url, slots, option),
  ms,
  serverMemory: async () => meter ? Number(await (await fetch(meter)).text()) : residentOf(pid) ?? NaN,
  cost: () => costOf(pid, process.pid),
  bootMs,
  coldStart: (what) => coldStart(name, url, what),
  sleeper: (index) => startSleeper(name, url, index),
});
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
