import { defineTask } from "@aether-edge/sdk/worker";
export const nap = defineTask({ type: "nap", run: async (input: { ms: number }, ctx) => { await new Promise((r, j) => { const t = setTimeout(r, input.ms); ctx.signal.addEventListener("abort", () => { clearTimeout(t); j(ctx.signal.reason); }); }); return "slept " + input.ms; } });
export const spin = defineTask({ type: "spin", run: (input: { ms: number }) => { const t = Date.now(); while (Date.now() - t < input.ms); return "spun"; } });
export const crash = defineTask({ type: "crash", run: (input: { how: string }) => { if (input.how === "exit") setTimeout(() => { throw new Error("boom"); }, 1); return new Promise(() => {}); } });
export const id = defineTask({ type: "id", run: (input: number, ctx) => { ctx.log.info("n", { input }); return input; } });
