/** A process that does one thing and says so: `cold.ts <fabric> <url> <join|fetch>`. How long it took is measured outside. */
import process from "node:process";
import { load } from "./lib/fabrics.ts";
import { endWithParent } from "./lib/ready.ts";

endWithParent();
const [fabric, url, what] = process.argv.slice(2);
if (what === "join") await (await load(fabric, "cold_start")).join!(url, 0);
else {
  const { http } = await (await load(fabric, "cold_fetch")).works!(url);
  // Of ours the one that goes over a connection of its own: it has to be made first.
  const { fetch } = http!.at(-1)!;
  const text = await (await fetch("/small")).text();
  if (text.length === 0) throw new Error("an empty answer");
}
process.stdout.write("{}\n");
