import { cases } from "./test/suites/worker.ts";
const only = process.argv[2];
let bad = 0;
for (const c of cases.filter((c) => !only || c.name.includes(only))) {
  const t0 = performance.now();
  process.stdout.write(c.name + " ... ");
  try { await Promise.race([c.run({ runtime: "bun" }), new Promise((_, j) => setTimeout(() => j(new Error("hangs")), 8000))]); console.log("ok", Math.round(performance.now()-t0)); }
  catch (e) { bad++; console.log("FAIL", (e as Error).stack?.slice(0, 700)); }
}
process.exit(bad ? 1 : 0);
