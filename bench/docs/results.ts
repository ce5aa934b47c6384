/** The results that there are: the latest of each group, a full run before a short one. */
import fs from "node:fs";
import type { Series } from "../lib/growth.ts";
import { type CellResult, type Row, rowsOf } from "../lib/report.ts";
import type { MicroRow } from "../micro/loop.ts";
import type { Size } from "../size.ts";

/** What every file of results has. */
export interface Result {
  readonly group: string;
  readonly file: string;
  readonly mode?: "full" | "short";
  readonly runtime?: string;
  readonly machine: Readonly<Record<string, unknown>>;
  readonly rounds: number;
  readonly msPerFigure: number;
}
/** Cells of the matrix. */
export interface Matrix extends Result {
  readonly rows: readonly Row[];
  readonly cells: readonly CellResult[];
  readonly size?: Size;
}
/** Series that grow. */
export interface Growth extends Result {
  readonly series: readonly Series[];
}
/** Parts by themselves. */
export interface Micro extends Result {
  readonly rows: readonly MicroRow[];
}
/** All of them. */
export interface Results {
  readonly matrix: readonly Matrix[];
  readonly growth?: Growth;
  readonly micro: readonly Micro[];
}

const ORDER = ["fabric", "grid", "state", "tasks", "http", "life"];

/** Reads a folder. Files without a group are of an older shape, and stay what they are: history. */
export function load(folder: URL): Results {
  const all = fs.readdirSync(folder).filter((name) => name.endsWith(".json")).sort().map((file) => ({
    ...JSON.parse(fs.readFileSync(new URL(file, folder), "utf8")) as Result,
    file,
  }));
  const latest = new Map<string, Result>();
  for (const one of all.filter(({ group }) => group)) {
    const key = `${one.group} ${one.runtime ?? ""}`;
    const known = latest.get(key);
    if (!(known?.mode === "full" && one.mode === "short")) latest.set(key, one);
  }
  const found = [...latest.values()];
  // From the samples: bounds are those of today, whenever it was measured.
  const matrix = found.filter(({ group }) => ORDER.includes(group))
    .map((one) => ({ ...one as Matrix, rows: (one as Matrix).cells.flatMap(rowsOf) }));
  return {
    matrix: matrix.sort((a, b) => ORDER.indexOf(a.group) - ORDER.indexOf(b.group)),
    growth: found.find(({ group }) => group === "growth") as Growth | undefined,
    micro: found.filter(({ group }) => group === "micro") as Micro[],
  };
}
