/** What the drivers share whose runtime can only dial: a gateway in a process of its own, limits of time, the report. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";

export const root = path.resolve(import.meta.dirname, "../..");
const START_MS = 20_000;
/** From here on it is said how long a case took. */
const SLOW_MS = 1_000;

export function startGateway() {
  return spawn("bun", ["run", "test/drivers/gateway_process.ts"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
}

/** The addresses of a gateway, and of what opens more of them: `url` and `control`. */
export async function addressesOf(child) {
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`Cannot start the gateway: it ended with code ${code} before it named its address`);
  });
  const answer = once(lines, "line").then(([line]) => JSON.parse(line));
  return await within(START_MS, "the gateway to name its address", Promise.race([answer, ended]));
}

/** Ends a process by `kill(signal)`: kindly at first. */
export async function stop(child, kill = (signal) => child.kill(signal)) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  kill("SIGTERM");
  const timer = setTimeout(() => kill("SIGKILL"), 2_000);
  await gone;
  clearTimeout(timer);
}

export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${ms} ms for ${what}`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The text of one module with everything in it. */
export async function bundle(entry, conditions) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions,
    external: ["cloudflare:*"],
    alias: { "#dial": path.join(root, "src/runtime/dial_default.ts") },
    logLevel: "warning",
  });
  return outputFiles[0].text;
}

/** Says what became of every case, and how many; the answer is an exit code. */
export function report(results) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, outcome, detail, ms = 0 } of results) {
    count[outcome]++;
    const took = ms < SLOW_MS ? "" : ` (${(ms / 1000).toFixed(1)} s)`;
    console.log(`${outcome.padEnd(8)}${name}${took}${detail ? `\n        ${detail.replaceAll("\n", "\n        ")}` : ""}`);
  }
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed === 0 ? 0 : 1;
}
