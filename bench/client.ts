/** Client process of a cell: `client.ts <scenario> <fabric> <url> <meter> <ms>`. Prints its figures as JSON. */
import process from "node:process";
import { load } from "./lib/fabrics.ts";
import { endWithParent } from "./lib/ready.ts";
import type { Scenario } from "./lib/scenario.ts";
import { startWorker } from "./lib/workers.ts";

endWithParent();
const [scenario, name, url, meter, ms] = process.argv.slice(2);
const { run } = (await import(`./scenarios/${scenario}.ts`)) as { run: Scenario };
const fabric = await load(name, scenario);
const figures = await run({
  join: (index) => fabric.join!(url, index),
  works: async () => await fabric.works!(url),
  worker: (slots) => startWorker(name, url, slots),
  ms: Number(ms),
  serverMemory: async () => Number(await (await fetch(meter)).text()),
});
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
