/** Runs the client suites inside workerd, against a real gateway in a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { Miniflare } from "miniflare";

const root = path.resolve(import.meta.dirname, "../..");
const START_MS = 20_000;
const RUN_MS = 240_000;

function startGateway() {
  return spawn("bun", ["run", "test/drivers/gateway_process.ts"], { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
}

async function addressOf(child) {
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`Cannot start the gateway: it ended with code ${code} before it named its address`);
  });
  const answer = once(lines, "line").then(([line]) => JSON.parse(line).url);
  return await within(START_MS, "the gateway to name its address", Promise.race([answer, ended]));
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 2_000);
  await gone;
  clearTimeout(timer);
}

async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${ms} ms for ${what}`)), ms);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function bundle() {
  const dial = path.join(root, "src/runtime/dial_default.ts");
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["test/drivers/workerd_entry.ts"],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", ...(fs.existsSync(dial) ? [] : ["#dial"])],
    alias: fs.existsSync(dial) ? { "#dial": dial } : {},
    logLevel: "warning",
  });
  return outputFiles[0].text;
}

function report(results) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, outcome, detail } of results) {
    count[outcome]++;
    console.log(`${outcome.padEnd(8)}${name}${detail ? `\n        ${detail.replaceAll("\n", "\n        ")}` : ""}`);
  }
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed === 0 ? 0 : 1;
}

// workerd is killed at the end and would leave its folder behind: give it one that we remove.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-workerd-"));
process.env.TMPDIR = folder;
const gateway = startGateway();
const interrupted = () => {
  gateway.kill("SIGTERM");
  fs.rmSync(folder, { recursive: true, force: true });
  process.exit(130); // miniflare ends its workerd as this process exits
};
process.on("SIGINT", interrupted).on("SIGTERM", interrupted);

let miniflare;
let code = 1;
try {
  const url = await addressOf(gateway);
  miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    modules: [{ type: "ESModule", path: path.join(folder, "entry.mjs"), contents: await bundle() }],
    modulesRoot: folder,
    compatibilityDate: "2026-07-01",
  });
  const query = new URLSearchParams({ gateway: url });
  const response = await within(RUN_MS, "the cases to end", miniflare.dispatchFetch(`http://localhost/?${query}`));
  if (!response.ok) {
    throw new Error(`Cannot run the cases: workerd answered ${response.status} ${await response.text()}`);
  }
  code = report(await response.json());
} catch (error) {
  console.error(error);
} finally {
  await miniflare?.dispose().catch((error) => console.error(error));
  await stop(gateway);
  fs.rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
