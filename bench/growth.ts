/**
 * The same work with ten, a hundred and a thousand times as much there already: stored messages, lanes, queued tasks,
 * connections. `bun run bench/growth.ts [--full]`: some minutes; `--only stored,lanes,tasks,connections`.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { measure } from "./lib/cell.ts";
import { command, ROOT, type Runtime } from "./lib/child.ts";
import { type Series, seriesOf } from "./lib/growth.ts";
import { describe } from "./lib/machine.ts";
import { median } from "./lib/measure.ts";
import { options } from "./lib/options.ts";

const { isFull, only, rounds, ms, out } = options(process.argv.slice(2));
const CONNECTIONS = [10, 100, 1000, 10_000];
const TIMEOUT_MS = 300_000;
const isAsked = (name: string): boolean => only?.includes(name) ?? true;

const began = performance.now();
const machine = describe();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-growth-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
const series: Series[] = [];
for (const runtime of ["bun", "deno"] as const) {
  if (isAsked("stored") || isAsked("lanes")) add(ofStore(runtime, await figuresOf(runtime, "bench/store.ts", {})));
  const most = isFull ? "1000000" : "100000";
  if (isAsked("tasks")) {
    add(ofTasks(runtime, await figuresOf(runtime, "bench/tasks_growth.ts", { LEAST: "100", MOST: most })));
  }
  if (isAsked("connections")) add(await ofConnections(runtime));
}
const whole = !only;
const name = `${machine.date}-growth${isFull ? "" : "-short"}.json`;
if (whole) {
  fs.mkdirSync(out, { recursive: true });
  const mode = isFull ? "full" : "short";
  const all = { group: "growth", mode, machine, rounds, msPerFigure: ms, series };
  fs.writeFileSync(new URL(name, out), `${JSON.stringify(all, null, 1)}\n`);
}
console.log(`${Math.round((performance.now() - began) / 1000)} s`);
process.exit(0);

function add(found: readonly Series[]): void {
  for (const one of found) {
    series.push(one);
    const points = one.points.map(({ at, us }) => `${at}: ${us.toFixed(2)}`).join("  ");
    const figures = `×${one.ratio.toFixed(2)}, slope ${one.slope.toFixed(3)}`;
    console.log(`${one.name.padEnd(24)}${one.runtime.padEnd(6)}${figures.padEnd(24)}µs by ${one.of}: ${points}`);
  }
}

/** Runs another bench in a process of its own, and reads what it wrote. */
async function figuresOf(runtime: Runtime, bench: string, env: Record<string, string>): Promise<unknown> {
  const file = path.join(folder, `${runtime}.json`);
  const [binary, ...args] = [...command(runtime), bench];
  const child = spawn(binary, args, {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
    env: { ...process.env, ROUNDS: String(rounds), MS: String(ms), ...env, OUT: file },
  });
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  process.off("exit", end);
  if (code !== 0) throw new Error(`${bench} on ${runtime} ended with ${code}`);
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

function ofStore(runtime: Runtime, all: unknown): Series[] {
  const { figures } = all as { figures: Record<string, number> };
  const points = (pattern: RegExp): { at: number; us: number }[] =>
    Object.entries(figures).flatMap(([key, us]) => {
      const at = pattern.exec(key)?.[1];
      return at ? [{ at: Number(at), us }] : [];
    });
  return [
    seriesOf("message, stored", runtime, "stored messages", points(/^stored_(\d+)_us$/)),
    seriesOf("full lane, stored", runtime, "stored messages", points(/^stored_(\d+)_ring_us$/)),
    // Of a thousand no lane has a hundred to read.
    seriesOf("read of 100, stored", runtime, "stored messages", points(/^stored_(\d{5,})_read_us$/)),
    seriesOf("message, lanes", runtime, "lanes", points(/^lanes_(\d+)_us$/)),
  ];
}

function ofTasks(runtime: Runtime, all: unknown): Series[] {
  const { rows } = all as { rows: { waiting: number; keys: number; create: number; work: number }[] };
  const plain = rows.filter(({ keys }) => keys === 1);
  return (["create", "work"] as const).map((what) => {
    const points = plain.map((row) => ({ at: row.waiting, us: row[what] }));
    return seriesOf(`task, ${what === "work" ? "given and settled" : "made"}`, runtime, "queued tasks", points);
  });
}

/** Two parties relay while the others do nothing. */
async function ofConnections(runtime: Runtime): Promise<Series[]> {
  const found = new Map<number, number[]>(CONNECTIONS.map((count) => [count, []]));
  for (let round = 0; round < rounds; round++) {
    for (const count of round % 2 ? CONNECTIONS.toReversed() : CONNECTIONS) {
      const cell = { scenario: `idle:${count}`, gateway: runtime, clients: "bun", store: "memory" } as const;
      const figures = await measure(cell, "ours", { ms, timeoutMs: 90_000 });
      found.get(count)!.push(1e6 / figures.messages_per_s);
    }
  }
  const points = [...found].map(([at, values]) => ({ at, us: median(values) }));
  return [seriesOf("relay, connections", runtime, "connections", points)];
}
