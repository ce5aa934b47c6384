/**
 * What the SQLite store costs against bare inserts with the same settings, and how that grows with what is stored and with
 * the number of lanes. `bun run bench/store.ts` or `deno run -A bench/store.ts`, under a minute; `OUT=<file>` writes JSON.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { configure, openDatabase } from "../src/runtime/sqlite_driver.ts";
import { sqliteStore } from "../src/runtime/sqlite.ts";
import { memoryStore } from "../src/store/memory.ts";
import type { Store } from "../src/store/store.ts";
import { median, percentile } from "./lib/measure.ts";
import { payload } from "./lib/scenario.ts";

/** Changes that one flush makes durable. */
const GROUP = 100;
const MS = Number(process.env.MS ?? 600);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const LANES = [10, 100, 1000, 10_000];
const STORED = [1000, 10_000, 100_000, 1_000_000];

const began = performance.now();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "aether-bench-"));
let files = 0;
const fresh = (): string => path.join(folder, `${files++}.db`);
const bytes = payload();
const figures: Record<string, number> = {};

try {
  const samples: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(scenarios())) (samples[name] ??= []).push(await run());
    for (const [name, value] of Object.entries(await growthOfLanes())) (samples[name] ??= []).push(value);
  }
  for (const [name, values] of Object.entries(samples)) figures[name] = median(values);
  await growthOfStored();
} finally {
  fs.rmSync(folder, { recursive: true });
}
print();

function scenarios(): Record<string, () => number | Promise<number>> {
  return {
    control_per_s: control,
    messages_per_s: () => within(sqliteStore(fresh()), (store) => 1e6 / traffic(store, 100).us),
    messages_memory_per_s: () => within(memoryStore(), (store) => 1e6 / traffic(store, 100).us),
    kv_put_per_s: () => within(sqliteStore(fresh()), puts),
    kv_get_per_s: () => within(sqliteStore(fresh()), gets),
  };
}

