/** From samples to rows: medians, spreads, ratios, and which floors and goals are met. */
import type { Cell, Fabric } from "./cell.ts";
import { FLOORS } from "./floors.ts";
import { median } from "./measure.ts";
import type { Figures } from "./scenario.ts";

/** All samples of one cell, one per round. */
export interface CellResult extends Cell {
  readonly samples: Partial<Record<Fabric, Figures[]>>;
  readonly errors: string[];
}

/** The least and the greatest. */
export type Spread = readonly [least: number, most: number];

/** A floor or a goal, and whether it is met. */
export interface Bound {
  readonly against: Fabric | "number";
  readonly atMost: boolean;
  readonly value: number;
  readonly floor?: number;
  readonly pass?: boolean;
  readonly goal?: number;
  readonly goalMet?: boolean;
}

/** One line of the table. */
export interface Row extends Cell {
  readonly figure: string;
  /** Medians of the rounds. */
  readonly figures: Partial<Record<Fabric, number>>;
  readonly spread: Partial<Record<Fabric, Spread>>;
  /** Ours to theirs: of the medians. */
  readonly ratios: Partial<Record<Fabric, number>>;
  /** Of the ratios of single rounds. */
  readonly ratioSpread: Partial<Record<Fabric, Spread>>;
  readonly bounds: readonly Bound[];
}

/** The rows of a cell. */
export function rowsOf(result: CellResult): Row[] {
  const { scenario, gateway, clients, store, samples } = result;
  const all = Object.entries(samples) as [Fabric, Figures[]][];
  const names = new Set(all.flatMap(([, rounds]) => rounds.flatMap((figures) => Object.keys(figures))));
  return [...names].map((figure) => {
    const values = (rounds: Figures[], name = figure): number[] =>
      rounds.map((figures) => figures[name]).filter(Number.isFinite);
    const [figures, spread, ratios, ratioSpread]: [
      Row["figures"],
      Row["spread"],
      Row["ratios"],
      Row["ratioSpread"],
    ] = [{}, {}, {}, {}];
    const ours = values(samples.ours ?? []);
    for (const [fabric, rounds] of all) {
      // Who has no connection of ours is asked by `fetch` in both cases.
      const own = values(rounds, fabric === "ours" || fabric === "base" ? figure : figure.replace(/^sdk_/, ""));
      if (own.length === 0) continue;
      figures[fabric] = median(own);
      spread[fabric] = [Math.min(...own), Math.max(...own)];
      // Of a count of nothing there is no ratio.
      if (fabric === "ours" || ours.length === 0 || own.includes(0)) continue;
      ratios[fabric] = median(ours) / median(own);
      const pairs = ours.slice(0, own.length).map((value, at) => value / own[at]);
      ratioSpread[fabric] = [Math.min(...pairs), Math.max(...pairs)];
    }
    const row = { scenario, gateway, clients, store, figure, figures, spread, ratios, ratioSpread };
    return { ...row, bounds: boundsOf(row) };
  });
}

function boundsOf(row: Omit<Row, "bounds">): Bound[] {
  return FLOORS.flatMap(({ figure, against, atMost = false, floor, goal, only }) => {
    const value = against === "number" ? row.figures.ours : row.ratios[against];
    if (figure !== row.figure || value === undefined || !(only?.(row) ?? true)) return [];
    const met = (bound: number): boolean => (atMost ? value <= bound : value >= bound);
    return [{
      against,
      atMost,
      value,
      ...(floor === undefined ? {} : { floor, pass: met(floor) }),
      ...(goal === undefined ? {} : { goal, goalMet: met(goal) }),
    }];
  });
}

/** One word about a bound. */
export function verdict({ pass, goalMet }: Bound): "goal" | "pass" | "BELOW" | "short" {
  if (pass === false) return "BELOW";
  return goalMet ? "goal" : pass ? "pass" : "short";
}
