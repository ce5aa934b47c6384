import { testFabric } from "./src/testing/mod.ts";
import { defineTask } from "./src/worker/define_task.ts";
import { createWorker } from "./src/worker/worker.ts";
const double = defineTask({ type: "double", run: (i:{n:number})=>i.n });
await using fabric = await testFabric({clock:"real"});
const client = fabric.task({ implementation: "double" });
const agent = fabric.agent();
await using w2 = createWorker(client, {tasks:[double], slots: 256});
for (const C of [1, 64, 256, 256]) {
  const N = C === 1 ? 3000 : 40000; let k=0; const t0 = performance.now();
  await Promise.all(Array.from({length:C}, async()=>{ while(k<N){ const n=k++; const h = await agent.createTask({task: double, input:{n}}); await h.result(); } }));
  const ms=performance.now()-t0; console.log(C, Math.round(N/ms*1000),"tasks/s");
}