async function within<T>(store: Store, run: (store: Store) => T): Promise<T> {
  try {
    return run(store);
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

/** Calls something for a while, after a tenth of that for warming up; how often a second, in groups. */
function perSecond(group: () => void): number {
  for (const end = performance.now() + MS / 10; performance.now() < end;) group();
  const start = performance.now();
  let groups = 0;
  while (performance.now() - start < MS) {
    group();
    groups++;
  }
  return (groups * GROUP * 1000) / (performance.now() - start);
}

/** Rows of one table without an index, one statement each, a hundred in a transaction. */
function control(): number {
  const database = openDatabase(fresh());
  configure(database, "normal");
  database.exec("CREATE TABLE records (id INTEGER PRIMARY KEY, lane INTEGER, at INTEGER, bytes BLOB)");
  const insert = database.prepare("INSERT INTO records (lane, at, bytes) VALUES (?, ?, ?)");
  const [begin, commit] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")];
  const rate = perSecond(() => {
    begin.run();
    for (let at = 0; at < GROUP; at++) insert.run(at, 1_700_000_000_000, bytes);
    commit.run();
  });
  database.close();
  return rate;
}

/** Every message is appended and counted in one turn, and handled and trimmed in the next, as at a gateway that keeps up. */
function traffic(store: Store, lanes: number, prefix = "ag::prod::worker::"): { us: number; p99: number } {
  const { log, dedupe } = store;
  const names = Array.from({ length: lanes }, (_, at) => `${prefix}${at}`);
  const numbers = new Array<number>(lanes).fill(0);
  let handled: [lane: string, sequence: number][] = [];
  let seed = 1;
  const turns: number[] = [];
  const rate = perSecond(() => {
    const start = performance.now();
    const now = 1_700_000_000_000 + turns.length;
    const taken: typeof handled = [];
    for (let at = 0; at < GROUP; at++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const lane = Math.floor((seed / 2147483648) * lanes);
      taken.push([names[lane], log.append(names[lane], bytes, now, 0)]);
      dedupe.advance(names[lane], ++numbers[lane], now);
    }
    for (const [lane, sequence] of handled) {
      log.commit(lane, lane, sequence, now);
      log.trim(lane, sequence);
    }
    handled = taken;
    store.flush();
    turns.push(performance.now() - start);
  });
  return { us: 1e6 / rate, p99: percentile(turns, 0.99) };
}

function key(at: number): string {
  return `checkpoint/${at % 10_000}`;
}

function puts(store: Store): number {
  let at = 0;
  return perSecond(() => {
    for (let count = 0; count < GROUP; count++) store.kv.put("prod", key(at++ * 7919), bytes, { now: 1 });
    store.flush();
  });
}

function gets(store: Store): number {
  for (let at = 0; at < 10_000; at++) store.kv.put("prod", key(at), bytes, { now: 1 });
  store.flush();
  let at = 0;
  return perSecond(() => {
    for (let count = 0; count < GROUP; count++) store.kv.get("prod", key(at++ * 7919), 1);
  });
}

/**
 * The least that a message of many lanes takes: rows in batches of sixteen, one row a turn of what the turn changed of lanes,
 * cursors and producers, nothing read, nothing brought home, and plain objects found by name.
 */
function lanesControl(lanes: number): number {
  const database = openDatabase(fresh());
  configure(database, "normal");
  database.exec(
    "CREATE TABLE records (id INTEGER PRIMARY KEY, lane INTEGER, sequence INTEGER, at INTEGER, bytes BLOB)",
  );
  database.exec("CREATE TABLE turns (id INTEGER PRIMARY KEY, changes TEXT)");
  const rows = 20;
  const insert = database.prepare(
    `INSERT INTO records (id, lane, sequence, at, bytes) VALUES ${Array(rows).fill("(?, ?, ?, ?, ?)").join(", ")}`,
  );
  const note = database.prepare("INSERT INTO turns (id, changes) VALUES (?, ?)");
  const forget = [
    database.prepare("DELETE FROM records WHERE id <= ?"),
    database.prepare("DELETE FROM turns WHERE id <= ?"),
  ];
  const [begin, commit] = [database.prepare("BEGIN IMMEDIATE"), database.prepare("COMMIT")];
  const known = new Map<string, { id: number; last: number; handled: number; producer: number; turn: number }>();
  const names = Array.from({ length: lanes }, (_, at) => `ag::prod::worker::${at}`);
  for (const name of names) known.set(name, { id: known.size, last: 0, handled: 0, producer: 0, turn: 0 });
  let [id, turn, seed] = [0, 0, 1];
  let before = new Set<string>();
  const rate = perSecond(() => {
    turn++;
    begin.run();
    const changed = new Set<string>();
    let args: (number | Uint8Array)[] = [];
    for (let at = 0; at < GROUP; at++) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      const name = names[Math.floor((seed / 2147483648) * lanes)];
      const lane = known.get(name)!;
      lane.producer++;
      changed.add(name);
      args.push(++id, lane.id, ++lane.last, turn, bytes);
      if (args.length < rows * 5) continue;
      insert.run(...args);
      args = [];
    }
    const changes: number[] = [];
    for (const name of before) {
      const lane = known.get(name)!;
      lane.handled = lane.last;
      changes.push(lane.id, lane.handled, lane.last, 0, 0, lane.id, 0, lane.handled, 0);
    }
    for (const name of changed) {
      const lane = known.get(name)!;
      changes.push(lane.id, lane.handled, lane.last, 1, bytes.length, lane.id, lane.producer, 0);
    }
    before = changed;
    note.run(turn, JSON.stringify(changes));
    if (turn % 16 === 0) {
      forget[0].run(id - 8192);
      forget[1].run(turn - 1000);
    }
    commit.run();
  });
  database.close();
  return 1e6 / rate;
}

async function growthOfLanes(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const lanes of [LANES[0], LANES.at(-1)!]) found[`lanes_${lanes}_control_us`] = lanesControl(lanes);
  for (const lanes of LANES) {
    await within(sqliteStore(fresh()), (store) => {
      // Each lane and producer has been there before: what is measured is their number, not their making.
      for (let at = 0; at < lanes; at++) {
        const name = `ag::prod::worker::${at}`;
        store.log.trim(name, store.log.append(name, bytes, 1, 0));
        store.log.commit(name, name, 1, 1);
        store.dedupe.advance(name, 0, 1);
        if (at % GROUP === 0) store.flush();
      }
      store.flush();
      const { us, p99 } = traffic(store, lanes);
      found[`lanes_${lanes}_us`] = us;
      found[`lanes_${lanes}_turn_p99_ms`] = p99;
    });
  }
  return found;
}

