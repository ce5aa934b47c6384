/** What serves on this runtime. */
export async function loadRim(runtime: string): Promise<typeof import("../../src/runtime/bun.ts")> {
  if (runtime === "bun") return await import("../../src/runtime/bun.ts");
  if (runtime === "deno") return await import("../../src/runtime/deno.ts");
  return await import("../../src/runtime/node.ts");
}
