/**
 * A store in a process of its own, for tests that end it in the middle. It appends without a pause, ten messages a turn,
 * and says after each flush, a line each, how many are durable.
 */
import process from "node:process";
import { sqliteStore } from "../../src/runtime/sqlite.ts";

const store = sqliteStore(process.argv[2]);
process.stdin.on("end", () => process.exit(0)).resume();

let count = 0;
const turn = (): void => {
  for (let at = 0; at < 10; at++) {
    store.log.append(`lane ${count % 3}`, new TextEncoder().encode(`message ${count}`), Date.now(), 0);
    store.kv.put("counts", "all", new TextEncoder().encode(String(++count)), { now: Date.now() });
    store.dedupe.advance("producer", count, Date.now());
  }
  store.flush();
  process.stdout.write(`${count}\n`);
  setImmediate(turn);
};
turn();
