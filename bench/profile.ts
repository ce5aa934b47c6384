/**
 * Where a gateway's time goes under one scenario: `bun run bench/profile.ts <scenario> [figure|-] [memory|sqlite]
 * [bun|deno] [--write]`, for instance `kv put_100_per_s sqlite`. `MS` (2000), `TOP` (15), `OUT=<file>` keeps the profile.
 * `--write` lays a flame graph and a summary into docs/bench/.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { flame } from "./docs/flame.ts";
import { command, line, type Runtime, start } from "./lib/child.ts";
import type { Job } from "./lib/job.ts";
import { commitOf } from "./lib/machine.ts";
import { type Profile, read, type Reading } from "./lib/profile.ts";
import type { Ready } from "./lib/ready.ts";

const words = process.argv.slice(2);
const isWriting = words.includes("--write");
const [scenario, figure = "-", store = "memory", runtime = "bun"] = words.filter((word) => word !== "--write");
if (!scenario) throw new Error("npm run bench:profile -- <scenario> [figure|-] [memory|sqlite] [bun|deno] [--write]");
const TOP = Number(process.env.TOP ?? 15);
const TIMEOUT_MS = 60_000;
if (figure !== "-") process.env.FIGURE = figure;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-profile-"));
const flags = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
const gateway = start([...command(runtime as Runtime, flags), "bench/gateway.ts", store, folder]);
process.on("exit", () => {
  gateway.kill("SIGKILL");
  fs.rmSync(folder, { recursive: true, force: true });
});
setTimeout(() => process.exit(1), TIMEOUT_MS);

const ready = JSON.parse(await line(gateway, "{")) as Ready;
const job: Job = { scenario, fabric: "ours", ...ready, ms: Number(process.env.MS ?? 2000), bootMs: 0 };
const figures = await line(start([...command("bun"), "bench/client.ts", JSON.stringify(job)]), "{");
const gone = new Promise((resolve) => gateway.once("exit", resolve));
gateway.stdin!.end();
await gone;
const file = fs.readdirSync(folder).find((name) => name.endsWith(".cpuprofile"));
if (!file) throw new Error("the gateway has left no profile");
if (process.env.OUT) fs.copyFileSync(path.join(folder, file), process.env.OUT);
const reading = read(JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")) as Profile);
console.log(figures);
console.log(summary(reading));
if (isWriting) write(reading);
process.exit(0);

function summary({ busy, selves }: Reading): string {
  const head = `${runtime}, busy ${Math.round(100 * busy)} % of the time; shares of that by self time`;
  const lines = selves.slice(0, TOP).map(([name, share]) => `${(100 * share).toFixed(1).padStart(5)} %  ${name}`);
  return [head, ...lines].join("\n");
}

function write(reading: Reading): void {
  const docs = new URL("../docs/bench/", import.meta.url);
  fs.mkdirSync(docs, { recursive: true });
  const name = `flame-${scenario.replace(":", "-")}${figure === "-" ? "" : `-${figure}`}-${runtime}`;
  const title = `${scenario}${
    figure === "-" ? "" : ` ${figure}`
  }, ${store}, gateway on ${runtime}, commit ${commitOf()}`;
  fs.writeFileSync(new URL(`${name}.svg`, docs), flame(reading, title));
  fs.writeFileSync(new URL(`${name}.txt`, docs), `${title}\n${summary(reading)}\n`);
  console.log(`docs/bench/${name}.svg and .txt are written`);
}
