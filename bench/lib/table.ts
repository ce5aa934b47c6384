/** Rows as text for a terminal. */
import type { Fabric } from "./cell.ts";
import { type Bound, type Row, type Spread, verdict } from "./report.ts";

/** The rows as text: ours, then each of the others with the ratio of ours to it. */
export function table(rows: readonly Row[]): string {
  const head = [
    "scenario",
    "store",
    "gateway",
    "clients",
    "figure",
    "ours",
    "others (ratio of ours to them)",
    "bounds",
  ];
  const lines = rows.map((row) => {
    const others = (Object.keys(row.ratios) as Fabric[]).map((name) =>
      `${name} ${number(row.figures[name])} (${ratio(row.ratios[name], row.ratioSpread[name])})`
    );
    return [
      row.scenario,
      row.store,
      row.gateway,
      row.clients,
      row.figure,
      number(row.figures.ours),
      others.join("  "),
      row.bounds.map(said).join("  "),
    ];
  });
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column].length)));
  const text = (line: string[]): string => line.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd();
  return [head, ...lines].map(text).join("\n");
}

/** A bound as text. */
export function said(bound: Bound): string {
  const { against, atMost, floor, goal } = bound;
  const sign = atMost ? "<=" : ">=";
  const limits = [floor === undefined ? "" : `${sign} ${floor}`, goal === undefined ? "" : `goal ${sign} ${goal}`];
  return `${verdict(bound)}: ${limits.filter(Boolean).join(", ")}${against === "number" ? "" : ` ${against}`}`;
}

/** A figure as text. */
export function number(value: number | undefined): string {
  if (value === undefined || value === null) return "";
  return Math.abs(value) < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString("en-US");
}

function ratio(value: number | undefined, spread: Spread | undefined): string {
  if (value === undefined) return "";
  return `${value.toFixed(2)}${spread ? `, ${spread[0].toFixed(2)}–${spread[1].toFixed(2)}` : ""}`;
}
