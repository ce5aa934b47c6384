/** Everything CI asks, in one command: a line per step, the output of a step only when it failed. */
import { spawnSync } from "node:child_process";
import { root } from "./entries.mjs";

const steps = [
  ["format", "fmt:check"],
  ["lint", "lint"],
  ["types", "types"],
  ["layers and exports", "test:policy"],
  ["lock file", "lock"],
  ["publish dry run", "jsr"],
  ["docs", "docs:lint"],
  ["build", "build"],
  ["tests", "test"],
];

let failed = 0;
for (const [title, script] of steps) {
  const began = performance.now();
  const { status, stdout, stderr, error } = spawnSync("npm", ["run", "-s", script], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (status !== 0) {
    failed++;
    process.stdout.write(`${stdout ?? ""}${stderr ?? ""}${error ? `${error}\n` : ""}`);
  }
  const last = script === "test" ? `  ${(stdout ?? "").trim().split("\n").at(-1)}` : "";
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${title.padEnd(20)} ${seconds.padStart(6)} s${last}`);
}
process.exitCode = failed === 0 ? 0 : 1;
