/**
 * All tests on all runtimes, and of the package as npm packs it. Ends with "N passed, N failed". ONLY=deno,bun picks
 * some of them. Two run beside each other where there are the cores for it (JOBS=1: one after the other); what measures runs alone.
 * The runners disagree on what an empty run means, so what counts here is what they say they did.
 */
import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const TIMEOUT_MS = 900_000;
const JOBS = Number(process.env.JOBS ?? Math.min(2, os.availableParallelism()));
/** Times things: nothing else may run. */
const ALONE = "bench";

/** The last number `pattern` finds, for a summary comes after whatever the tests themselves printed. */
function last(output, pattern) {
  return Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);
}

/** Of the drivers that print the line of their own. */
const own = (output) => ({
  passed: last(output, /^(\d+) passed, \d+ failed, \d+ skipped$/gm),
  failed: last(output, /^\d+ passed, (\d+) failed, \d+ skipped$/gm),
  skipped: last(output, /^\d+ passed, \d+ failed, (\d+) skipped$/gm),
});

const counters = {
  deno: (output) => ({
    passed: last(output, /^(?:ok|FAILED) \| (\d+) passed\b/gm),
    failed: last(output, /^(?:ok|FAILED) \| \d+ passed[^|\n]*\| (\d+) failed\b/gm),
    skipped: last(output, /^(?:ok|FAILED) \|.*\| (\d+) ignored\b/gm),
  }),
  bun: (output) => ({
    passed: last(output, /^\s*(\d+) pass$/gm),
    failed: last(output, /^\s*(\d+) fail$/gm),
    skipped: last(output, /^\s*(\d+) skip$/gm) + last(output, /^\s*(\d+) todo$/gm),
  }),
  node: (output) => ({
    // A file without any test is one passed test to Node, named after the file.
    passed: last(output, /^# pass (\d+)$/gm) - [...output.matchAll(/^ok \d+ - .*\bdist\W+test\W.*\.js$/gm)].length,
    failed: last(output, /^# fail (\d+)$/gm) + last(output, /^# cancelled (\d+)$/gm),
    skipped: last(output, /^# skipped (\d+)$/gm) + last(output, /^# todo (\d+)$/gm),
  }),
  workerd: own,
  chromium: own,
  package: own,
  bench: own,
};

/** Runs one script as the leader of a process group, so that a run that hangs can be ended with all it started. */
function run(script) {
  const isWindows = process.platform === "win32";
  const child = spawn("npm", ["run", "-s", script], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
    stdio: ["ignore", "pipe", "pipe"],
    detached: !isWindows,
    shell: isWindows,
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => output += text);
  child.stderr.setEncoding("utf8").on("data", (text) => output += text);
  const end = (signal) => isWindows ? child.kill(signal) : process.kill(-child.pid, signal);
  const onSignal = (signal) => {
    end(signal);
    process.exit(130);
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const timer = setTimeout(() => {
    output += `\nstill running after ${TIMEOUT_MS / 1000} s: ended\n`;
    end("SIGKILL");
  }, TIMEOUT_MS);
  return new Promise((resolve) => {
    const finish = (code) => {
      clearTimeout(timer);
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      resolve({ code, output });
    };
    child.on("close", (code) => finish(code ?? 1));
    child.on("error", (error) => {
      output += `${error}\n`;
      finish(1);
    });
  });
}

const only = process.env.ONLY?.split(",").map((name) => name.trim()).filter(Boolean);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const name of only ?? []) {
  if (name in counters) continue;
  console.log(`${name}: no such part, there are ${Object.keys(counters).join(", ")}`);
  total.failed++;
}

/** Runs one part and says what became of it. */
async function part(name) {
  const count = counters[name];
  const began = performance.now();
  const { code, output } = await run(`test:${name}`);
  const { passed, failed, skipped } = count(output);
  const missing = new RegExp(`^${name}: (skipped, .*)$`, "m").exec(output)?.[1];
  if (missing && code === 0) {
    console.log(`${name.padEnd(9)}${missing}`);
    return;
  }
  const isEmpty = passed + failed === 0;
  const isBroken = code !== 0 || failed > 0 || isEmpty;
  if (isBroken) process.stdout.write(`${output.trimEnd()}\n`);
  const why = code !== 0 ? `, exit code ${code}` : isEmpty ? ", no test ran" : "";
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`${name.padEnd(9)}${passed} passed, ${failed} failed, ${skipped} skipped${why} (${seconds} s)`);
  total.passed += passed;
  total.failed += isBroken ? Math.max(1, failed) : 0;
  total.skipped += skipped;
}

const parts = Object.keys(counters).filter((name) => !only || only.includes(name));
const queue = parts.filter((name) => name !== ALONE);
const work = async () => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) await part(name);
};
await Promise.all(Array.from({ length: JOBS }, work));
if (parts.includes(ALONE)) await part(ALONE);

// What was skipped, and where, stands in the lines above.
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
