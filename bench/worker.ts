/**
 * Worker process: `worker.ts <fabric> <url> <slots> [isolates]`. Says when it takes tasks, and when one begins that does not
 * end.
 */
import process from "node:process";
import { load } from "./lib/fabrics.ts";
import { endWithParent } from "./lib/ready.ts";

endWithParent();
const [fabric, url, slots, isolates] = process.argv.slice(2);
const { labour } = await load(fabric, "tasks");
await labour!(url, Number(slots), () => void process.stdout.write("begun\n"), Number(isolates) || 0);
process.stdout.write("{}\n");
