/** Client process of a cell: `client.ts <scenario> <fabric> <url> <meter> <ms>`. Prints its figures as a line of JSON. */
import process from "node:process";
import { endWithParent } from "./lib/ready.ts";
import type { Join, Scenario } from "./lib/scenario.ts";

const FABRICS: Record<string, string> = { ours: "./aether.ts", control: "./controls/raw.ts", nats: "./peers/nats.ts" };

endWithParent();
const [scenario, fabric, url, meter, ms] = process.argv.slice(2);
const { run } = (await import(`./scenarios/${scenario}.ts`)) as { run: Scenario };
const { join } = (await import(FABRICS[fabric])) as { join: Join };
const figures = await run({
  join: (index) => join(url, index),
  ms: Number(ms),
  serverMemory: async () => Number(await (await fetch(meter)).text()),
});
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
