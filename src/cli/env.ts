import process from "node:process";

interface DenoLike {
  permissions: { querySync(of: { name: string; variable: string }): { state: string } };
}

/** A variable of the environment; undefined when it is not set, is empty, or may not be read. Deno does not ask for it. */
export function readEnv(name: string): string | undefined {
  const deno = (globalThis as { Deno?: DenoLike }).Deno;
  if (deno && deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") return undefined;
  return process.env[name] || undefined;
}
