import { AgentClient } from "/work/main/src/client/agent.ts";
import { createGateway } from "/work/main/src/gateway/gateway.ts";
import { allowAll } from "/work/main/src/gateway/auth.ts";
import { memoryStore } from "/work/main/src/store/memory.ts";
import { serve } from "/work/main/src/runtime/deno.ts";
import { dial as own } from "/work/main/src/runtime/dial_deno.ts";
import { webSocketDial } from "/work/main/src/transport/websocket.ts";
const [role, url] = Deno.args;
if (role === "server") {
  const gateway = await createGateway({ store: memoryStore(), auth: allowAll() });
  const s = await serve(gateway);
  console.log(s.url);
} else {
  const out: Record<string, string[]> = {};
  const put = (k: string, v: string) => (out[k] ??= []).push(v);
  let n = 0;
  for (let round = 0; round < 4; round++) for (const [name, dial] of [["own", own], ["builtin", webSocketDial()]] as const) {
    const id = n++;
    const mk = (s: string) => new AgentClient({ dial, address: url, workspace: "w", implementation: "a" + id, specifier: s });
    const a = mk("1"), b = mk("2");
    b.onRequest((m) => m.payload);
    let got = 0;
    let waiting: (() => void)[] = []; let onWire = 0;
    b.onMessage(() => { got++; onWire--; waiting.shift()?.(); });
    for (const c of [a,b]) { c.onError((e)=>console.error("ERR",e.message)); c.onDisconnect((r)=>console.error("DISC",r)); c.onGap((g)=>console.error("GAP",g)); } await Promise.all([a.connect(), b.connect()]);
    // relay, window 100 
    for (const size of [256, 16384]) {
      const payload = new Uint8Array(size).fill(7);
      const budget = 1000, t0 = performance.now();
      let sent = 0;
      const lane = async () => { while (performance.now() - t0 < budget) { a.send({ targetTopic: b.topic, payload }).catch(() => {}); const p = new Promise<void>((r) => waiting.push(r)); await p; sent++; } };
      await Promise.all(Array.from({ length: 100 }, lane));
      const dt = performance.now() - t0;
      console.error(round,name,"relay",size,(sent/dt*1000).toFixed(0)); if (round) put(`${name} relay ${size} B window 100 msg/s`, (sent / dt * 1000).toFixed(0));
    }
    for (const [size, conc] of [[64, 1], [2000, 1], [16384, 1], [2000, 100], [64, 100]]) {
      const payload = new Uint8Array(size);
      const lat: number[] = []; const t0 = performance.now(); let k = 0;
      const lane = async () => { while (performance.now() - t0 < 800) { const s = performance.now(); await a.request(b.topic, payload); lat.push(performance.now() - s); k++; } };
      await Promise.all(Array.from({ length: conc }, lane));
      const dt = performance.now() - t0; console.error(round,name,"rr",size,conc,k); lat.sort((x, y) => x - y);
      if (round) put(`${name} req/reply ${size} B c${conc}`, `${(k / dt * 1000).toFixed(0)}/s p50 ${(lat[k >> 1] * 1000).toFixed(0)}us p99 ${(lat[Math.floor(k * .99)] * 1000).toFixed(0)}us`);
    }
    await Promise.all([a.disconnect(), b.disconnect()]);
  }
  for (const k of Object.keys(out).sort((x,y)=>x.split(" ").slice(1).join().localeCompare(y.split(" ").slice(1).join()))) console.log(k.padEnd(42), out[k].join(" | "));
  Deno.exit(0);
}
