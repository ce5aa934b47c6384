/** Structured bodies: ours beside msgpackr, on bodies as they travel. `bun run bench/codec.ts`; OUT=<file> writes JSON. */
import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import { Packr } from "msgpackr";
import { decodeStructured, encodeStructured } from "../src/protocol/structured.ts";
import { median } from "./lib/measure.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const packr = new Packr({ useRecords: false });
const bodies = {
  put: { op: "kv.put", in: { workspace: "prod", key: "some/key/12345", value: new Uint8Array(256), ttl: 60 } },
  reply: { found: true, revision: 123_456, value: new Uint8Array(256) },
  page: {
    entries: Array.from(
      { length: 200 },
      (_, n) => ({ key: `key/${n}`, value: new Uint8Array(100), revision: n * 1000 }),
    ),
  },
};
const codecs = {
  ours: { encode: encodeStructured, decode: decodeStructured },
  msgpackr: { encode: (value: unknown) => packr.pack(value), decode: (bytes: Uint8Array) => packr.unpack(bytes) },
};

const rows = Object.entries(bodies).map(([body, value]) => {
  const times = {
    ours: { encode: [] as number[], decode: [] as number[] },
    msgpackr: { encode: [] as number[], decode: [] as number[] },
  };
  const turns = Object.entries(codecs);
  const count = body === "page" ? 2_000 : 100_000;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { encode, decode }] of round % 2 ? turns.toReversed() : turns) {
      const bytes = encode(value);
      const own = times[name as keyof typeof codecs];
      own.encode.push(nanoseconds(count, () => encode(value)));
      own.decode.push(nanoseconds(count, () => decode(bytes)));
    }
  }
  const figure = (what: "encode" | "decode"): Record<string, number> => {
    const [ours, msgpackr] = [median(times.ours[what]), median(times.msgpackr[what])];
    return { ours, msgpackr, ratio: Math.round((ours / msgpackr) * 100) / 100 };
  };
  return { body, bytes: encodeStructured(value).length, encode_ns: figure("encode"), decode_ns: figure("decode") };
});
for (const row of rows) console.log(JSON.stringify(row));
if (process.env.OUT) {
  const runtime = "Deno" in globalThis ? "deno" : process.versions.bun ? "bun" : "node";
  const machine = {
    date: new Date().toISOString().slice(0, 10),
    cores: os.cpus().length,
    architecture: process.arch,
    runtime,
  };
  fs.writeFileSync(process.env.OUT, `${JSON.stringify({ machine, rounds: ROUNDS, rows }, null, 1)}\n`);
}

function nanoseconds(count: number, run: () => unknown): number {
  for (let warm = 0; warm < count / 4; warm++) run();
  const began = performance.now();
  for (let at = 0; at < count; at++) run();
  return Math.round(((performance.now() - began) / count) * 1e6);
}