async function growthOfStored(): Promise<void> {
  const file = fresh();
  let stored = 0;
  for (const goal of STORED) {
    const store = sqliteStore(file);
    const start = performance.now();
    const before = stored;
    for (; stored < goal; stored++) {
      store.log.append(`absent::${stored % 100}`, bytes, 1, 0);
      if (stored % GROUP === 0) store.flush();
    }
    store.flush();
    figures[`stored_${goal}_fill_us`] = (performance.now() - start) * 1000 / (goal - before);
    await store[Symbol.asyncDispose]();

    const opening = performance.now();
    await within(sqliteStore(file), (store) => {
      figures[`stored_${goal}_open_ms`] = performance.now() - opening;
      const { us, p99 } = traffic(store, 100);
      figures[`stored_${goal}_us`] = us;
      figures[`stored_${goal}_turn_p99_ms`] = p99;
      figures[`stored_${goal}_ring_us`] = ring(store);
      figures[`stored_${goal}_read_us`] = reads(store);
    });
  }
}

/** Full lanes that lose their oldest message for every new one. */
function ring({ log, flush }: Store): number {
  let at = 0;
  const rate = perSecond(() => {
    for (let count = 0; count < GROUP; count++, at++) {
      const lane = `absent::${at % 100}`;
      log.append(lane, bytes, 1, 0);
      log.trim(lane, log.extent(lane).first);
    }
    flush();
  });
  return 1e6 / rate;
}

/** Somebody comes back and reads what lay there, a window at a time. */
function reads({ log }: Store): number {
  let at = 0;
  const rate = perSecond(() => {
    const lane = `absent::${at++ % 100}`;
    if ((log.read(lane, log.extent(lane).first + 5, GROUP) as unknown[]).length === 0) {
      throw new Error("nothing to read");
    }
  });
  return 1e6 / Math.min(rate, Infinity);
}

function print(): void {
  const runtime = process.versions.bun ? "bun" : "deno";
  const { Deno } = globalThis as { Deno?: { version: { deno: string } } };
  const machine = {
    date: new Date().toISOString().slice(0, 10),
    cores: os.cpus().length,
    architecture: process.arch,
    platform: process.platform,
    [runtime]: process.versions.bun ?? Deno?.version.deno,
  };
  const control = figures.control_per_s;
  const ratios: Record<string, number> = {};
  for (const [name, value] of Object.entries(figures)) {
    if (name.endsWith("_per_s")) ratios[name.replace(/_per_s$/, "_to_control")] = value / control;
  }
  const first = (name: string): number => figures[name];
  ratios.growth_lanes = first("lanes_10000_us") / first("lanes_10_us");
  ratios.growth_lanes_control = first("lanes_10000_control_us") / first("lanes_10_control_us");
  ratios.growth_stored = first("stored_1000000_us") / first("stored_1000_us");
  ratios.growth_stored_ring = first("stored_1000000_ring_us") / first("stored_1000_ring_us");
  const seconds = (performance.now() - began) / 1000;
  for (const [name, value] of Object.entries({ ...figures, ...ratios })) {
    console.log(
      `${name.padEnd(32)} ${Math.abs(value) < 100 ? value.toFixed(2) : Math.round(value).toLocaleString("en-US")}`,
    );
  }
  console.log(`${JSON.stringify(machine)} ${seconds.toFixed(0)} s`);
  if (process.env.OUT) {
    fs.writeFileSync(process.env.OUT, `${JSON.stringify({ machine, seconds, ratios, figures }, null, 1)}\n`);
  }
}
