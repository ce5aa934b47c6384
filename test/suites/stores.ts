import type { Case } from "../harness.ts";
import { bindStore } from "./store_case.ts";
import { contract, memoryStoreCases } from "./store_contract.ts";
import { faultCases } from "./store_faults.ts";
import { propertyCases } from "./store_properties.ts";
import { fileShelf, smallShelf } from "./store_shelf.ts";
import { sqliteCases } from "./store_sqlite.ts";

/** The contract on every backend, and what each of them promises beyond it; for runtimes with files and SQLite. */
export const storeSuites: Case[] = [
  ...memoryStoreCases,
  ...bindStore("sqlite", contract, fileShelf),
  ...bindStore("small sqlite", contract, smallShelf),
  ...sqliteCases,
  ...faultCases,
  ...propertyCases,
];
