/**
 * A party that stops reading: `sleeper.ts <fabric> <url> <index>`. Its whole event loop stands still then, so that its socket
 * fills up as that of a program which hangs. It ends by itself, whatever became of those who started it.
 */
import process from "node:process";
import { load } from "./lib/fabrics.ts";

/** Longer than any cell. */
const SLEEP_MS = 20_000;

const [fabric, url, index] = process.argv.slice(2);
const party = await (await load(fabric, "relay")).join!(url, Number(index));
party.onMessage(() => {});
process.stdin.on("end", () => process.exit(0));
process.stdin.on("data", () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLEEP_MS);
  process.exit(0);
});
process.stdout.write("{}\n");
