import { AgentClient } from "@aether-edge/sdk";
const [address, what, n, input] = process.argv.slice(2);
const a = new AgentClient({ address, workspace: "w", implementation: "a", specifier: "x" + Math.random() });
await a.connect();
const t0 = performance.now();
const handles = await Promise.all(Array.from({ length: +n }, () => a.createTask({ taskType: what, input: JSON.parse(input), targetImplementation: "p" , retryPolicy: { maxAttempts: 3, initialDelayMs: 100 }})));
const res = await Promise.allSettled(handles.map((h) => h.result()));
const by: Record<string, number> = {};
for (const r of res) { const k = r.status === "fulfilled" ? JSON.stringify(r.value) : r.reason.name + ": " + r.reason.message.replace(/"[^"]*"/, "_"); by[k] = (by[k] ?? 0) + 1; }
console.log(Object.entries(by).slice(0, 5), Math.round(performance.now() - t0), "ms");
await a.disconnect();
