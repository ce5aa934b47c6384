import { memoryStore } from "../../src/store/memory.ts";
import type { Case } from "../harness.ts";
import { bindStore, type Shelf, type StoreCase } from "./store_case.ts";
import { dedupeCases } from "./store_dedupe.ts";
import { kvCases } from "./store_kv.ts";
import { logCases } from "./store_log.ts";
import { taskCases } from "./store_tasks.ts";

/** Everything that every backend promises. */
export const contract: StoreCase[] = [...kvCases, ...logCases, ...dedupeCases, ...taskCases];

/** Memory: what is opened again is the same store. */
export function memoryShelf(options: { dedupeIds?: number } = {}): Shelf {
  const store = memoryStore(options);
  return { open: () => store, [Symbol.dispose]() {} };
}

/** The contract on the memory store, for runtimes that have no other. */
export const memoryStoreCases: Case[] = bindStore("memory", contract, memoryShelf);
