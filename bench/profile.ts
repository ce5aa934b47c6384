/**
 * Where a gateway's time goes under one figure: `bun run bench/profile.ts <scenario> <figure> <memory|sqlite> [bun|deno]`,
 * for instance `kv put_100_per_s sqlite`. `MS` (2000), `TOP` (15).
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { command, line, type Runtime, start } from "./lib/child.ts";
import type { Ready } from "./lib/ready.ts";

interface Node {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}
interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const [scenario, figure, store, runtime = "bun"] = process.argv.slice(2);
const TOP = Number(process.env.TOP ?? 15);
process.env.FIGURE = figure;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-profile-"));
const flags = ["--cpu-prof", `--cpu-prof-dir=${folder}`];
const gateway = start([...command(runtime as Runtime, flags), "bench/gateway.ts", store, folder]);
try {
  const { url, meter } = JSON.parse(await line(gateway, "{")) as Ready;
  const args = ["bench/client.ts", scenario, "ours", url, meter, process.env.MS ?? "2000"];
  console.log(await line(start([...command("bun"), ...args]), "{"));
  const gone = new Promise((resolve) => gateway.once("exit", resolve));
  gateway.stdin!.end();
  await gone;
  const file = fs.readdirSync(folder).find((name) => name.endsWith(".cpuprofile"));
  if (!file) throw new Error("the gateway has left no profile");
  if (process.env.OUT) fs.copyFileSync(path.join(folder, file), process.env.OUT);
  print(JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")) as Profile);
} finally {
  gateway.kill("SIGKILL");
  fs.rmSync(folder, { recursive: true });
}
process.exit(0);

/** Self time by function; what waits is left out. What the runtime itself does is told with whoever called it. */
function print({ nodes, samples, timeDeltas }: Profile): void {
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node] as const)));
  const isOurs = ({ callFrame: { url } }: Node): boolean => url.includes("/");
  const nameOf = (node: Node): string => {
    const { functionName, url, lineNumber } = node.callFrame;
    const own = functionName || "(anonymous)";
    if (isOurs(node)) return `${own} ${url.replace(/^.*\/(?=(src|node_modules|bench)\/)/, "")}:${lineNumber + 1}`;
    let caller = parents.get(node.id);
    while (caller && !isOurs(caller)) caller = parents.get(caller.id);
    return caller && !own.startsWith("(") ? `${own} < ${nameOf(caller)}` : own;
  };
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const selves = new Map<string, number>();
  let [busy, total] = [0, 0];
  samples.forEach((id, at) => {
    const name = names.get(id)!;
    total += timeDeltas[at];
    if (/^\((idle|program|root)\)/.test(name)) return;
    selves.set(name, (selves.get(name) ?? 0) + timeDeltas[at]);
    busy += timeDeltas[at];
  });
  console.log(`${runtime}, busy ${Math.round((100 * busy) / total)} % of the time; shares of that`);
  const sorted = [...selves].sort(([, a], [, b]) => b - a).slice(0, TOP);
  for (const [name, us] of sorted) console.log(`${((100 * us) / busy).toFixed(1).padStart(5)} %  ${name}`);
}
